package dev.clipkl.engine.vector;

import dev.clipkl.table.ColumnGroups;
import java.util.Arrays;

/**
 * A row's probability by groups of actions: long runs of one group by {@link LaneSum}, short ones
 * one action after the other.
 */
final class GroupSums {
  /** From here a run is worth a vector loop. */
  private static final int LONG_RUN = 4 * FloatLanes.WIDTH;

  /**
   * Sums per group, so that an addition need not wait for the one before: action a is added to the
   * one of {@code a mod 4}.
   */
  private static final int WAYS = 4;

  private final LaneSum laneSum = new LaneSum();
  private double[] sums = {};

  /**
   * Sums a policy's probabilities.
   *
   * @param masses {@code [groups]}; overwritten
   */
  void sum(PolicyScratch policy, ColumnGroups groups, double[] masses) {
    if (sums.length != WAYS * groups.groups()) {
      sums = new double[WAYS * groups.groups()];
    }
    Arrays.fill(sums, 0.0);
    for (int run = 0; run < groups.runs(); run++) {
      int start = groups.runStart(run);
      int group = groups.group(start);
      if (group != ColumnGroups.NONE) {
        addRun(policy.mass, start, groups.runStart(run + 1), WAYS * group);
      }
    }
    for (int group = 0; group < groups.groups(); group++) {
      double sum = 0.0;
      for (int way = 0; way < WAYS; way++) {
        sum += sums[WAYS * group + way];
      }
      masses[group] = sum / policy.normalizer;
    }
  }

  private void addRun(float[] mass, int start, int end, int firstSum) {
    int a = start;
    if (end - start >= LONG_RUN) {
      int length = (end - start) / FloatLanes.WIDTH * FloatLanes.WIDTH;
      laneSum.clear();
      laneSum.add(mass, start, length);
      sums[firstSum] += laneSum.total();
      a += length;
    }
    for (; a < end; a++) {
      sums[firstSum + a % WAYS] += mass[a];
    }
  }
}
