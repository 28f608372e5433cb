package dev.clipkl.language;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.clipkl.failure.InputException;
import dev.clipkl.table.RowTable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/**
 * Scores for words, as token rewards {@code [vocabularySize]}.
 *
 * <p>A lexicon is a CSV file with the header {@code text,score} or {@code token,score}, or a JSON
 * object {@code {"text": score}}. A <em>text</em> gives its score to the single token that it is,
 * with and without a space before it. A <em>token</em> is one token's exact text, space included.
 * An entry that is no single token is left out and listed. The entry {@code <default>} gives the
 * score of all other tokens; without it that is 0.
 */
public final class TokenLexicon implements RewardFile {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private static final String DEFAULT = "<default>";

  private record Entry(String where, String text, boolean exact, double score) {}

  private final Path path;
  private final float[] rewards;
  private final int mappedTokens;
  private final List<String> unmapped;

  private TokenLexicon(Path path, float[] rewards, int mappedTokens, List<String> unmapped) {
    this.path = path;
    this.rewards = rewards;
    this.mappedTokens = mappedTokens;
    this.unmapped = List.copyOf(unmapped);
  }

  /**
   * Reads a lexicon for a vocabulary.
   *
   * @throws InputException in one line with file and position: another form, a score that isn't
   *     finite, two scores for one token, or no entry that is a single token
   */
  public static TokenLexicon read(Path path, Tokenizer tokenizer) {
    List<Entry> entries = path.toString().endsWith(".json") ? json(path) : csv(path);
    float[] rewards = new float[tokenizer.vocabularySize()];
    Arrays.fill(rewards, defaultScore(path, entries));
    entries.removeIf(entry -> entry.text().equals(DEFAULT));
    String[] givenBy = new String[rewards.length];
    int mapped = 0;
    List<String> unmapped = new ArrayList<>();
    for (Entry entry : entries) {
      Set<Integer> tokens = tokens(entry, tokenizer);
      if (tokens.isEmpty()) {
        unmapped.add(entry.text());
      }
      for (int token : tokens) {
        float score = (float) entry.score();
        if (givenBy[token] == null) {
          mapped++;
        } else if (rewards[token] != score) {
          throw new InputException(
              "%s: token %s gets two scores, %s at %s and %s at %s"
                  .formatted(
                      path,
                      tokenizer.display(token),
                      rewards[token],
                      givenBy[token],
                      score,
                      entry.where()));
        }
        rewards[token] = score;
        givenBy[token] = entry.where();
      }
    }
    if (mapped == 0) {
      throw new InputException(
          "%s: none of %d entries is a single token of %s"
              .formatted(path, entries.size(), tokenizer.name()));
    }
    return new TokenLexicon(path, rewards, mapped, unmapped);
  }

  private static float defaultScore(Path path, List<Entry> entries) {
    List<Entry> given = entries.stream().filter(e -> e.text().equals(DEFAULT)).toList();
    if (given.size() > 1) {
      throw new InputException(
          "%s: %s gets two scores, at %s and at %s"
              .formatted(path, DEFAULT, given.get(0).where(), given.get(1).where()));
    }
    return given.isEmpty() ? 0 : (float) given.getFirst().score();
  }

  private static Set<Integer> tokens(Entry entry, Tokenizer tokenizer) {
    List<String> spellings =
        entry.exact()
            ? List.of(entry.text())
            : List.of(entry.text().strip(), " " + entry.text().strip());
    Set<Integer> tokens = new LinkedHashSet<>();
    for (String spelling : spellings) {
      int[] ids = tokenizer.encode(spelling);
      // A single unknown-word token stands for any word, not for this one.
      if (ids.length == 1 && !tokenizer.isSpecial(ids[0])) {
        tokens.add(ids[0]);
      }
    }
    return tokens;
  }

