package dev.clipkl.comparison;

import dev.clipkl.bench.BenchMethod;
import dev.clipkl.objective.Divergence;

/** Who is compared. */
enum ContenderKind {
  CLIPKL("clipkl", "engine `vector`; like all others without metrics") {
    @Override
    Contender open(Workload workload, Divergence divergence, int chunk) {
      return new ClipklContender(workload, divergence, BenchMethod.FIXED, false);
    }
  },
  CLIPKL_REPORTING(
      "clipkl, metrics",
      "the same as training runs it: some twenty metrics per row at the end of the outer iteration,"
          + " among them both KL directions, entropy, exact gap and the clip fractions") {
    @Override
    Contender open(Workload workload, Divergence divergence, int chunk) {
      return new ClipklContender(workload, divergence, BenchMethod.FIXED, true);
    }
  },
  CLIPKL_PRACTICAL(
      "clipkl, practical", "the default of training: steps certified by backtracking, metrics") {
    @Override
    Contender open(Workload workload, Divergence divergence, int chunk) {
      return new ClipklContender(workload, divergence, BenchMethod.PRACTICAL, true);
    }
  },
  TORCH_IN_PLACE(
      "LibTorch by hand", "no autograd: the gradient by hand, in place, preallocated `out=`") {
    @Override
    Contender open(Workload workload, Divergence divergence, int chunk) {
      return new TorchInPlace(workload, divergence, chunk);
    }
  },
  TORCH_AUTOGRAD("LibTorch autograd", "as trainers write it: a loss, `backward()`, an update") {
    @Override
    Contender open(Workload workload, Divergence divergence, int chunk) {
      return new TorchAutograd(workload, divergence, chunk);
    }
  },
  ND4J("ND4J op by op", "the gradient by hand, in place, preallocated, no composite operations") {
    @Override
    Contender open(Workload workload, Divergence divergence, int chunk) {
      return new Nd4jOpByOp(workload, divergence, chunk);
    }
  };

  private final String label;
  private final String description;

  ContenderKind(String label, String description) {
    this.label = label;
    this.description = description;
  }

  /** The name in tables. */
  String label() {
    return label;
  }

  /** How it is written, in a few words of Markdown. */
  String description() {
    return description;
  }

  /** Whether it is clipkl in one of its ways. */
  boolean isClipkl() {
    return this == CLIPKL || this == CLIPKL_REPORTING || this == CLIPKL_PRACTICAL;
  }

  /** Whether it works on chunks of rows whose size is to be chosen. */
  boolean isChunked() {
    return !isClipkl();
  }

  /** Whether it takes the constant steps that all others take, so that results can be compared. */
  boolean takesFixedSteps() {
    return this != CLIPKL_PRACTICAL;
  }

  /**
   * Fills its own tables and starts at the reference.
   *
   * @param chunk rows that are taken through all inner steps together
   */
  abstract Contender open(Workload workload, Divergence divergence, int chunk);
}
