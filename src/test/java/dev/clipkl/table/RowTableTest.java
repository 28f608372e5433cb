package dev.clipkl.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import dev.clipkl.table.RowTable.Precision;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Rows come back as what they were stored as, wherever they are stored. */
class RowTableTest {
  private static final int ALL_BITS = 1 << 16;
  private static final long SEED = 41;

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(names = {"BFLOAT16", "FLOAT16"})
  void everySixteenBitNumberIsReadExactlyAndWrittenBack(Precision precision) {
    float[] expected = new float[ALL_BITS];
    for (int bits = 0; bits < ALL_BITS; bits++) {
      expected[bits] = byDefinition(precision, bits);
    }
    try (Arena arena = Arena.ofConfined()) {
      RowTable table = RowTable.allocate(arena, precision, 1, ALL_BITS);
      table.writeRow(0, expected);
      float[] floats = new float[ALL_BITS];
      double[] doubles = new double[ALL_BITS];
      table.readRow(0, floats);
      table.readRow(0, doubles);
      for (int bits = 0; bits < ALL_BITS; bits++) {
        // Boxed, so that NaN equals NaN.
        assertThat((Object) floats[bits]).as("bits %x", bits).isEqualTo(expected[bits]);
        assertThat((Object) doubles[bits]).as("bits %x", bits).isEqualTo((double) expected[bits]);
        assertThat((Object) table.get(0, bits))
            .as("bits %x", bits)
            .isEqualTo((double) expected[bits]);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void everyWriteGivesARowAnotherVersion(Precision precision) {
    try (Arena arena = Arena.ofConfined()) {
      RowTable table = RowTable.allocate(arena, precision, 2, 3);
      MemorySegment stored = arena.allocate(3L * precision.bytes());
      long untouched = table.version(1);
      requireChange(table, () -> table.writeRow(0, new float[3]));
      requireChange(table, () -> table.writeRow(0, new double[3]));
      requireChange(table, () -> table.writeStored(0, stored));
      if (precision != Precision.FLOAT64) {
        requireChange(table, () -> table.setLogNormalizer(0, 0.5));
      }
      long before = table.version(0);
      table.readRow(0, new float[3]);
      table.readPiece(0, new float[3], 0, 3);
      table.readStored(0, stored);
      Object _ = table.floats(0);
      assertThat(table.version(0)).isEqualTo(before);
      assertThat(table.version(1)).isEqualTo(untouched);
    }
  }

  private static void requireChange(RowTable table, Runnable write) {
    long before = table.version(0);
    write.run();
    assertThat(table.version(0)).isNotEqualTo(before).isNotEqualTo(RowTable.UNKNOWN_VERSION);
  }

  @Test
  void floatRowsInMemoryAreWrittenInPlace() {
    try (Arena arena = Arena.ofConfined()) {
      RowTable table = RowTable.allocate(arena, 2, 3);
      requireChange(
          table,
          () ->
              Objects.requireNonNull(table.writableFloats(0))
                  .setAtIndex(ValueLayout.JAVA_FLOAT, 1, 5f));
      assertThat(table.get(0, 1)).isEqualTo(5.0);
      assertThat(RowTable.broadcast(arena, 2, 3).writableFloats(0)).isNull();
      assertThat(RowTable.allocate(arena, Precision.FLOAT64, 2, 3).writableFloats(0)).isNull();
      assertThat(RowTable.layered(table, 2).writableFloats(0)).isNull();
      assertThat(RowTable.computed(2, 3, (row, to) -> {}).writableFloats(0)).isNull();
    }
  }

  @Test
  void rowOfATableOverOthersHasTheirVersionUnlessItMayChangeUnseen() {
    try (Arena arena = Arena.ofConfined()) {
      RowTable one = RowTable.broadcast(arena, 2, 3);
      requireChange(one, () -> one.writeRow(1, new float[3]));
      RowTable base = RowTable.allocate(arena, 2, 3);
      RowTable layered = RowTable.layered(base, 2);
      long before = layered.version(3);
      base.writeRow(1, new float[3]);
      assertThat(layered.version(3)).isNotEqualTo(before);
      assertThat(layered.version(2)).isEqualTo(base.version(0));
      assertThat(RowTable.layered(base, new double[2][3]).version(3))
          .isEqualTo(RowTable.UNKNOWN_VERSION);
      assertThat(RowTable.computed(2, 3, (row, to) -> {}).version(1))
          .isNotEqualTo(RowTable.UNKNOWN_VERSION);
    }
  }

  /** Sign, exponent and fraction, as the formats define them. */
  private static float byDefinition(Precision precision, int bits) {
    int fractionBits = precision == Precision.BFLOAT16 ? 7 : 10;
    int exponentBits = 15 - fractionBits;
    int bias = (1 << (exponentBits - 1)) - 1;
    int fraction = bits & ((1 << fractionBits) - 1);
    int exponent = (bits >> fractionBits) & ((1 << exponentBits) - 1);
    double sign = bits >> 15 == 0 ? 1.0 : -1.0;
    if (exponent == (1 << exponentBits) - 1) {
      return fraction == 0 ? (float) (sign * Double.POSITIVE_INFINITY) : Float.NaN;
    }
    double significand = Math.scalb((double) fraction, -fractionBits) + (exponent == 0 ? 0.0 : 1.0);
    return (float) (sign * Math.scalb(significand, Math.max(exponent, 1) - bias));
  }

  @ParameterizedTest
  @EnumSource
  void piecesOfARowAreTheWholeRow(Precision precision) {
    try (Arena arena = Arena.ofConfined()) {
      int columns = 37;
      RowTable stored = RowTable.allocate(arena, precision, 2, columns);
      stored.writeRow(1, new Random(SEED).doubles(columns).toArray());
      if (precision != Precision.FLOAT64) {
        stored.setLogNormalizer(1, 0.75);
      }
      RowTable computed = RowTable.computed(2, columns, stored::readRow);
      float[] expected = new float[columns];
      stored.readRow(1, expected);
      for (RowTable table : new RowTable[] {stored, computed}) {
        float[] pieces = new float[columns];
        table.readPiece(1, pieces, 0, 16);
        table.readPiece(1, pieces, 16, 16);
        table.readPiece(1, pieces, 32, 5);
        assertThat(pieces).isEqualTo(expected);
      }
    }
  }

  @Test
  void onlyRowsThatAreReadAsTheyAreStoredAreShown() throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      RowTable table = RowTable.allocate(arena, 2, 3);
      table.writeRow(1, new float[] {1f, 2f, 3f});
      assertThat(table.floats(1)).isNotNull();
      assertThat(Objects.requireNonNull(table.floats(1)).toArray(Tensor.FLOAT))
          .containsExactly(1f, 2f, 3f);
      table.setLogNormalizer(1, 0.5);
      assertThat(table.floats(1)).isNull();
      assertThat(table.floats(0)).isNotNull();
      assertThat(RowTable.allocate(arena, Precision.FLOAT64, 1, 3).floats(0)).isNull();
      assertThat(RowTable.allocate(arena, Precision.BFLOAT16, 1, 3).floats(0)).isNull();
      assertThat(RowTable.computed(1, 3, (row, destination) -> {}).floats(0)).isNull();
      RowTable onDisk = TableSpace.onDisk(arena, folder, 1).allocate(Precision.FLOAT32, 2, 3);
      assertThat(onDisk.floats(0)).isNull();
      assertThat(onDisk.version(0)).isEqualTo(RowTable.UNKNOWN_VERSION);
    }
  }

  @ParameterizedTest
  @EnumSource
  void storedBytesOfARowGoFromTableToTable(Precision precision) {
    try (Arena arena = Arena.ofConfined()) {
      int columns = 37;
      RowTable source = RowTable.allocate(arena, precision, 3, columns);
      RowTable copy = RowTable.allocate(arena, precision, 3, columns);
      Random random = new Random(SEED);
      for (int row = 0; row < 3; row++) {
        source.writeRow(row, random.doubles(columns).toArray());
      }
      MemorySegment bytes = arena.allocate((long) columns * precision.bytes());
      source.readStored(1, bytes);
      copy.writeStored(2, bytes);
      double[] expected = new double[columns];
      double[] actual = new double[columns];
      source.readRow(1, expected);
      copy.readRow(2, actual);
      assertThat(actual).as("seed %d", SEED).isEqualTo(expected);
      copy.readRow(1, actual);
      assertThat(actual).containsOnly(0.0);
      assertThat(source.logNormalizer(1)).isZero();
      if (precision != Precision.FLOAT64) {
        source.setLogNormalizer(1, 0.5);
        assertThat(source.logNormalizer(1)).isEqualTo(0.5);
        MemorySegment again = arena.allocate(bytes.byteSize());
        source.readStored(1, again);
        assertThat(again.mismatch(bytes)).isEqualTo(-1);
      }
    }
  }

  @Test
  void computedRowIsStoredAsFloat32() {
    RowTable table = RowTable.computed(2, 3, (row, into) -> into[1] = row + 0.5f);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(3 * Float.BYTES);
      table.readStored(1, bytes);
      assertThat(bytes.toArray(Tensor.FLOAT)).containsExactly(0.0f, 1.5f, 0.0f);
      assertThat(table.logNormalizer(1)).isZero();
      assertThatThrownBy(() -> table.writeStored(1, bytes))
          .isInstanceOf(IllegalStateException.class);
    }
  }

