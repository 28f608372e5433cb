package dev.clipkl.table;

import java.util.Arrays;

/**
 * The columns of a table in groups: each belongs to one group or to none. Among tokens a group is
 * the context class that appending one of them leads to; those of no group end the text.
 *
 * <p>Neighbouring columns of one group form a run. Where few tokens have groups of their own, runs
 * are long, and sums over groups go run by run.
 */
public final class ColumnGroups {
  /** The group of columns that belong to none. */
  public static final int NONE = -1;

  private final int groups;
  private final int[] groupOfColumn;
  private final int[] runStarts;

  /**
   * Groups by column.
   *
   * @param groups how many there are, at least 1
   * @param groupOfColumn {@code [columns]}, each {@link #NONE} or in {@code [0, groups)}; copied
   * @throws IllegalArgumentException for any other number
   */
  public ColumnGroups(int groups, int[] groupOfColumn) {
    if (groups < 1 || groupOfColumn.length == 0) {
      throw new IllegalArgumentException(
          "expected at least one group and one column, got %d and %d"
              .formatted(groups, groupOfColumn.length));
    }
    for (int column = 0; column < groupOfColumn.length; column++) {
      if (groupOfColumn[column] < NONE || groupOfColumn[column] >= groups) {
        throw new IllegalArgumentException(
            "column %d: the group must be -1 or in [0, %d), got %d"
                .formatted(column, groups, groupOfColumn[column]));
      }
    }
    this.groups = groups;
    this.groupOfColumn = groupOfColumn.clone();
    runStarts = runStarts(this.groupOfColumn);
  }

  private static int[] runStarts(int[] groupOfColumn) {
    int[] starts = new int[groupOfColumn.length + 1];
    int runs = 0;
    for (int column = 0; column < groupOfColumn.length; column++) {
      if (column == 0 || groupOfColumn[column] != groupOfColumn[column - 1]) {
        starts[runs++] = column;
      }
    }
    starts[runs] = groupOfColumn.length;
    return Arrays.copyOf(starts, runs + 1);
  }

  /** Number of groups. */
  public int groups() {
    return groups;
  }

  /** Number of columns. */
  public int columns() {
    return groupOfColumn.length;
  }

  /** The group of a column, or {@link #NONE}. */
  public int group(int column) {
    return groupOfColumn[column];
  }

  /** Number of runs, those of no group included. */
  public int runs() {
    return runStarts.length - 1;
  }

  /** The first column of a run; that of {@code runs()} is the number of columns. */
  public int runStart(int run) {
    return runStarts[run];
  }

  /** Number of columns of each group, {@code [groups]}. */
  public int[] sizes() {
    int[] sizes = new int[groups];
    for (int group : groupOfColumn) {
      if (group != NONE) {
        sizes[group]++;
      }
    }
    return sizes;
  }

  /**
   * Sums a row by groups, in the order of its columns.
   *
   * @param row {@code [columns]}, or longer
   * @param sums {@code [groups]}; overwritten
   */
  public void sum(float[] row, double[] sums) {
    Arrays.fill(sums, 0.0);
    for (int column = 0; column < groupOfColumn.length; column++) {
      int group = groupOfColumn[column];
      if (group != NONE) {
        sums[group] += row[column];
      }
    }
  }

  /** The same for float64 numbers. */
  public void sum(double[] row, double[] sums) {
    Arrays.fill(sums, 0.0);
    for (int column = 0; column < groupOfColumn.length; column++) {
      int group = groupOfColumn[column];
      if (group != NONE) {
        sums[group] += row[column];
      }
    }
  }

  /**
   * Writes each column's number: its group's, or 0 where it has none.
   *
   * @param ofGroup {@code [groups]}
   * @param factor multiplies them
   * @param ofColumn {@code [columns]}; written
   */
  public void spread(double[] ofGroup, double factor, double[] ofColumn) {
    for (int column = 0; column < groupOfColumn.length; column++) {
      int group = groupOfColumn[column];
      ofColumn[column] = group == NONE ? 0.0 : factor * ofGroup[group];
    }
  }
}
