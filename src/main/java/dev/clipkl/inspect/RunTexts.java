package dev.clipkl.inspect;

import dev.clipkl.config.ProblemKind;
import dev.clipkl.config.RunConfig;
import dev.clipkl.failure.InputException;
import dev.clipkl.language.Prompt;
import dev.clipkl.language.Prompts;
import dev.clipkl.language.Tokenizer;
import dev.clipkl.language.Tokenizers;
import dev.clipkl.training.SequenceProblem;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a policy's rows and columns are for people: prompts or contexts, and tokens. */
public final class RunTexts {
  private RunTexts() {}

  /** What a row is called: {@code prompt}, {@code context} or {@code state}. */
  public static String rowKind(RunConfig config) {
    return switch (config.problem().kind()) {
      case BANDIT -> config.problem().prompts().isPresent() ? "prompt" : "state";
      case SEQUENCE -> "context";
      case MDP -> "state";
    };
  }

  /**
   * The rows' names; null for an imported problem, whose rows have none.
   *
   * @param run the run's directory
   * @param rows number of the policy's rows
   * @throws InputException when the file that names them is missing, unsound or of another size
   */
  public static @Nullable List<String> rowNames(PolicySource run, RunConfig config, long rows) {
    if (config.problem().importFile().isPresent()) {
      return null;
    }
    if (config.problem().kind() == ProblemKind.SEQUENCE) {
      List<String> names = SequenceProblem.rowNames(config);
      if (names.size() != rows) {
        throw new InputException(
            "%s: expected as many rows as the run has contexts, %d, got %d"
                .formatted(run.path(), names.size(), rows));
      }
      return names;
    }
    Path path = config.problem().prompts().orElse(null);
    return path == null ? null : prompts(path, rows);
  }

  /**
   * The texts of a file of prompts.
   *
   * @throws InputException when it is missing or unsound, or has another number than {@code rows}
   */
  public static List<String> prompts(Path path, long rows) {
    List<Prompt> read = Prompts.read(path);
    if (read.size() != rows) {
      throw new InputException(
          "%s: expected as many prompts as the policy has rows, %d, got %d"
              .formatted(path, rows, read.size()));
    }
    return read.stream().map(Prompt::text).toList();
  }

  /**
   * Opens a tokenizer whose vocabulary a policy's columns are.
   *
   * @throws InputException when there is none of that name, or it has another number of tokens
   */
  public static Tokenizer tokenizer(String name, int columns) {
    Tokenizer opened = Tokenizers.open(name);
    if (opened.vocabularySize() != columns) {
      throw new InputException(
          "tokenizer %s: expected as many columns as the policy has, %d, got %d"
              .formatted(name, columns, opened.vocabularySize()));
    }
    return opened;
  }
}
