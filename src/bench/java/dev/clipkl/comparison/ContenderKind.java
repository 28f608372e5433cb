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
   * Outer iterations before the one that is timed, in which clipkl gets where a run is most of the
   * time: backtracking finds its step sizes, and a visit of one step without metrics begins with
   * what the one before has summed up. All others do the same work in every iteration.
   *
   * @param innerSteps of each of them
   */
  int settlingIterations(int innerSteps) {
    return switch (this) {
      case CLIPKL -> innerSteps == 1 ? 1 : 0;
      case CLIPKL_PRACTICAL -> 2;
      case CLIPKL_REPORTING, TORCH_IN_PLACE, TORCH_AUTOGRAD, ND4J -> 0;
    };
  }

  /**
   * Fills its own tables and starts at the reference.
   *
   * @param chunk rows that are taken through all inner steps together
   */
  abstract Contender open(Workload workload, Divergence divergence, int chunk);
}
