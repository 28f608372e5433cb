package dev.clipkl.compare;

import java.util.List;

/**
 * What a comparison has to find out before it can train, kept so that every session trains the
 * same.
 *
 * @param name the comparison's
 * @param matches at the same lambda, then at each budget
 */
record ComparisonPlan(String name, List<PlannedMatch> matches) {
  ComparisonPlan {
    matches = List.copyOf(matches);
  }
}
