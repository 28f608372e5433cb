package dev.clipkl.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ColumnGroupsTest {
  private final ColumnGroups groups = new ColumnGroups(3, new int[] {2, 2, 0, -1, 0, 0});

  @Test
  void neighboursOfOneGroupAreARun() {
    assertThat(groups.runs()).isEqualTo(4);
    assertThat(IntStream.rangeClosed(0, 4).map(groups::runStart)).containsExactly(0, 2, 3, 4, 6);
    assertThat(groups.sizes()).containsExactly(3, 0, 2);
  }

  @Test
  void sumsLeaveOutWhatBelongsToNoGroup() {
    double[] sums = {9.0, 9.0, 9.0};
    groups.sum(new double[] {1.0, 2.0, 4.0, 8.0, 16.0, 32.0}, sums);
    assertThat(sums).containsExactly(52.0, 0.0, 3.0);
    groups.sum(new float[] {1f, 2f, 4f, 8f, 16f, 32f, 64f}, sums);
    assertThat(sums).containsExactly(52.0, 0.0, 3.0);
  }

  @Test
  void numbersOfGroupsBecomeNumbersOfColumns() {
    double[] ofColumn = new double[6];
    groups.spread(new double[] {1.0, 2.0, 4.0}, 0.5, ofColumn);
    assertThat(ofColumn).containsExactly(2.0, 2.0, 0.5, 0.0, 0.5, 0.5);
  }

  @Test
  void groupsOutOfRangeAreRefused() {
    assertThatThrownBy(() -> new ColumnGroups(3, new int[] {0, 3}))
        .hasMessage("column 1: the group must be -1 or in [0, 3), got 3");
    assertThatThrownBy(() -> new ColumnGroups(3, new int[] {-2}))
        .hasMessageContaining("column 0")
        .hasMessageContaining("got -2");
    assertThatThrownBy(() -> new ColumnGroups(1, new int[0])).hasMessageContaining("1 and 0");
  }

  @Test
  void layersOfRowsShareTheirNumbers() {
    RowTable base = RowTable.allocate(Arena.ofAuto(), 2, 3);
    base.writeRow(0, new float[] {1f, 2f, 3f});
    base.writeRow(1, new float[] {4f, 5f, 6f});
    double[][] shared = {{0.0, 0.0, 0.0}, {10.0, 20.0, 1e-9}};
    RowTable layered = RowTable.layered(base, shared);
    assertThat(layered.rows()).isEqualTo(4);
    float[] row = new float[3];
    double[] exact = new double[3];
    layered.readRow(1, row);
    assertThat(row).containsExactly(4f, 5f, 6f);
    layered.readRow(3, row);
    assertThat(row).containsExactly(14f, 25f, 6f);
    layered.readRow(3, exact);
    assertThat(exact).containsExactly(14.0, 25.0, 6.000000001);
    shared[1][0] = -4.0;
    assertThat(layered.get(3, 0)).isEqualTo(0.0);
    RowTable repeated = RowTable.layered(base, 3);
    repeated.readRow(4, row);
    assertThat(row).containsExactly(1f, 2f, 3f);
    assertThat(repeated.rows()).isEqualTo(6);
  }
}
