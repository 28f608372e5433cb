package dev.clipkl.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.table.RowTable;
import dev.clipkl.table.RowTable.Precision;
import java.lang.foreign.Arena;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class TableCopyTest {
  private static final int ROWS = 23;
  private static final int COLUMNS = 101;

  @ParameterizedTest
  @EnumSource
  void everyRowIsTheOneThatRowByRowCopyingWrites(Precision from) {
    for (Precision to : new Precision[] {Precision.FLOAT32, Precision.FLOAT64}) {
      try (Arena arena = Arena.ofShared()) {
        RowTable source = RowTable.allocate(arena, from, ROWS, COLUMNS);
        RowTable expected = RowTable.allocate(arena, to, ROWS, COLUMNS);
        RowTable actual = RowTable.allocate(arena, to, ROWS, COLUMNS);
        Random random = new Random(7L);
        double[] row = new double[COLUMNS];
        for (int r = 0; r < ROWS; r++) {
          source.writeRow(r, random.doubles(COLUMNS, -9.0, 9.0).toArray());
          source.readRow(r, row);
          expected.writeRow(r, row);
        }
        TableCopy.copy(source, actual, 3);
        double[] other = new double[COLUMNS];
        for (int r = 0; r < ROWS; r++) {
          expected.readRow(r, row);
          actual.readRow(r, other);
          assertThat(other).as("row %d, %s to %s", r, from, to).isEqualTo(row);
        }
      }
    }
  }
}
