package dev.clipkl.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.engine.RowFixture;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import dev.clipkl.table.SafetensorsWriter.Declaration;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsRoundTripTest {
  @TempDir Path folder;

  private Path write(TensorType type, double... values) {
    Path path = folder.resolve("a.safetensors");
    try (SafetensorsWriter writer =
        SafetensorsWriter.open(
            path, Map.of(), List.of(new Declaration("x", type, values.length)))) {
      writer.writeDoubles(values, values.length);
      writer.commit();
    }
    return path;
  }

  private float roundTrip(TensorType type, double value) {
    try (SafetensorsFile file = SafetensorsFile.open(write(type, value))) {
      float[] read = new float[1];
      file.tensor("x").readFloats(0, read, 1);
      return read[0];
    }
  }

  private static float[] randomFloats(int count, long seed) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 15, 16, 17, 2047, 2048, 2049, 300_001})
  void float32ComesBackBitForBit(int count) {
    float[] values = randomFloats(count, 1);
    Path path = folder.resolve("a.safetensors");
    try (SafetensorsWriter writer =
        SafetensorsWriter.open(
            path, Map.of(), List.of(new Declaration("x", TensorType.F32, count)))) {
      writer.writeFloats(values, count);
      writer.commit();
    }
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      float[] read = new float[count];
      file.tensor("x").readFloats(0, read, count);
      assertThat(read).isEqualTo(values);
      double[] wide = new double[count];
      file.tensor("x").readDoubles(0, wide, count);
      assertThat(wide[count - 1]).isEqualTo(values[count - 1]);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = TensorType.class,
      names = {"F16", "BF16", "F32", "F64"})
  void specialValuesSurviveEveryFloatType(TensorType type) {
    double[] values = {0.0, -0.0, 1, -1.5, Double.NaN, 1.0 / 0, -1.0 / 0, 0x1p-14, 0x1.8p-16};
    try (SafetensorsFile file = SafetensorsFile.open(write(type, values))) {
      double[] read = new double[values.length];
      file.tensor("x").readDoubles(0, read, read.length);
      assertThat(read).isEqualTo(values);
      float[] floats = new float[values.length];
      file.tensor("x").readFloats(0, floats, floats.length);
      for (int i = 0; i < values.length; i++) {
        assertThat(floats[i]).isEqualTo(Float.valueOf((float) values[i]));
      }
    }
  }

  /** Every pattern of 16 bits is read as the value that its definition gives it. */
  @ParameterizedTest
  @CsvSource({"F16, 10, 5", "BF16, 7, 8"})
  void everySixteenBitPatternIsReadByDefinition(TensorType type, int fractionBits, int exponentBits)
      throws IOException {
    ByteBuffer data = ByteBuffer.allocate(2 << 16).order(ByteOrder.LITTLE_ENDIAN);
    for (int bits = 0; bits < 1 << 16; bits++) {
      data.putShort((short) bits);
    }
    Path path = folder.resolve("bits.safetensors");
    String header =
        "{\"x\":{\"dtype\":\"%s\",\"shape\":[65536],\"data_offsets\":[0,131072]}}".formatted(type);
    SafetensorsFileTest.writeFile(path, header, data.array());
    float[] read = new float[1 << 16];
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      file.tensor("x").readFloats(0, read, read.length);
    }
    int bias = (1 << (exponentBits - 1)) - 1;
    int largest = (1 << exponentBits) - 1;
    for (int bits = 0; bits < 1 << 16; bits++) {
      int exponent = bits >> fractionBits & largest;
      double fraction = (bits & ((1 << fractionBits) - 1)) / (double) (1 << fractionBits);
      double magnitude =
          exponent == largest
              ? (fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN)
              : exponent == 0
                  ? fraction * Math.pow(2, 1 - bias)
                  : (1 + fraction) * Math.pow(2, exponent - bias);
      double expected = bits >= 1 << 15 ? -magnitude : magnitude;
      assertThat(read[bits]).as("bits %04x", bits).isEqualTo(Float.valueOf((float) expected));
    }
  }

  @ParameterizedTest
  @CsvSource({
    // Halfway between two neighbours: the even one.
    "BF16, 0x1.01p0, 0x1.00p0",
    "BF16, 0x1.03p0, 0x1.04p0",
    "F16, 0x1.002p0, 0x1.000p0",
    "F16, 0x1.006p0, 0x1.008p0",
    // Just above halfway by less than a float can say: up, not to the even neighbour.
    "BF16, 0x1.0100000000001p0, 0x1.02p0",
    "F16, 0x1.0020000000001p0, 0x1.004p0",
    "BF16, -0x1.0100000000001p0, -0x1.02p0",
    // Just below halfway likewise: down.
    "BF16, 0x1.02ffffffffffp0, 0x1.02p0",
    "F16, 0x1.005fffffffffp0, 0x1.004p0",
    // Subnormal results.
    "F16, 0x1.8p-25, 0x1p-24",
    "F16, 0x1p-25, 0x0p0",
    "BF16, 0x1.8p-134, 0x1p-133",
    "BF16, 1e-300, 0x0p0",
  })
  void narrowingRoundsOnceToNearestEven(TensorType type, String value, String expected) {
    assertThat(roundTrip(type, Double.parseDouble(value)))
        .isEqualTo((float) Double.parseDouble(expected));
  }

  @ParameterizedTest
  @CsvSource({"F16, 65520", "BF16, 3.4e38", "BF16, 1e300", "F32, 1e300", "F16, -1e9"})
  void finiteValueThatDoesNotFitIsRefused(TensorType type, double value) {
    assertThatThrownBy(() -> write(type, 1.0, value))
        .isInstanceOf(InputException.class)
        .hasMessage(
            "%s: tensor x: element 1: %s does not fit in %s; use a wider type",
            folder.resolve("a.safetensors"), value, type);
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void integersComeBack() {
    Path path = folder.resolve("a.safetensors");
    int[] ints = {Integer.MIN_VALUE, -1, 0, 1, Integer.MAX_VALUE};
    long[] longs = {Long.MIN_VALUE, -1, 0, 1, Long.MAX_VALUE};
    try (SafetensorsWriter writer =
        SafetensorsWriter.open(
            path,
            Map.of(),
            List.of(
                new Declaration("i", TensorType.I32, 5),
                new Declaration("l", TensorType.I64, 5),
                new Declaration("w", TensorType.I64, 5)))) {
      writer.writeInts(ints, 5);
      writer.writeLongs(longs, 2);
      writer.writeLongs(new long[] {0, 1, Long.MAX_VALUE}, 3);
      writer.writeInts(ints, 5);
      writer.commit();
    }
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      int[] readInts = new int[5];
      long[] readLongs = new long[5];
      file.tensor("i").readInts(0, readInts, 5);
      assertThat(readInts).isEqualTo(ints);
      file.tensor("i").readLongs(0, readLongs, 5);
      assertThat(readLongs).containsExactly(Integer.MIN_VALUE, -1, 0, 1, Integer.MAX_VALUE);
      file.tensor("l").readLongs(0, readLongs, 5);
      assertThat(readLongs).isEqualTo(longs);
      file.tensor("w").readInts(0, readInts, 5);
      assertThat(readInts).isEqualTo(ints);
      assertThatThrownBy(() -> file.tensor("l").readInts(0, readInts, 5))
          .isInstanceOf(InputException.class)
          .hasMessage(
              "%s: tensor l: element 0: expected an integer of 32 bits with sign, got %d",
              path, Long.MIN_VALUE);
      assertThatThrownBy(() -> file.tensor("l").readFloats(0, new float[5], 5))
          .isInstanceOf(InputException.class)
          .hasMessage(
              "%s: tensor l: expected a floating-point type (F16, BF16, F32, F64), got I64", path);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "BOOL, 1, 1",
    "U8, 255, 255",
    "I8, -1, 255",
    "U16, 65535, 65535",
    "I16, -1, 65535",
    "U32, 4294967295, 4294967295",
    "I32, -1, 4294967295",
  })
  void integersOfEveryWidthAreRead(TensorType type, long expected, long bits) throws IOException {
    byte[] bytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(bits).array();
    Path path = folder.resolve("a.safetensors");
    SafetensorsFileTest.writeFile(
        path,
        "{\"x\":{\"dtype\":\"%s\",\"shape\":[],\"data_offsets\":[0,%d]}}"
            .formatted(type, type.bytes()),
        Arrays.copyOf(bytes, type.bytes()));
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      long[] read = new long[1];
      file.tensor("x").readLongs(0, read, 1);
      assertThat(read[0]).isEqualTo(expected);
    }
  }

  @Test
  void unsignedSixtyFourBitsBeyondALongAreRefused() throws IOException {
    Path path = folder.resolve("a.safetensors");
    SafetensorsFileTest.writeFile(
        path,
        "{\"x\":{\"dtype\":\"U64\",\"shape\":[1],\"data_offsets\":[0,8]}}",
        new byte[] {-1, -1, -1, -1, -1, -1, -1, -1});
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThatThrownBy(() -> file.tensor("x").readLongs(0, new long[1], 1))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("got 18446744073709551615");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "F16, FLOAT32", "BF16, FLOAT32", "F32, FLOAT32", "F64, FLOAT32",
    "F16, FLOAT64", "BF16, FLOAT64", "F32, FLOAT64", "F64, FLOAT64",
  })
  void tablesWithPaddedRowsComeBack(TensorType type, RowTable.Precision precision) {
    Path path = folder.resolve("a.safetensors");
    int columns = 10_007;
    try (Arena arena = Arena.ofConfined()) {
      RowTable table = RowTable.allocate(arena, precision, 5, columns);
      for (int row = 0; row < 5; row++) {
        double[] values = new double[columns];
        for (int column = 0; column < columns; column++) {
          // Exact in every type, and different in every row.
          values[column] = (row * 31 + column) % 257 - 128;
        }
        values[7] = type == TensorType.F64 && precision == RowTable.Precision.FLOAT64 ? 0.1 : 0.5;
        table.writeRow(row, values);
      }
      try (SafetensorsWriter writer =
          SafetensorsWriter.open(
              path, Map.of(), List.of(new Declaration("logits", type, 5, columns)))) {
        writer.writeTable(table);
        writer.commit();
      }
      RowTable read = RowTable.allocate(arena, precision, 5, columns);
      try (SafetensorsFile file = SafetensorsFile.open(path)) {
        file.tensor("logits").readTable(read);
      }
      for (int row = 0; row < 5; row++) {
        assertThat(RowFixture.row(read, row))
            .as("row %d", row)
            .isEqualTo(RowFixture.row(table, row));
      }
    }
  }

  @Test
  void tableOfAnotherShapeIsRefused() {
    Path path = write(TensorType.F32, 1, 2, 3);
    try (Arena arena = Arena.ofConfined();
        SafetensorsFile file = SafetensorsFile.open(path)) {
      RowTable table = RowTable.allocate(arena, 1, 3);
      assertThatThrownBy(() -> file.tensor("x").readTable(table))
          .isInstanceOf(InputException.class)
          .hasMessage("%s: tensor x: expected shape [1, 3], got [3]", path);
      assertThatThrownBy(() -> file.tensor("x").requireShape(-1, 3))
          .hasMessage("%s: tensor x: expected shape [any, 3], got [3]", path);
      file.tensor("x").requireShape(-1);
    }
  }

  @Test
  void readingPastATensorIsRefused() {
    try (SafetensorsFile file = SafetensorsFile.open(write(TensorType.F32, 1, 2, 3))) {
      Tensor tensor = file.tensor("x");
      assertThatThrownBy(() -> tensor.readFloats(1, new float[3], 3))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> tensor.readFloats(0, new float[2], 3))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void bytesAreDeterministicAndDataIsAligned() throws IOException {
    List<Declaration> declarations =
        List.of(new Declaration("b", TensorType.F32, 2), new Declaration("a", TensorType.F64));
    byte[][] files = new byte[2][];
    for (int i = 0; i < 2; i++) {
      Path path = folder.resolve("a.safetensors");
      Map<String, String> metadata =
          i == 0
              ? new LinkedHashMap<>(Map.of("z", "1"))
              : new LinkedHashMap<>(Map.of("k", "quote \" and ü"));
      metadata.put(i == 0 ? "k" : "z", i == 0 ? "quote \" and ü" : "1");
      try (SafetensorsWriter writer = SafetensorsWriter.open(path, metadata, declarations)) {
        writer.writeFloats(new float[] {1, 2}, 2);
        writer.writeDoubles(new double[] {3}, 1);
        writer.commit();
      }
      files[i] = Files.readAllBytes(path);
    }
    assertThat(files[0]).isEqualTo(files[1]);
    long header = ByteBuffer.wrap(files[0]).order(ByteOrder.LITTLE_ENDIAN).getLong();
    assertThat((header + 8) % 64).isZero();
    assertThat(new String(files[0], 8, (int) header, StandardCharsets.UTF_8).strip())
        .isEqualTo(
            "{\"__metadata__\":{\"k\":\"quote \\\" and ü\",\"z\":\"1\"},"
                + "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                + "\"a\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[8,16]}}");
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("a.safetensors"))) {
      assertThat(file.names()).containsExactly("b", "a");
      assertThat(file.metadata()).containsEntry("k", "quote \" and ü").containsEntry("z", "1");
    }
  }

  @Test
  void emptyTensorsAndEmptyFilesAreFine() {
    Path path = folder.resolve("a.safetensors");
    try (SafetensorsWriter writer = SafetensorsWriter.open(path, Map.of(), List.of())) {
      writer.commit();
    }
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.names()).isEmpty();
    }
    try (SafetensorsWriter writer =
        SafetensorsWriter.open(
            path,
            Map.of(),
            List.of(
                new Declaration("none", TensorType.F32, 0, 7),
                new Declaration("one", TensorType.F32, 1),
                new Declaration("last", TensorType.F16, 3, 0)))) {
      writer.writeFloats(new float[] {4}, 1);
      writer.commit();
    }
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.tensor("none").elements()).isZero();
      assertThat(file.tensor("last").shape()).containsExactly(3, 0);
    }
  }

  @Test
  void missingAndSurplusElementsAreRefused() throws IOException {
    Path path = folder.resolve("a.safetensors");
    Files.writeString(path, "old");
    try (SafetensorsWriter writer =
        SafetensorsWriter.open(
            path, Map.of(), List.of(new Declaration("x", TensorType.F32, 2, 2)))) {
      writer.writeFloats(new float[3], 3);
      assertThatThrownBy(writer::commit)
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("%s: tensor x: expected 4 elements, got 3", path);
      assertThatThrownBy(() -> writer.writeFloats(new float[2], 2))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("%s: 2 elements written where 1 are left of tensor x", path);
      assertThatThrownBy(() -> writer.writeInts(new int[1], 1))
          .isInstanceOf(IllegalStateException.class);
    }
    assertThat(path).hasContent("old");
  }

  @Test
  void fileLargerThanTheDiskIsRefusedAtOnce() throws IOException {
    Path path = folder.resolve("a.safetensors");
    Files.writeString(path, "old");
    assertThatThrownBy(() ->
            SafetensorsWriter.open(
                path, Map.of(), List.of(new Declaration("x", TensorType.F32, 1L << 30, 1L << 20))))
        .isInstanceOf(EnvironmentException.class)
        .hasMessageContaining("(4.0 PiB)");
    assertThat(path).hasContent("old");
    assertThat(folder).isDirectoryNotContaining("glob:**.tmp");
  }

  @Test
  void elementsBeyondTwoGibibytesAreReached() throws IOException {
    Path path = folder.resolve("large.safetensors");
    long elements = 750_000_000L;
    String header =
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[0,%d]}}"
            .formatted(elements, elements * 4);
    SafetensorsFileTest.writeFile(path, header, new byte[0]);
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
      // Sparse: three gigabytes by their length, one block on the disk.
      ByteBuffer last = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(0, 42);
      channel.write(last, channel.size() + (elements - 1) * 4);
    }
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      float[] read = new float[2];
      file.tensor("x").readFloats(elements - 2, read, 2);
      assertThat(read).containsExactly(0, 42);
    }
  }
}
