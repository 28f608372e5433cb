package dev.clipkl.engine.vector;

import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.ReverseKl;
import org.jspecify.annotations.Nullable;

/**
 * The two halves of a {@link FusedSweep} on a row's memory itself, at p_old: every operation on an
 * entry is the same, so that the bits are. Masses live in registers only, since the next visit
 * computes them again from the logits, and no slope and no range of moves is taken.
 */
abstract class StreamedSweep {
  float lambda;

  /** {@code sum e^logit}, from {@link #measure}. */
  final LaneSum masses = new LaneSum();

  /** The sum that gives the mean coefficient, from {@link #measure}. */
  final LaneSum first = new LaneSum();

  /** The streamed sweep of a direction, or null where it has no fused one. */
  static @Nullable StreamedSweep of(Divergence divergence, OptimizerKind optimizer) {
    FusedSweep fused = FusedSweep.of(divergence, optimizer);
    if (fused == null) {
      return null;
    }
    return switch (divergence) {
      case ReverseKl f -> new ReverseKlStream(fused.isPlain);
      case ForwardKl f -> new ForwardKlStream(fused.isPlain);
      default -> null;
    };
  }

  /**
   * Adds {@code step direction} to the logits of a piece.
   *
   * @param inverseNormalizer of the policy that moves
   * @param mean its mean coefficient
   */
  abstract void move(
      RowMemory row, float inverseNormalizer, double mean, float step, int start, int length);

  /** Adds a piece's masses, and its share of the mean coefficient about the centre. */
  abstract void measure(RowMemory row, float center, int start, int length);
}