  @ParameterizedTest
  @CsvSource({
    // Halfway between 1 and the next number: to even; the least more: up.
    "BFLOAT16, 1.00390625,         1.0",
    "BFLOAT16, 1.0039062500000002, 1.0078125",
    "BFLOAT16, 1.01171875,         1.015625",
    "FLOAT16,  1.00048828125,      1.0",
    "FLOAT16,  1.0004882812500002, 1.0009765625",
    "FLOAT16,  -65519.99,          -65504.0",
  })
  void float64IsRoundedOnceToTheNearest(Precision precision, double value, double expected) {
    try (Arena arena = Arena.ofConfined()) {
      RowTable table = RowTable.allocate(arena, precision, 1, 1);
      table.writeRow(0, new double[] {value});
      assertThat(table.get(0, 0)).isEqualTo(expected);
    }
  }

  @Test
  void numberBeyondSixteenBitsIsRefusedWithItsPlace() {
    try (Arena arena = Arena.ofConfined()) {
      RowTable table = RowTable.allocate(arena, Precision.FLOAT16, 3, 4);
      assertThatThrownBy(() -> table.writeRow(2, new double[] {1, 65520, 1, 1}))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("row 2, column 1: 65520.0 is beyond the range of float16");
    }
  }

  @ParameterizedTest
  @EnumSource(names = "FLOAT64", mode = EnumSource.Mode.EXCLUDE)
  void normaliserIsTakenOffWhenARowIsReadAndGoneWhenItIsWritten(Precision precision) {
    double logNormalizer = 3.3;
    try (Arena arena = Arena.ofConfined()) {
      RowTable table = RowTable.allocate(arena, precision, 2, 3);
      for (int row = 0; row < 2; row++) {
        table.writeRow(row, new float[] {1, 2, -0.5f});
      }
      table.setLogNormalizer(1, logNormalizer);
      float[] floats = new float[3];
      double[] doubles = new double[3];
      table.readRow(1, floats);
      table.readRow(1, doubles);
      assertThat(floats)
          .containsExactly((float) (1 - logNormalizer), (float) (2 - logNormalizer), (float) -3.8);
      assertThat(doubles).containsExactly(floats[0], floats[1], floats[2]);
      assertThat(table.get(1, 2)).isEqualTo(floats[2]);
      assertThat(table.get(0, 2)).isEqualTo(-0.5);
      table.writeRow(1, new float[] {1, 2, -0.5f});
      assertThat(table.get(1, 2)).isEqualTo(-0.5);
    }
  }

