package dev.clipkl.engine.vector;

import dev.clipkl.table.ColumnGroups;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A row's probability by groups of actions: by {@link LaneSum} where neighbours mostly share a
 * group, else one action after the other.
 */
final class GroupSums {
  /** Columns per run, on average, from which vector loops over runs are worth their start. */
  private static final int LONG_RUN = 4 * FloatLanes.WIDTH;

  /**
   * Sums per group, so that an addition need not wait for the one before: action a is added to the
   * one of {@code a mod 8}.
   */
  private static final int WAYS = 8;

  private final LaneSum laneSum = new LaneSum();
  private @Nullable ColumnGroups known;

  /** Where each action is added; those of no group behind the others. */
  private int[] places = {};

  private double[] sums = {};

  /**
   * Sums a policy's probabilities.
   *
   * @param masses {@code [groups]}; overwritten
   */
  void sum(PolicyScratch policy, ColumnGroups groups, double[] masses) {
    if (known != groups) {
      learn(groups);
    }
    Arrays.fill(sums, 0.0);
    if ((long) LONG_RUN * groups.runs() <= groups.columns()) {
      addRuns(policy.mass, groups);
    } else {
      addEach(policy.mass);
    }
    for (int group = 0; group < groups.groups(); group++) {
      double sum = 0.0;
      for (int way = 0; way < WAYS; way++) {
        sum += sums[WAYS * group + way];
      }
      masses[group] = sum / policy.normalizer;
    }
  }

  private void learn(ColumnGroups groups) {
    known = groups;
    sums = new double[WAYS * (groups.groups() + 1)];
    places = new int[groups.columns()];
    for (int a = 0; a < places.length; a++) {
      int group = groups.group(a);
      places[a] = WAYS * (group == ColumnGroups.NONE ? groups.groups() : group) + a % WAYS;
    }
  }

  private void addEach(float[] mass) {
    for (int a = 0; a < places.length; a++) {
      sums[places[a]] += mass[a];
    }
  }

  private void addRuns(float[] mass, ColumnGroups groups) {
    for (int run = 0; run < groups.runs(); run++) {
      int start = groups.runStart(run);
      int end = groups.runStart(run + 1);
      int whole = (end - start) / FloatLanes.WIDTH * FloatLanes.WIDTH;
      laneSum.clear();
      laneSum.add(mass, start, whole);
      sums[places[start]] += laneSum.total();
      for (int a = start + whole; a < end; a++) {
        sums[places[a]] += mass[a];
      }
    }
  }
}
