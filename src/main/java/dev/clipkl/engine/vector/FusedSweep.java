package dev.clipkl.engine.vector;

import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.ReverseKl;
import org.jspecify.annotations.Nullable;

/**
 * An inner step in one sweep, for divergences whose coefficients need no normaliser: the direction
 * is formed, the logits move, and what the next step needs is summed over masses that are
 * normalised afterwards. No coefficient is stored.
 *
 * <p>The two halves work on a piece of the row while it is in the first-level cache: {@link #move},
 * and {@link #measure} or {@link #measureInBlocks}. The policy that moves and the one it moves to
 * may be the same object.
 */
abstract class FusedSweep {
  /** More than what rounding takes from a move, in its own units. */
  private static final double MOVE_ROUNDING = 0x1p-20;

  /** All bits of a float but its sign's. */
  static final int MAGNITUDE_BITS = Integer.MAX_VALUE;

  /** What the sweeps read of a row. */
  float[] logReference = {};

  float[] reference = {};
  float lambda;

  /** {@code sum q}, 1 up to rounding. */
  double referenceSum;

  /** Whether the direction is the gradient, whose slope is its squared norm. */
  final boolean isPlain;

  /** {@code <g, direction>}, from {@link #move} along other directions. */
  final LaneSum slope = new LaneSum();

  /** {@code <g, g>}, from {@link #addSquaredGradient}. */
  final LaneSum squaredGradient = new LaneSum();

  /** Sums over one piece: of its masses, and two for the objective. */
  final LaneSum masses = new LaneSum();

  final LaneSum first = new LaneSum();
  final LaneSum second = new LaneSum();

  /**
   * A sweep for one direction.
   *
   * @param isPlain the gradient; else the preconditioned one
   */
  FusedSweep(boolean isPlain) {
    this.isPlain = isPlain;
  }

  /** The fused sweep of a direction, or null where there is none. */
  static @Nullable FusedSweep of(Divergence divergence, OptimizerKind optimizer) {
    return switch (divergence) {
      case ReverseKl f ->
          switch (optimizer) {
            case GRADIENT -> new ReverseKlSweep(true);
            // w f''(w) = 1: all three are the natural gradient.
            case NATURAL, NEWTON, PRECONDITIONED -> new ReverseKlSweep(false);
            case NESTEROV, ADAM -> null;
          };
      case ForwardKl f ->
          switch (optimizer) {
            case GRADIENT -> new ForwardKlSweep(true);
            case PRECONDITIONED -> new ForwardKlSweep(false);
            case NATURAL, NEWTON, NESTEROV, ADAM -> null;
          };
      default -> null;
    };
  }

  /** Begins the first half over a row. */
  final void beginMove() {
    slope.clear();
    squaredGradient.clear();
  }

  /** Begins a piece's sums. */
  final void clearSums() {
    masses.clear();
    first.clear();
    second.clear();
  }

  /** Keeps a piece's sums apart from the others', so that one piece can be measured again. */
  final void keepSums(PolicyScratch policy, int start) {
    policy.firstSums[start / RowChunk.CAPACITY] = first.total();
    policy.secondSums[start / RowChunk.CAPACITY] = second.total();
  }

  /** The first sum over the row, in the order of its pieces. */
  static double first(PolicyScratch policy) {
    return LaneSum.total(policy.firstSums);
  }

  /** {@code E_p} of the coefficients from the first sum over the row. */
  static double mean(double first, double normalizer, float center) {
    return center + first / normalizer;
  }

  /** The second. */
  static double second(PolicyScratch policy) {
    return LaneSum.total(policy.secondSums);
  }

  /**
   * Writes {@code to.logits = from.logits + step direction} of a piece and the bound on its moves,
   * and adds to the slope unless the direction is the gradient.
   *
   * @param values the action values that {@code from} sees
   */
  abstract void move(
      PolicyScratch from, PolicyScratch to, float[] values, float step, int start, int length);

  /** Bounds a piece's moves from p_old, after its longest one from {@code from}. */
  static void keepBound(PolicyScratch from, PolicyScratch to, int start, float longest) {
    int index = start / RowChunk.CAPACITY;
    to.moveBounds[index] = from.moveBounds[index] + longest * (1.0 + MOVE_ROUNDING);
  }

  /**
   * Sums over a piece of a policy, of its masses and about the centre of the action values, for
   * steps that are judged by them.
   */
  abstract void measure(PolicyScratch policy, float[] values, float center, int start, int length);

  /**
   * Computes the masses of a piece, without an offset, and sums all that the next step needs, where
   * the objective is not asked for: in float32 over each block, the four entries of a lane first to
   * last, and in float64 from there. Padding must have no mass.
   *
   * <p>Implementations are longer than what the compiler inlines into a caller (325 bytes of
   * bytecode), whose early compilation would leave {@link FloatLanes#exp} out, with its vectors on
   * the heap, for as long as the process runs.
   */
  abstract void measureInBlocks(
      PolicyScratch policy, float[] values, float center, int start, int length);

  /** Adds a piece's share to {@link #squaredGradient}. */
  abstract void addSquaredGradient(PolicyScratch policy, float[] values, int start, int length);

  /** {@code <g, direction>} at {@code from}, after all pieces have moved and been added. */
  abstract double slope(PolicyScratch from);

  /**
   * Turns the sums into the policy's mean coefficient.
   *
   * @return {@code E_p[values] - lambda D(p)}
   */
  abstract double finish(PolicyScratch policy, float center);
}