  @ParameterizedTest
  @EnumSource
  void tableOnTheDiskHoldsWhatOneInMemoryHolds(Precision precision) throws IOException {
    int rows = 9;
    int columns = 70_001;
    Random random = new Random(SEED);
    try (Arena arena = Arena.ofConfined()) {
      RowTable inMemory = RowTable.allocate(arena, precision, rows, columns);
      RowTable onDisk = TableSpace.onDisk(arena, folder, 2).allocate(precision, rows, columns);
      double[] values = new double[columns];
      double[] read = new double[columns];
      onDisk.readRow(rows - 1, read);
      assertThat(read).containsOnly(0.0);
      for (int row = 0; row < rows; row++) {
        for (int a = 0; a < columns; a++) {
          values[a] = random.nextGaussian();
        }
        inMemory.writeRow(row, values);
        onDisk.writeRow(row, values);
      }
      for (int pass = 0; pass < 2; pass++) {
        for (int row = 0; row < rows; row++) {
          inMemory.readRow(row, values);
          onDisk.readRow(row, read);
          assertThat(read).as("pass %d, row %d", pass, row).isEqualTo(values);
        }
      }
      try (Stream<Path> files = Files.list(folder)) {
        assertThat(files).as("its file has no name").isEmpty();
      }
    }
  }

  @Test
  void tableLargerThanTheDiskIsRefused() {
    try (Arena arena = Arena.ofConfined()) {
      TableSpace space = TableSpace.onDisk(arena, folder, 0);
      assertThatThrownBy(() -> space.allocate(Precision.FLOAT32, 1L << 40, 1 << 10))
          .isInstanceOf(EnvironmentException.class)
          .hasMessageContainingAll("disk full", folder.toString(), "needs 4.0 PiB");
    }
  }

  @Test
  void computedRowsAreWhatTheirFunctionGives() {
    RowTable table =
        RowTable.computed(
            4,
            3,
            (row, destination) -> {
              for (int a = 0; a < 3; a++) {
                destination[a] = 10 * row + a;
              }
            });
    float[] padded = {-1, -1, -1, -1, -1};
    double[] doubles = new double[3];
    table.readRow(2, padded);
    table.readRow(3, doubles);
    assertThat(padded).containsExactly(20, 21, 22, -1, -1);
    assertThat(doubles).containsExactly(30, 31, 32);
    assertThat(table.get(1, 2)).isCloseTo(12.0, within(0.0));
    assertThat(table.bytes()).isZero();
    assertThatThrownBy(() -> table.writeRow(0, doubles)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> table.readRow(4, doubles))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }
}
