package dev.clipkl.comparison;

import java.util.List;

/** Placeholder main, completed below. */
final class Comparison {
  static final List<Integer> INNER_STEPS = List.of(1, 16);

  private Comparison() {}
}
