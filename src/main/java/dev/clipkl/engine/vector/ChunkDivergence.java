package dev.clipkl.engine.vector;

import dev.clipkl.objective.AlphaDivergence;
import dev.clipkl.objective.ChiSquared;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.JensenShannon;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.objective.SquaredHellinger;

/**
 * A divergence on whole chunks of a row. The virtual call is per chunk, never per vector, so that
 * no vector crosses a call that the compiler may not inline.
 */
interface ChunkDivergence {
  /** Fills derivatives and curvatures; adds to the chunk's two sums. */
  void measure(RowChunk chunk);

  /** {@code sum q (f(w) + f*(t) - t w)}: the chunk's share of the gap over lambda (THEORY 1.10). */
  double gap(RowChunk chunk);

  static ChunkDivergence of(Divergence divergence) {
    return switch (divergence) {
      case ReverseKl f -> new ChunkReverseKl();
      case ForwardKl f -> new ChunkForwardKl();
      case JensenShannon f -> new ChunkJensenShannon();
      case ChiSquared f -> new ChunkChiSquared();
      case SquaredHellinger f -> new ChunkHellinger();
      case AlphaDivergence f -> new ChunkAlpha((float) f.alpha());
    };
  }
}
