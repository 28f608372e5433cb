package dev.clipkl.engine.cuda;

import dev.clipkl.table.ColumnGroups;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Groups of columns as the kernels sum them: a bin for each, and one for the columns of no group,
 * so that a bin's columns are a list. Large bins come first: a block sums each of them, a warp each
 * of the next, and a thread each of the rest. So threads get bins of much the same size.
 *
 * @param columns {@code [columns]}, bin after bin, ascending within each
 * @param starts {@code [bins + 1]}, where each bin begins in {@code columns}
 * @param groupOf {@code [bins]}, each bin's group; the number of groups for columns of none
 * @param blockBins how many bins are a block's
 * @param warpBins how many are a warp's
 */
@SuppressWarnings("ArrayRecordComponent") // Tables to be copied, never compared.
record GroupBins(int[] columns, int[] starts, int[] groupOf, int blockBins, int warpBins) {
  /** From here the block's barrier costs less than a warp takes longer than a block. */
  private static final int BLOCK_COLUMNS = 4096;

  /** From here a warp's steps to add up its lanes cost less than a thread takes longer. */
  private static final int WARP_COLUMNS = 16;

  static GroupBins of(ColumnGroups groups) {
    int[] sizes = new int[groups.groups() + 1];
    for (int column = 0; column < groups.columns(); column++) {
      sizes[bin(groups, column)]++;
    }
    int[] groupOf =
        IntStream.range(0, sizes[groups.groups()] > 0 ? sizes.length : groups.groups())
            .boxed()
            // Stable: equal bins stay in the order of the groups.
            .sorted(Comparator.comparingInt((Integer group) -> -sizes[group]))
            .mapToInt(group -> group)
            .toArray();
    int[] starts = new int[groupOf.length + 1];
    int[] next = new int[sizes.length];
    int blockBins = 0;
    int warpBins = 0;
    for (int bin = 0; bin < groupOf.length; bin++) {
      int size = sizes[groupOf[bin]];
      next[groupOf[bin]] = starts[bin];
      starts[bin + 1] = starts[bin] + size;
      if (size >= BLOCK_COLUMNS) {
        blockBins++;
      } else if (size >= WARP_COLUMNS) {
        warpBins++;
      }
    }
    int[] columns = new int[groups.columns()];
    for (int column = 0; column < columns.length; column++) {
      columns[next[bin(groups, column)]++] = column;
    }
    return new GroupBins(columns, starts, groupOf, blockBins, warpBins);
  }

  private static int bin(ColumnGroups groups, int column) {
    int group = groups.group(column);
    return group == ColumnGroups.NONE ? groups.groups() : group;
  }

  int bins() {
    return groupOf.length;
  }
}
