package dev.clipkl.engine.vector;

import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What the latest visit to each row left known of its policy, for the next visit to begin with.
 *
 * <p>It holds for as long as nobody has written the row's logits, reference or action values since:
 * tables count their writes ({@link RowTable#version}), so that no writer has to think of it. All
 * of it can be computed from those tables, to the bit; so it may be lost at any time.
 *
 * <p>One thread calls {@link #begin} between runs; during a run each row is one thread's.
 */
final class CarriedRows {
  /** Of a row of which nothing is known. */
  private static final long NEVER = Long.MIN_VALUE;

  private @Nullable RowTable logits;
  private @Nullable RowTable reference;
  private @Nullable RowTable actionValues;
  private @Nullable Divergence divergence;
  private double lambda;
  private long[] logitVersions = {};
  private long[] referenceVersions = {};
  private long[] valueVersions = {};
  private double[] normalizers = {};
  private double[] means = {};
  private double[] spans = {};

  /** Begins a run: what is known of other tables or another objective is forgotten. */
  void begin(RowBlock block, RowProgram program) {
    if (block.actor().logits() == logits
        && block.reference() == reference
        && block.actionValues() == actionValues
        && program.divergence().equals(divergence)
        && program.lambda() == lambda) {
      return;
    }
    logits = block.actor().logits();
    reference = block.reference();
    actionValues = block.actionValues();
    divergence = program.divergence();
    lambda = program.lambda();
    int states = block.actor().states();
    if (logitVersions.length != states) {
      logitVersions = new long[states];
      referenceVersions = new long[states];
      valueVersions = new long[states];
      normalizers = new double[states];
      means = new double[states];
      spans = new double[states];
    }
    Arrays.fill(logitVersions, NEVER);
  }

  /** Whether the other methods tell the truth of a row of the block in hand. */
  boolean isKnown(RowBlock block, int row) {
    return block.actor().logits().version(row) == logitVersions[row]
        && block.reference().version(row) == referenceVersions[row]
        && block.actionValues().version(row) == valueVersions[row];
  }

  /** {@code sum e^logit}. */
  double normalizer(int row) {
    return normalizers[row];
  }

  /** {@code E_p} of the fused sweep's coefficients. */
  double mean(int row) {
    return means[row];
  }

  /** {@code max Q - min Q}; NaN until somebody has asked for it. */
  double actionValueSpan(int row) {
    return spans[row];
  }

  /** Keeps what has been computed of a row as its tables are now, unless they may change unseen. */
  void keep(RowBlock block, int row, double normalizer, double mean, double actionValueSpan) {
    logitVersions[row] = block.actor().logits().version(row);
    referenceVersions[row] = block.reference().version(row);
    valueVersions[row] = block.actionValues().version(row);
    if (logitVersions[row] == RowTable.UNKNOWN_VERSION
        || referenceVersions[row] == RowTable.UNKNOWN_VERSION
        || valueVersions[row] == RowTable.UNKNOWN_VERSION) {
      logitVersions[row] = NEVER;
    }
    normalizers[row] = normalizer;
    means[row] = mean;
    spans[row] = actionValueSpan;
  }
}
