package dev.clipkl.language;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;

/**
 * The definitions and example sentences of WordNet 3.1 (Princeton University), each one text, in
 * the order of the files data.noun, data.verb, data.adj, data.adv.
 *
 * <p>A line of those files ends in {@code | definition; "example"; "example"}.
 */
public final class WordNetCorpus implements Corpus {
  private static final String FOLDER = "/net/sf/extjwnl/data/wordnet/wn31/";
  private static final List<String> FILES =
      List.of("data.noun", "data.verb", "data.adj", "data.adv");

  @Override
  public String description() {
    return "WordNet 3.1 definitions and examples";
  }

  @Override
  public void forEach(Consumer<String> reader) {
    for (String file : FILES) {
      try (InputStream in = WordNetCorpus.class.getResourceAsStream(FOLDER + file)) {
        if (in == null) {
          throw new IllegalStateException("the class path holds no WordNet " + FOLDER + file);
        }
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          int bar = line.indexOf('|');
          // The licence at the top of each file is indented.
          if (bar >= 0 && !line.startsWith(" ")) {
            split(line.substring(bar + 1), reader);
          }
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /**
   * Splits a gloss. A quotation at the start or after a semicolon or colon is an example; one
   * inside a definition belongs to it.
   */
  static void split(String gloss, Consumer<String> reader) {
    StringBuilder definition = new StringBuilder();
    int position = 0;
    while (position < gloss.length()) {
      int quote = gloss.indexOf('"', position);
      if (quote < 0) {
        definition.append(gloss, position, gloss.length());
        break;
      }
      String before = gloss.substring(position, quote);
      int end = gloss.indexOf('"', quote + 1);
      if (end < 0) {
        definition.append(gloss, position, gloss.length());
        break;
      }
      definition.append(before);
      String soFar = definition.toString().strip();
      if (soFar.isEmpty() || soFar.endsWith(";") || soFar.endsWith(":")) {
        give(soFar, reader);
        definition.setLength(0);
        give(gloss.substring(quote + 1, end), reader);
        position = afterAttribution(gloss, end + 1);
      } else {
        definition.append(gloss, quote, end + 1);
        position = end + 1;
      }
    }
    give(definition.toString(), reader);
  }

  /** Skips what follows an example up to its semicolon: {@code - William Shakespeare}. */
  private static int afterAttribution(String gloss, int position) {
    int semicolon = gloss.indexOf(';', position);
    int quote = gloss.indexOf('"', position);
    if (semicolon < 0 || (quote >= 0 && quote < semicolon)) {
      return quote < 0 ? gloss.length() : quote;
    }
    return semicolon + 1;
  }

  private static void give(String text, Consumer<String> reader) {
    String stripped = text.strip();
    while (stripped.endsWith(";") || stripped.endsWith(":")) {
      stripped = stripped.substring(0, stripped.length() - 1).strip();
    }
    if (!stripped.isEmpty()) {
      reader.accept(stripped);
    }
  }
}
