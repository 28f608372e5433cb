package dev.clipkl.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.failure.InputException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizersTest {
  private static final String MIXED_TEXT = "Grüße, 世界!\n\tA kind word — 3.14 <|endoftext|> 🙂  ";

  @ParameterizedTest
  @CsvSource({
    "r50k_base, 50257, 50256",
    "p50k_base, 50281, 50256",
    "cl100k_base, 100277, 100257",
    "o200k_base, 200019, 199999"
  })
  void vocabularySizeCountsSpecialTokensAndHoles(String name, int size, int endOfText) {
    Tokenizer tokenizer = Tokenizers.open(name);
    assertThat(tokenizer.vocabularySize()).isEqualTo(size);
    assertThat(tokenizer.endOfText()).hasValue(endOfText);
    assertThat(tokenizer.display(endOfText)).isEqualTo("<|endoftext|>");
    assertThat(tokenizer.name()).isEqualTo(name);
  }

  @ParameterizedTest
  @ValueSource(strings = {"r50k_base", "p50k_base", "cl100k_base", "o200k_base"})
  void decodingRestoresTheTextAndSpecialTokensAreOrdinaryText(String name) {
    Tokenizer tokenizer = Tokenizers.open(name);
    int[] ids = tokenizer.encode(MIXED_TEXT);
    assertThat(tokenizer.decode(ids)).isEqualTo(MIXED_TEXT);
    assertThat(ids).doesNotContain(tokenizer.endOfText().orElseThrow());
  }

  @ParameterizedTest
  @ValueSource(strings = {"r50k_base", "cl100k_base", "o200k_base"})
  void theBytesOfTheTokensOfATextAreTheTextsBytes(String name) {
    Tokenizer tokenizer = Tokenizers.open(name);
    var bytes = new java.io.ByteArrayOutputStream();
    for (int id : tokenizer.encode(MIXED_TEXT)) {
      bytes.writeBytes(tokenizer.tokenBytes(id));
    }
    assertThat(bytes.toByteArray()).isEqualTo(MIXED_TEXT.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void holesAreEmptyAndShownAsHoles() {
    Tokenizer tokenizer = Tokenizers.open("cl100k_base");
    assertThat(tokenizer.tokenBytes(100256)).isEmpty();
    assertThat(tokenizer.display(100256)).isEqualTo("<hole 100256>");
    assertThatThrownBy(() -> tokenizer.decode(new int[] {100256}))
        .hasMessageContaining("no token with id 100256");
    assertThatThrownBy(() -> tokenizer.tokenBytes(100277)).hasMessageContaining("0 to 100276");
    assertThatThrownBy(() -> tokenizer.tokenBytes(-1)).hasMessageContaining("got -1");
  }

  @Test
  void displayIsOneVisibleLineForEveryToken() {
    Tokenizer tokenizer = Tokenizers.open("cl100k_base");
    assertThat(tokenizer.display(only(tokenizer, " kind"))).isEqualTo("␣kind");
    assertThat(tokenizer.display(only(tokenizer, "\n"))).isEqualTo("⏎");
    assertThat(TokenDisplay.of(1, new byte[] {(byte) 0xE2, (byte) 0x80})).isEqualTo("\\xE2\\x80");
    assertThat(TokenDisplay.of(1, new byte[] {'a', (byte) 0xFF, 'b'})).isEqualTo("a\\xFFb");
    for (int id = 0; id < tokenizer.vocabularySize(); id++) {
      assertThat(tokenizer.display(id).replace("<hole ", "<hole-"))
          .isNotEmpty()
          .doesNotContainAnyWhitespaces();
    }
  }

  private static int only(Tokenizer tokenizer, String text) {
    int[] ids = tokenizer.encode(text);
    assertThat(ids).hasSize(1);
    return ids[0];
  }

  /** The hashes that tiktoken checks its downloads against: these are the published files. */
  @ParameterizedTest
  @CsvSource({
    "r50k_base, 306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930",
    "cl100k_base, 223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k_base, 446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
  })
  void fingerprintIsThatOfThePublishedVocabulary(String name, String sha256) {
    assertThat(Tokenizers.open(name).fingerprint()).isEqualTo(sha256);
  }

  @Test
  void fingerprintsDiffer() {
    Set<String> fingerprints = new HashSet<>();
    Tokenizers.builtInNames().forEach(n -> fingerprints.add(Tokenizers.open(n).fingerprint()));
    assertThat(fingerprints).hasSize(4);
  }

  @Test
  void unknownNameIsRefusedWithTheNearestKnownOne() {
    assertThatThrownBy(() -> Tokenizers.open("cl100k"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("r50k_base, p50k_base, cl100k_base, o200k_base")
        .hasMessageContaining("got 'cl100k' (nearest: cl100k_base)");
    assertThatThrownBy(() -> Tokenizers.open("")).isInstanceOf(InputException.class);
    assertThatThrownBy(() -> Tokenizers.open("nowhere/tokenizer.json"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("no such tokenizer file");
  }
}
