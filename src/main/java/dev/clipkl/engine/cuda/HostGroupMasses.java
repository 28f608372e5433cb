package dev.clipkl.engine.cuda;

import dev.clipkl.engine.GroupMasses;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowThreads;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * Group masses in float64 on the host: rows that need them meet after every outer iteration, and so
 * their logits are there.
 */
final class HostGroupMasses {
  private final RowThreads threads;
  private List<double[]> rows = List.of();

  HostGroupMasses(RowThreads threads) {
    this.threads = threads;
  }

  void fill(RowBlock block, GroupMasses masses) {
    if (rows.isEmpty() || rows.getFirst().length != block.columns()) {
      rows = Stream.generate(() -> new double[block.columns()]).limit(threads.threads()).toList();
    }
    threads.visit(
        rows,
        block.firstRow(),
        block.endRow(),
        (row, state) -> {
          block.actor().logits().readRow(state, row);
          double largest = Arrays.stream(row).max().orElseThrow();
          double sum = 0.0;
          for (int a = 0; a < row.length; a++) {
            row[a] = Math.exp(row[a] - largest);
            sum += row[a];
          }
          double[] result = masses.masses()[state];
          masses.groups().sum(row, result);
          for (int group = 0; group < result.length; group++) {
            result[group] /= sum;
          }
        });
  }
}
