package dev.clipkl.language;

import java.util.Arrays;

/** Distinct keys in increasing order, and how often each occurred. */
final class CountedKeys {
  private final long[] keys;
  private final int[] counts;

  private CountedKeys(long[] keys, int[] counts) {
    this.keys = keys;
    this.counts = counts;
  }

  /** Sorts {@code occurrences[0, length)} in place and counts runs. */
  static CountedKeys count(long[] occurrences, int length) {
    Arrays.parallelSort(occurrences, 0, length);
    int distinct = 0;
    for (int i = 0; i < length; i++) {
      if (i == 0 || occurrences[i] != occurrences[i - 1]) {
        distinct++;
      }
    }
    long[] keys = new long[distinct];
    int[] counts = new int[distinct];
    int last = -1;
    for (int i = 0; i < length; i++) {
      if (last < 0 || keys[last] != occurrences[i]) {
        keys[++last] = occurrences[i];
      }
      counts[last]++;
    }
    return new CountedKeys(keys, counts);
  }

  /** {@code [size]}, strictly increasing; not a copy. */
  long[] keys() {
    return keys;
  }

  /** {@code [size]}, each {@code >= 1}; not a copy. */
  int[] counts() {
    return counts;
  }

  int size() {
    return keys.length;
  }
}
