package dev.clipkl.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.failure.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorpusTest {
  @TempDir private Path folder;

  private static List<String> texts(Corpus corpus) {
    List<String> texts = new ArrayList<>();
    corpus.forEach(texts::add);
    return texts;
  }

  private static List<String> split(String gloss) {
    List<String> texts = new ArrayList<>();
    WordNetCorpus.split(gloss, texts::add);
    return texts;
  }

  @Test
  void wordNetGivesDefinitionsAndExamplesInAFixedOrder() {
    List<String> texts = texts(new WordNetCorpus());
    assertThat(texts)
        .hasSizeGreaterThan(150_000)
        .startsWith(
            "that which is perceived or known or inferred to have its own distinct existence (living or"
                + " nonliving)",
            "an entity that has physical existence");
    assertThat(texts)
        .contains(
            "able to swim",
            "breathe with great difficulty, as when" + " experiencing a strong emotion");
    assertThat(texts).noneMatch(text -> text.isBlank() || text.contains("|"));
    assertThat(texts(new WordNetCorpus())).isEqualTo(texts);
  }

  @Test
  void glossIsSplitAtItsExamples() {
    assertThat(split(" in AD; used before dates; \"in AD 200\"  "))
        .containsExactly("in AD; used before dates", "in AD 200");
    assertThat(split(" a promise as in \"carrot and stick\"; \"used the carrot\""))
        .containsExactly("a promise as in \"carrot and stick\"", "used the carrot");
    assertThat(split(" attack: \"The zebra was beset\""))
        .containsExactly("attack", "The zebra was beset");
    assertThat(split(" sleep; \"perchance to dream\"- Shakespeare; \"he slept\""))
        .containsExactly("sleep", "perchance to dream", "he slept");
    assertThat(split(" \"only this\"")).containsExactly("only this");
    assertThat(split(" an open \"quote")).containsExactly("an open \"quote");
  }

  @Test
  void textFilesAreSplitIntoLinesOrParagraphs() throws IOException {
    Path file = Files.writeString(folder.resolve("a.txt"), "one\r\ntwo\r\n \r\n\r\nthree\n");
    assertThat(texts(new TextCorpus(List.of(file), TextCorpus.Unit.LINE)))
        .containsExactly("one", "two", "three");
    assertThat(texts(new TextCorpus(List.of(file, file), TextCorpus.Unit.PARAGRAPH)))
        .containsExactly("one\r\ntwo", "three", "one\r\ntwo", "three");
  }

  @Test
  void badTextFilesAreRefused() throws IOException {
    Path malformed = folder.resolve("b.txt");
    Files.write(malformed, new byte[] {'x', '\n', (byte) 0x80});
    assertThatThrownBy(() -> texts(new TextCorpus(List.of(malformed), TextCorpus.Unit.LINE)))
        .isInstanceOf(InputException.class)
        .hasMessage(malformed + ": not UTF-8: malformed byte 0x80 at byte 2 (counted from 0)");
    assertThatThrownBy(() -> texts(new TextCorpus(List.of(folder), TextCorpus.Unit.LINE)))
        .hasMessage(folder + ": is a folder, expected a file");
    assertThatThrownBy(() -> new TextCorpus(List.of(), TextCorpus.Unit.LINE))
        .isInstanceOf(InputException.class);
  }
}
