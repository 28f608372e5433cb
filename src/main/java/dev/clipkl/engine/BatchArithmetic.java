package dev.clipkl.engine;

import dev.clipkl.table.ColumnGroups;
import dev.clipkl.table.RowTable;
import org.jspecify.annotations.Nullable;

/**
 * The sweeps of {@link RowArithmetic} on many rows at once, for engines whose operations are worth
 * their overhead only on large arrays. {@link LockstepEngine} decides which rows take part.
 *
 * <p>A batch has slots 0, 1, ...; slot s holds row {@code firstRow + s} of the block. Every sweep
 * works on the slots {@code [first, end)}; arrays of arguments and results are indexed by slot. A
 * row's results must not depend on which other rows take part. Used by one thread.
 */
public interface BatchArithmetic extends AutoCloseable {

  /** Number of slots. */
  int slots();

  /** Says which rows the slots stand for from now on; reads nothing yet. */
  void begin(RowBlock block, RowProgram program, int firstRow);

  /** See {@link RowArithmetic#load}. */
  void load(int first, int end);

  /** See {@link RowArithmetic#store}. */
  void store(int first, int end);

  /** See {@link RowArithmetic#actionValueSpan}. */
  void actionValueSpan(int first, int end, double[] spans);

  /** See {@link RowArithmetic#anchor}. */
  void anchor(int first, int end);

  /** See {@link RowArithmetic#measure}. */
  void measure(int first, int end, SurrogatePoint[] points);

  /** See {@link RowArithmetic#countClipped}. */
  void countClipped(int first, int end, SurrogatePoint[] points);

  /** See {@link RowArithmetic#direction}. */
  void direction(int first, int end, int[] momentumSteps, AscentDirection[] directions);

  /** See {@link RowArithmetic#gradientNorm}. */
  void gradientNorm(int first, int end, double[] norms);

  /** See {@link RowArithmetic#coefficientSpan}. */
  void coefficientSpan(int first, int end, double[] spans);

  /** See {@link RowArithmetic#largestCurvature}. */
  void largestCurvature(int first, int end, double[] curvatures);

  /** See {@link RowArithmetic#propose}. */
  void propose(
      int first,
      int end,
      double[] steps,
      double[] momenta,
      double[] nextMomenta,
      SurrogatePoint[] points);

  /** See {@link RowArithmetic#accept}. */
  void accept(int first, int end);

  /** See {@link RowArithmetic#summarize}. */
  void summarize(int first, int end, @Nullable RowOptimum[] optima, double[][] metrics);

  /** See {@link RowArithmetic#groupMasses}. */
  void groupMasses(int first, int end, ColumnGroups groups, double[][] masses);

  /** See {@link RowArithmetic#writeGradient}. */
  void writeGradient(int first, int end, RowTable destination);

  /** Frees the batch's memory. */
  @Override
  void close();
}
