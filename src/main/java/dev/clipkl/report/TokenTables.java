package dev.clipkl.report;

import dev.clipkl.failure.CommandException;
import dev.clipkl.inspect.PolicySource;
import dev.clipkl.inspect.RunReference;
import dev.clipkl.inspect.RunTexts;
import dev.clipkl.inspect.StoredRun;
import dev.clipkl.inspect.TokenChanges;
import dev.clipkl.language.Tokenizer;
import dev.clipkl.report.ReportSubject.Run;
import dev.clipkl.training.StoredPolicy;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The tokens whose probability changed most, per row of a problem and for all policies trained on
 * it.
 *
 * @param rowKind what a row is called
 * @param runs the policies, by their places in the report
 * @param tokens what the tokens below are, by column: ready to be shown on one line
 * @param rows of the problem, or the first of them
 * @param allRows how many the problem has
 */
record TokenTables(
    String rowKind, List<Integer> runs, Map<Integer, String> tokens, List<Row> rows, long allRows) {
  /** Tokens in either direction, of each policy and row. */
  static final int TOKENS = 10;

  /** Rows whose tables a page can hold. */
  static final int MOST_ROWS = 1024;

  /**
   * One row.
   *
   * @param name the prompt or context; null where rows have none
   * @param moved mass that moved from the reference to each policy, {@code [runs]}
   * @param tokens columns, in no order
   * @param reference their probabilities under the reference
   * @param policies the same under each policy, {@code [runs][tokens]}
   */
  @SuppressWarnings("ArrayRecordComponent") // Compact, handed over once, and never compared.
  record Row(
      @Nullable String name,
      double[] moved,
      int[] tokens,
      double[] reference,
      double[][] policies) {}

  /**
   * What could be read.
   *
   * @param tables one per problem
   * @param notes why some runs have none
   */
  record Found(List<TokenTables> tables, List<String> notes) {}

  /** Reads the policies of all runs that have one; runs on the same problem share a table. */
  static Found of(List<Run> runs) {
    List<String> notes = new ArrayList<>();
    Map<String, List<Integer>> byProblem = new LinkedHashMap<>();
    for (int i = 0; i < runs.size(); i++) {
      StoredRun run = runs.get(i).stored();
      if (run.hasPolicy()) {
        byProblem.computeIfAbsent(run.facts().problemFingerprint(), _ -> new ArrayList<>()).add(i);
      } else {
        notes.add(runs.get(i).label() + " has no policy yet, because the run has not finished.");
      }
    }
    List<TokenTables> tables = new ArrayList<>();
    for (List<Integer> places : byProblem.values()) {
      try {
        tables.add(read(runs, places));
      } catch (CommandException e) {
        // The run's inputs may be elsewhere by now; all else can still be told.
        notes.add(
            "No tokens of %s: %s"
                .formatted(
                    String.join(", ", places.stream().map(i -> runs.get(i).label()).toList()),
                    e.getMessage()));
      }
    }
    return new Found(tables, notes);
  }

  private static TokenTables read(List<Run> runs, List<Integer> places) {
    StoredRun first = runs.get(places.getFirst()).stored();
    List<StoredPolicy> policies = new ArrayList<>();
    try (RunReference reference = RunReference.of(first.config())) {
      for (int place : places) {
        policies.add(runs.get(place).stored().openPolicy());
      }
      StoredPolicy policy = policies.getFirst();
      List<String> names =
          RunTexts.rowNames(new PolicySource(first.directory()), first.config(), policy.states());
      String tokenizerName = first.config().problem().tokenizer().orElse(null);
      Tokenizer tokenizer =
          tokenizerName == null ? null : RunTexts.tokenizer(tokenizerName, policy.actions());
      int shown = (int) Math.min(policy.states(), MOST_ROWS);
      List<Row> rows =
          IntStream.range(0, shown)
              .parallel()
              .mapToObj(row -> row(row, names == null ? null : names.get(row), reference, policies))
              .toList();
      return new TokenTables(
          RunTexts.rowKind(first.config()), places, texts(rows, tokenizer), rows, policy.states());
    } finally {
      policies.forEach(StoredPolicy::close);
    }
  }

  private static Row row(
      int row, @Nullable String name, RunReference reference, List<StoredPolicy> policies) {
    int actions = policies.getFirst().actions();
    double[] logReference = new double[actions];
    reference.readLogProbs(row, logReference);
    double[][] logPolicies = new double[policies.size()][actions];
    double[] moved = new double[policies.size()];
    Set<Integer> tokens = new LinkedHashSet<>();
    for (int i = 0; i < moved.length; i++) {
      policies.get(i).readLogProbs(row, logPolicies[i]);
      TokenChanges changes = TokenChanges.between(logReference, logPolicies[i], TOKENS);
      moved[i] = changes.totalVariation();
      Stream.concat(changes.gained().stream(), changes.lost().stream())
          .forEach(change -> tokens.add(change.token()));
    }
    int[] columns = tokens.stream().mapToInt(Integer::intValue).toArray();
    double[][] shares = new double[moved.length][];
    for (int i = 0; i < moved.length; i++) {
      shares[i] = probabilities(logPolicies[i], columns);
    }
    return new Row(name, moved, columns, probabilities(logReference, columns), shares);
  }

  private static double[] probabilities(double[] logProbabilities, int[] columns) {
    return IntStream.of(columns).mapToDouble(token -> Math.exp(logProbabilities[token])).toArray();
  }

  private static Map<Integer, String> texts(List<Row> rows, @Nullable Tokenizer tokenizer) {
    Map<Integer, String> texts = new TreeMap<>();
    for (Row row : rows) {
      for (int token : row.tokens()) {
        texts.computeIfAbsent(
            token, id -> tokenizer == null ? "action " + id : tokenizer.display(id));
      }
    }
    return texts;
  }
}
