package dev.clipkl.engine.cuda;

import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.StepRuleKind;

/** What the kernels' sources fix and a launch must know; a test compares the two. */
final class KernelConstants {
  /** Threads of every block. */
  static final int THREADS = 512;

  /** A block's part of a row is a multiple of this many entries. */
  static final int PART_MULTIPLE = 32;

  /** Shared memory that reductions use, before the working arrays. */
  static final int REDUCTION_BYTES = 6272;

  private KernelConstants() {}

  /** Working arrays of a row that lies on the chip: policies, log q, Q and moments. */
  static int arraysOnChip(OptimizerKind optimizer, StepRuleKind rule) {
    return policies(rule) + 2 + moments(optimizer, rule);
  }

  /**
   * Working arrays of a row that does not: the tables themselves hold the others.
   *
   * @param converted how many of reference and action values are no plain float32 numbers
   */
  static int arraysInScratch(OptimizerKind optimizer, StepRuleKind rule, int converted) {
    return converted + policies(rule) - 1 + (keepsMoment(optimizer) && canRefuse(rule) ? 1 : 0);
  }

  /** Entries of a row that each of a cluster's blocks holds at most. */
  static int partLength(int columns, int clusterBlocks) {
    return Math.ceilDiv(Math.ceilDiv(columns, clusterBlocks), PART_MULTIPLE) * PART_MULTIPLE;
  }

  /** p_old, the current policy, and a proposal where it can be refused. */
  private static int policies(StepRuleKind rule) {
    return canRefuse(rule) ? 3 : 2;
  }

  private static int moments(OptimizerKind optimizer, StepRuleKind rule) {
    if (optimizer == OptimizerKind.ADAM) {
      return 2;
    }
    return keepsMoment(optimizer) ? (canRefuse(rule) ? 2 : 1) : 0;
  }

  /** Whether a table keeps a number per logit that a refused step must not change. */
  private static boolean keepsMoment(OptimizerKind optimizer) {
    return optimizer == OptimizerKind.GRADIENT || optimizer == OptimizerKind.NESTEROV;
  }

  private static boolean canRefuse(StepRuleKind rule) {
    return rule == StepRuleKind.BACKTRACKING;
  }
}
