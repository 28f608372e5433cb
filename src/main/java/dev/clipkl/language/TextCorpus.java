package dev.clipkl.language;

import dev.clipkl.failure.InputException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** The user's text files (UTF-8), read in the order given. */
public final class TextCorpus implements Corpus {
  /** What one text is. */
  public enum Unit {
    /** Each line that isn't blank. */
    LINE("\\R"),
    /** Each run of lines that aren't blank, with its line ends. */
    PARAGRAPH("(?>\\R)[ \\t]*(?:(?>\\R)[ \\t]*)+");

    private final String separator;

    Unit(String separator) {
      this.separator = separator;
    }
  }

  private final List<Path> files;
  private final Unit unit;

  /**
   * @param files at least one
   * @throws InputException if there is no file
   */
  public TextCorpus(List<Path> files, Unit unit) {
    if (files.isEmpty()) {
      throw new InputException("a corpus needs at least one text file");
    }
    this.files = List.copyOf(files);
    this.unit = unit;
  }

  @Override
  public String description() {
    return files.stream()
        .map(file -> String.valueOf(file.getFileName()))
        .collect(Collectors.joining(", ", "text files ", ""));
  }

  @Override
  public void forEach(Consumer<String> reader) {
    for (Path file : files) {
      for (String text : TextFiles.readUtf8(file).split(unit.separator, -1)) {
        String stripped = text.strip();
        if (!stripped.isEmpty()) {
          reader.accept(stripped);
        }
      }
    }
  }
}
