package dev.clipkl.comparison;

import dev.clipkl.bench.BenchMethod;
import dev.clipkl.bench.SyntheticRows;
import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.reference.ReferenceEngine;
import dev.clipkl.exact.RowOptima;
import dev.clipkl.failure.CheckFailedException;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import java.util.Arrays;

/**
 * Whether a contender computes what all are said to compute: its policy after some outer iterations
 * against the one that the scalar float64 engine finds.
 *
 * @param innerSteps K of the outer iterations
 * @param distance the largest total variation between the two policies, over the compared rows
 * @param movement the least total variation between the oracle's policy and where it started: what
 *     a contender that does nothing would be off by
 * @param clippedActions actions of the compared rows whose clip was active at the last inner step
 */
record Agreement(int innerSteps, double distance, double movement, long clippedActions) {
  /** Outer iterations that are compared; the second one starts away from the reference. */
  private static final int OUTER_ITERATIONS = 2;

  /** Float32 logits of magnitude 16 carry 1e-6 each; a wrong term of the gradient shows as 1e-3. */
  static final double LARGEST_DISTANCE = 1e-5;

  /** What a contender that does nothing must be off by. */
  private static final double LEAST_MOVEMENT = 1e-3;

  /** The oracle's answer for some rows. */
  static final class Oracle {
    private final int[] rows;
    private final int innerSteps;
    private final double[][] start;
    private final double[][] expected;
    private final long clippedActions;

    /** Runs the float64 engine on the first, the middle and the last row. */
    Oracle(Workload workload, Divergence divergence, int innerSteps) {
      this.innerSteps = innerSteps;
      rows =
          Arrays.stream(new int[] {0, workload.rows() / 2, workload.rows() - 1})
              .distinct()
              .toArray();
      start = new double[rows.length][];
      expected = new double[rows.length][];
      RowProgram program = BenchMethod.FIXED.program(divergence, innerSteps);
      try (Arena arena = Arena.ofShared();
          Engine engine = new ReferenceEngine(workload.threads())) {
        RowTable reference = RowTable.allocate(arena, rows.length, workload.columns());
        RowTable rewards = RowTable.allocate(arena, rows.length, workload.columns());
        ActorState actor =
            ActorState.allocate(
                arena,
                engine.kind().precision(),
                rows.length,
                workload.columns(),
                OptimizerKind.GRADIENT);
        SyntheticRows synthetic = workload.synthetic();
        float[] row = new float[workload.columns()];
        for (int r = 0; r < rows.length; r++) {
          synthetic.readReference(rows[r], row);
          reference.writeRow(r, row);
          actor.logits().writeRow(r, row);
          start[r] = softmax(row);
          synthetic.readRewards(rows[r], row);
          rewards.writeRow(r, row);
        }
        double[] weights = new double[rows.length];
        Arrays.fill(weights, 1.0);
        RowResults results = new RowResults(OUTER_ITERATIONS, rows.length, innerSteps);
        engine.run(
            new RowBlock(
                actor,
                reference,
                rewards,
                weights,
                RowOptima.solve(engine, divergence, BenchMethod.LAMBDA, reference, rewards),
                0,
                rows.length),
            program,
            OUTER_ITERATIONS,
            results);
        double[] logits = new double[workload.columns()];
        for (int r = 0; r < rows.length; r++) {
          actor.logits().readRow(r, logits);
          expected[r] = softmax(logits);
        }
        clippedActions =
            Arrays.stream(results.clippedActions(OUTER_ITERATIONS - 1, innerSteps - 1)).sum();
      }
    }

    /**
     * Runs a contender from the reference, and compares.
     *
     * @throws CheckFailedException when it computes something else
     */
    Agreement check(String name, Contender contender) {
      contender.reset();
      for (int n = 0; n < OUTER_ITERATIONS; n++) {
        contender.outerIteration(innerSteps);
      }
      float[] logits = new float[expected[0].length];
      double distance = 0.0;
      double movement = Double.POSITIVE_INFINITY;
      for (int r = 0; r < rows.length; r++) {
        contender.readLogits(rows[r], logits);
        distance = Math.max(distance, totalVariation(softmax(logits), expected[r]));
        movement = Math.min(movement, totalVariation(start[r], expected[r]));
      }
      if (!(distance <= LARGEST_DISTANCE)) {
        throw new CheckFailedException(
            "%s does not compute the same: after %d outer iterations of %d inner steps its policy is"
                    .formatted(name, OUTER_ITERATIONS, innerSteps)
                + " %.3g from the oracle's in total variation, expected at most %.0e"
                    .formatted(distance, LARGEST_DISTANCE));
      }
      if (!(movement >= LEAST_MOVEMENT)) {
        throw new CheckFailedException(
            "the check would prove nothing: the policy has moved by %.3g in total variation,"
                    .formatted(movement)
                + " expected at least %.0e".formatted(LEAST_MOVEMENT));
      }
      return new Agreement(innerSteps, distance, movement, clippedActions);
    }
  }

  private static double[] softmax(float[] logits) {
    double[] wide = new double[logits.length];
    Arrays.setAll(wide, a -> logits[a]);
    return softmax(wide);
  }

  private static double[] softmax(double[] logits) {
    double largest = Arrays.stream(logits).max().orElseThrow();
    double sum = 0.0;
    double[] probabilities = new double[logits.length];
    for (int a = 0; a < logits.length; a++) {
      probabilities[a] = Math.exp(logits[a] - largest);
      sum += probabilities[a];
    }
    for (int a = 0; a < logits.length; a++) {
      probabilities[a] /= sum;
    }
    return probabilities;
  }

  private static double totalVariation(double[] p, double[] q) {
    double sum = 0.0;
    for (int a = 0; a < p.length; a++) {
      sum += Math.abs(p[a] - q[a]);
    }
    return 0.5 * sum;
  }
}
