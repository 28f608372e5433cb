package dev.clipkl.certify;

import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowResults;
import dev.clipkl.training.LoadedRun;

/** What a run did, outer iteration by outer iteration, held against the theory on the way. */
interface Replay extends AutoCloseable {

  /** Certifies the policy where the run starts. */
  void start();

  /**
   * Certifies one outer iteration, after the engine has run it.
   *
   * @param results of this iteration
   */
  void afterIteration(int outerIteration, RowResults results);

  /**
   * Certifies the policy that the actor holds now, as the run's last, and what only it can show.
   *
   * @param replayed whether the iterations before it were replayed
   */
  FinalPolicy finish(int outerIterations, boolean replayed);

  /**
   * The exact numbers of the last policy.
   *
   * @param value averaged by the start distribution
   * @param optimumLower certified lower end of the optimum
   * @param optimumUpper certified upper end of the optimum
   * @param gap {@code optimum - value}, without cancellation
   * @param minLogPolicy {@code min log p}, nats
   */
  record FinalPolicy(
      double value, double optimumLower, double optimumUpper, double gap, double minLogPolicy) {}

  @Override
  default void close() {}

  /** Exact mean gap of the latest policy that was certified. */
  double gap();

  /** Runs the given outer iterations one at a time; the last accepted first step of every row. */
  static double[] run(
      LoadedRun run, Replay replay, int outerIterations, double[] gaps, ReplayListener listener) {
    RowResults results = new RowResults(1, run.problem().states(), run.program().innerSteps());
    double[] lastSteps = new double[run.problem().states()];
    RowBlock block = run.coupling().block();
    replay.start();
    gaps[0] = replay.gap();
    if (!run.coupling().rowsMeet()) {
      run.engine().keep(block, run.program());
    }
    try {
      for (int n = 1; n <= outerIterations; n++) {
        run.engine().run(block, run.program(), 1, results);
        run.engine().fetch(block);
        replay.afterIteration(n, results);
        gaps[n] = replay.gap();
        double[] steps = results.metric(0, RowMetric.STEP_SIZE);
        for (int row = 0; row < lastSteps.length; row++) {
          lastSteps[row] = steps[row] > 0.0 ? steps[row] : lastSteps[row];
        }
        listener.replayed(n, outerIterations, gaps[n]);
      }
    } finally {
      run.engine().release(block);
    }
    return lastSteps;
  }

  /** Follows a replay. */
  @FunctionalInterface
  interface ReplayListener {
    /** After an outer iteration. */
    void replayed(int outerIteration, int outerIterations, double gap);
  }
}