  private static List<Entry> json(Path path) {
    List<Entry> entries = new ArrayList<>();
    try {
      JsonNode root = JSON.readTree(TextFiles.readUtf8(path));
      if (!(root instanceof ObjectNode object)) {
        throw new InputException(path + ": expected a JSON object {\"text\": score}");
      }
      for (var property : object.properties()) {
        String where = "key \"%s\"".formatted(OneLine.of(property.getKey()));
        JsonNode score = property.getValue();
        if (!score.isNumber()) {
          throw notAScore(path, where, score.toString());
        }
        entries.add(entry(path, where, property.getKey(), false, score.doubleValue()));
      }
    } catch (IOException e) {
      throw new InputException("%s: not JSON: %s".formatted(path, OneLine.of(e)), e);
    }
    return notEmpty(path, entries);
  }

  private static List<Entry> csv(Path path) {
    CSVFormat format = CSVFormat.DEFAULT.builder().setHeader().setSkipHeaderRecord(true).get();
    List<Entry> entries = new ArrayList<>();
    try (CSVParser parser = CSVParser.parse(TextFiles.readUtf8(path), format)) {
      List<String> header = parser.getHeaderNames();
      boolean exact = header.equals(List.of("token", "score"));
      if (!exact && !header.equals(List.of("text", "score"))) {
        throw new InputException(
            "%s: the first line must be text,score or token,score, got %s"
                .formatted(path, OneLine.of(String.join(",", header))));
      }
      for (CSVRecord record : parser) {
        String where = "line " + parser.getCurrentLineNumber();
        if (record.size() != 2) {
          throw new InputException(
              "%s, %s: expected 2 columns, got %d".formatted(path, where, record.size()));
        }
        entries.add(entry(path, where, record.get(0), exact, parse(path, where, record.get(1))));
      }
    } catch (IllegalArgumentException | IOException | UncheckedIOException e) {
      throw new InputException("%s: not CSV: %s".formatted(path, OneLine.of(e)), e);
    }
    return notEmpty(path, entries);
  }

  private static double parse(Path path, String where, String score) {
    try {
      return Double.parseDouble(score.strip());
    } catch (NumberFormatException e) {
      throw notAScore(path, where, score);
    }
  }

  private static Entry entry(Path path, String where, String text, boolean exact, double score) {
    if (!Float.isFinite((float) score)) {
      throw notAScore(path, where, Double.toString(score));
    }
    if (exact ? text.isEmpty() : text.isBlank()) {
      throw new InputException("%s, %s: the text is empty".formatted(path, where));
    }
    return new Entry(where, text, exact, score);
  }

  private static InputException notAScore(Path path, String where, String got) {
    return new InputException(
        "%s, %s: a score must be a finite float32 number, got %s"
            .formatted(path, where, OneLine.of(got)));
  }

  private static List<Entry> notEmpty(Path path, List<Entry> entries) {
    if (entries.isEmpty()) {
      throw new InputException(path + ": the lexicon has no entry");
    }
    return entries;
  }

  @Override
  public String description() {
    return "lexicon %s: %d tokens scored, %d entries left out"
        .formatted(path, mappedTokens, unmapped.size());
  }

  @Override
  public int vocabularySize() {
    return rewards.length;
  }

  @Override
  public boolean isOneRow() {
    return true;
  }

  /** Does nothing: a lexicon fits any number of prompts. */
  @Override
  public void checkRows(long prompts) {}

  @Override
  public void fill(RowTable destination) {
    double[] row = new double[rewards.length];
    for (int token = 0; token < row.length; token++) {
      row[token] = rewards[token];
    }
    TableShape.writeEveryRow(destination, row);
  }

  /** Does nothing: the lexicon was read into memory. */
  @Override
  public void close() {}

  /** The rewards, {@code [vocabularySize]}; the default where the lexicon names no score. */
  public float[] rewards() {
    return rewards.clone();
  }

  /** How many tokens got a score. */
  public int mappedTokens() {
    return mappedTokens;
  }

  /** The entries left out because they are no single token, in file order. */
  public List<String> unmapped() {
    return unmapped;
  }
}
