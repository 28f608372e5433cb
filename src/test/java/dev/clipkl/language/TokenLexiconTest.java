package dev.clipkl.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.failure.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenLexiconTest {
  private static final Tokenizer TOKENIZER = Tokenizers.open("cl100k_base");

  @TempDir private Path folder;

  private TokenLexicon read(String name, String content) throws IOException {
    return TokenLexicon.read(Files.writeString(folder.resolve(name), content), TOKENIZER);
  }

  private static int token(String text) {
    int[] ids = TOKENIZER.encode(text);
    assertThat(ids).as(text).hasSize(1);
    return ids[0];
  }

  @Test
  void textsScoreTheirTokenWithAndWithoutASpaceAndOthersAreListed() throws IOException {
    TokenLexicon lexicon =
        read("a.csv", "text,score\nkind,1\nrude,-0.5\n\"unquestionably benevolent\",2\n");
    float[] rewards = lexicon.rewards();
    assertThat(rewards).hasSize(TOKENIZER.vocabularySize());
    assertThat(rewards[token("kind")]).isEqualTo(1f);
    assertThat(rewards[token(" kind")]).isEqualTo(1f);
    assertThat(rewards[token(" rude")]).isEqualTo(-0.5f);
    assertThat(rewards[token(" table")]).isZero();
    assertThat(lexicon.unmapped()).containsExactly("unquestionably benevolent");
    assertThat(lexicon.mappedTokens())
        .isEqualTo(3 + (TOKENIZER.encode("rude").length == 1 ? 1 : 0));
  }

  @Test
  void tokensAreTakenExactly() throws IOException {
    float[] rewards = read("b.csv", "token,score\n\" kind\",1\n").rewards();
    assertThat(rewards[token(" kind")]).isEqualTo(1f);
    assertThat(rewards[token("kind")]).isZero();
  }

  @Test
  void defaultIsTheScoreOfAllOtherTokens() throws IOException {
    float[] rewards = read("e.csv", "token,score\n\" kind\",1\n<default>,0.5\n").rewards();
    assertThat(rewards[token(" kind")]).isEqualTo(1f);
    assertThat(rewards[token(" table")]).isEqualTo(0.5f);
    assertThat(rewards[token("kind")]).isEqualTo(0.5f);
  }

  @Test
  void jsonGivesTheSameAsCsv() throws IOException {
    assertThat(read("c.json", "{\"kind\": 1, \"rude\": -0.5}").rewards())
        .isEqualTo(read("c.csv", "text,score\nkind,1\nrude,-0.5\n").rewards());
  }

  @Test
  void theUnknownWordTokenGetsNoScore() throws IOException {
    Tokenizer words = Tokenizers.open(TokenizerJsonTest.wordLevel(folder).toString());
    Path file = Files.writeString(folder.resolve("d.csv"), "text,score\nkind,1\nzebra,2\n");
    TokenLexicon lexicon = TokenLexicon.read(file, words);
    assertThat(lexicon.rewards()).containsExactly(0, 1, 0, 0, 0, 0, 0);
    assertThat(lexicon.unmapped()).containsExactly("zebra");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "'word,score|kind,1' ~ the first line must be text,score or token,score, got word,score",
        "'text,score|kind,NaN' ~ line 2: a score must be a finite float32 number, got NaN",
        "'text,score|kind,1e39' ~ line 2: a score must be a finite float32 number, got 1.0E39",
        "'text,score|kind,high' ~ line 2: a score must be a finite float32 number, got high",
        "'text,score|rude,0|kind' ~ line 3: expected 2 columns, got 1",
        "'text,score|,1' ~ line 2: the text is empty",
        "'text,score|' ~ the lexicon has no entry",
        "'text,score|kind,1|kind,2' ~ gets two scores, 1.0 at line 2 and 2.0 at line 3",
        "'text,score|<default>,1|kind,1|<default>,1' ~ <default> gets two scores, at line 2 and at line 4",
        "'text,score|unquestionably benevolent,1' ~ none of 1 entries is a single token",
        "'text,score|\"kind,1' ~ not CSV"
      })
  void badLexiconIsRefused(String content, String message) {
    assertThatThrownBy(() -> read("bad.csv", content.replace("|", "\n")))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("bad.csv")
        .hasMessageContaining(message)
        .message()
        .hasLineCount(1);
  }

  @Test
  void badJsonLexiconIsRefused() {
    assertThatThrownBy(() -> read("bad.json", "{\"kind\": \"1\"}"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("key \"kind\": a score must be a finite float32 number");
    assertThatThrownBy(() -> read("bad.json", "[1]")).hasMessageContaining("JSON object");
    assertThatThrownBy(() -> read("bad.json", "{\"kind\":")).hasMessageContaining("not JSON");
    assertThatThrownBy(() -> read("bad.json", "{\"a\":1,\"a\":2}"))
        .hasMessageContaining("not JSON");
  }
}
