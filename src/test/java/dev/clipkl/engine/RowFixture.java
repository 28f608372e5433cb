package dev.clipkl.engine;

import dev.clipkl.exact.RowOptimumSolver;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;

/** Small problems for engine tests, in automatic arenas. */
public final class RowFixture {
  private RowFixture() {}

  /** A table with these rows. */
  public static RowTable table(RowTable.Precision precision, double[]... rows) {
    RowTable table = RowTable.allocate(Arena.ofAuto(), precision, rows.length, rows[0].length);
    for (int row = 0; row < rows.length; row++) {
      table.writeRow(row, rows[row]);
    }
    return table;
  }

  /** One row of a table. */
  public static double[] row(RowTable table, int row) {
    double[] values = new double[table.columns()];
    table.readRow(row, values);
    return values;
  }

  /** A block of one row, with its optimum. */
  public static RowBlock block(
      EngineKind kind,
      RowProgram program,
      double[] logits,
      double[] reference,
      double[] actionValues) {
    return block(
        kind,
        program,
        new double[][] {logits},
        new double[][] {reference},
        new double[][] {actionValues});
  }

  /** A block over all rows, with the optima of the objective. */
  public static RowBlock block(
      EngineKind kind,
      RowProgram program,
      double[][] logits,
      double[][] logReference,
      double[][] actionValues) {
    RowTable reference = table(kind.precision(), logReference);
    RowTable values = table(kind.precision(), actionValues);
    return block(kind, program, table(kind.precision(), logits), reference, values);
  }

  /** A block over all rows of these tables, with the optima of the objective. */
  public static RowBlock block(
      EngineKind kind, RowProgram program, RowTable logits, RowTable reference, RowTable values) {
    int states = (int) logits.rows();
    ActorState actor =
        ActorState.allocate(
            Arena.ofAuto(), kind.precision(), states, logits.columns(), program.optimizer());
    RowOptimumSolver solver = new RowOptimumSolver(program.divergence(), program.lambda());
    RowOptimum[] optima = new RowOptimum[states];
    double[] weights = new double[states];
    Arrays.fill(weights, 1.0);
    for (int row = 0; row < states; row++) {
      actor.logits().writeRow(row, row(logits, row));
      optima[row] = solver.solve(row(reference, row), row(values, row));
    }
    return new RowBlock(actor, reference, values, weights, optima, 0, states);
  }

  /** {@code log softmax} of a row. */
  public static double[] logSoftmax(double[] logits) {
    double largest = Arrays.stream(logits).max().orElseThrow();
    double sum = Arrays.stream(logits).map(x -> Math.exp(x - largest)).sum();
    return Arrays.stream(logits).map(x -> x - largest - Math.log(sum)).toArray();
  }

  /** Probabilities of a row of logits. */
  public static double[] softmax(double[] logits) {
    return Arrays.stream(logSoftmax(logits)).map(Math::exp).toArray();
  }

  /** Natural logarithms. */
  public static double[] log(double... values) {
    return Arrays.stream(values).map(Math::log).toArray();
  }

  /** Normally distributed numbers, rounded to float32 so that every engine gets the same input. */
  public static double[] normal(Random random, int count, double mean, double deviation) {
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (mean + deviation * random.nextGaussian());
    }
    return values;
  }

  /** A normalised log-reference with Zipf's law in a random order, rounded to float32. */
  public static double[] zipfLogReference(Random random, int count) {
    double[] logits = new double[count];
    for (int i = 0; i < count; i++) {
      logits[i] = -Math.log(1.0 + i) + 0.1 * random.nextGaussian();
    }
    for (int i = count - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      double swap = logits[i];
      logits[i] = logits[j];
      logits[j] = swap;
    }
    double[] normalised = logSoftmax(logits);
    for (int i = 0; i < count; i++) {
      normalised[i] = (float) normalised[i];
    }
    return normalised;
  }

  /** Every divergence that the project has, a spread of alphas among them. */
  public static Stream<Divergence> divergences() {
    return Stream.of(
            "reverse-kl",
            "forward-kl",
            "js",
            "chi2",
            "hellinger2",
            "alpha(0.5)",
            "alpha(1.5)",
            "alpha(-1)",
            "alpha(2)",
            "alpha(3)")
        .map(Divergence::parse);
  }
}
