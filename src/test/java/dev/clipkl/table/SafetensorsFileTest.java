package dev.clipkl.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.failure.InputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the reader refuses, and in which words. */
class SafetensorsFileTest {
  private static final String GOOD =
      "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";

  @TempDir Path folder;

  static void writeFile(Path path, String header, byte[] data) throws IOException {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    Files.write(
        path,
        ByteBuffer.allocate(8 + json.length + data.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(json.length)
            .put(json)
            .put(data)
            .array());
  }

  private void assertRefused(Path path, String message) {
    assertThatThrownBy(() -> SafetensorsFile.open(path))
        .isInstanceOf(InputException.class)
        .hasMessage("%s: %s", path, message);
  }

  private Path file(String header, int dataBytes) throws IOException {
    Path path = folder.resolve("a.safetensors");
    writeFile(path, header, new byte[dataBytes]);
    return path;
  }

  @Test
  void goodFileIsOpened() throws IOException {
    try (SafetensorsFile file = SafetensorsFile.open(file(GOOD + "   ", 8))) {
      assertThat(file.tensor("x").shape()).containsExactly(2);
      assertThat(file.tensor("x").type()).isEqualTo(TensorType.F32);
      assertThat(file.find("y")).isEmpty();
    }
  }

  @Test
  void missingFileAndFolderAreNamed() {
    assertRefused(folder.resolve("none.safetensors"), "no such file");
    assertRefused(folder, "expected a safetensors file, got a folder");
  }

  @Test
  void missingTensorIsAnsweredWithTheTensorsThereAre() throws IOException {
    Path path = file(GOOD, 8);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThatThrownBy(() -> file.tensor("rewards"))
          .isInstanceOf(InputException.class)
          .hasMessage("%s: no tensor named rewards; it holds x", path);
    }
  }

  @Test
  void closedFileCannotBeRead() throws IOException {
    SafetensorsFile file = SafetensorsFile.open(file(GOOD, 8));
    Tensor tensor = file.tensor("x");
    file.close();
    file.close();
    assertThatThrownBy(() -> tensor.readFloats(0, new float[1], 1))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void fileShorterThanTheHeaderLengthIsRefused() throws IOException {
    Path path = Files.write(folder.resolve("a.safetensors"), new byte[7]);
    assertRefused(
        path, "length of the file: expected at least 8 bytes (the header's length), got 7");
    Files.write(path, new byte[0]);
    assertRefused(
        path, "length of the file: expected at least 8 bytes (the header's length), got 0");
  }

  @ParameterizedTest
  @CsvSource({"101, 101", "-1, 18446744073709551615", "9223372036854775807, 9223372036854775807"})
  void headerLongerThanTheFileIsRefused(long length, String shown) throws IOException {
    Path path = folder.resolve("a.safetensors");
    Files.write(
        path, ByteBuffer.allocate(108).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array());
    assertRefused(
        path,
        "header length: expected at most 100 bytes (what the file holds after its first 8), got "
            + shown);
  }

  @Test
  void headerBeyondTheFormatsLimitIsRefused() throws IOException {
    Path path = folder.resolve("a.safetensors");
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, 100_000_001));
      channel.write(ByteBuffer.allocate(1), 200_000_000);
    }
    assertRefused(
        path,
        "header length: expected at most 100000000 bytes (the format's limit), got 100000001");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = '|',
      value = {
        "[1]                 | header: expected a JSON object, got ARRAY",
        "7                   | header: expected a JSON object, got NUMBER",
        "``                  | header: expected a JSON object, got nothing",
        "{\"__metadata__\":3} | __metadata__: expected an object of strings, got 3",
        "{\"__metadata__\":{\"a\":1}} | __metadata__.a: expected a string, got 1",
        "{\"x\":3} | tensor x: expected an object with dtype, shape and data_offsets, got 3",
        "{\"x\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}"
            + "| tensor x: shape: expected an array of whole numbers, got nothing",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}"
            + "| tensor x: shape: expected whole numbers from 0 to 2^63 - 1, got [-2]",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}"
            + "| tensor x: shape: expected whole numbers from 0 to 2^63 - 1, got [2.0]",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[9223372036854775808],\"data_offsets\":[0,8]}}"
            + "| tensor x: shape: expected whole numbers from 0 to 2^63 - 1,"
            + " got [9223372036854775808]",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}}"
            + "| tensor x: shape: expected fewer than 2^63 bytes, got [4294967296, 4294967296]",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}"
            + "| tensor x: data_offsets: expected 12 bytes for F32 [3], got 8 bytes from [0,8]",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}"
            + "| tensor x: data_offsets: expected [begin, end] within the file's 8 bytes of data,"
            + " got [0,12]",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}"
            + "| tensor x: data_offsets: expected [begin, end] within the file's 8 bytes of data,"
            + " got [8,0]",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4,8]}}"
            + "| tensor x: data_offsets: expected [begin, end] within the file's 8 bytes of data,"
            + " got [0,4,8]",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}"
            + "| tensor x: data_offsets: expected to begin at 0, where the tensor before it ends,"
            + " got 4 (hole)",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
            + "\"y\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}"
            + "| tensor y: data_offsets: expected to begin at 8, where the tensor before it ends,"
            + " got 4 (overlap)",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"
            + "| data: expected 4 bytes, the end of the last tensor, got 8",
        "{} | data: expected 0 bytes, the end of the last tensor, got 8",
      })
  void wrongHeaderIsRefused(String header, String message) throws IOException {
    assertRefused(file(header, 8), message);
  }

  @Test
  void unknownTypeIsAnsweredWithTheKnownOnes() throws IOException {
    assertThatThrownBy(() -> SafetensorsFile.open(file(GOOD.replace("F32", "F33"), 8)))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("tensor x: dtype: expected one of [BOOL, U8, ")
        .hasMessageEndingWith(", got \"F33\"");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = '|',
      value = {
        "{\"x\":",
        "{\"x\" 3}",
        "{} {}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
            + "\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
      })
  void headerThatIsNotOneJsonObjectIsRefusedInOneLine(String header) throws IOException {
    Path path = file(header, 8);
    assertThatThrownBy(() -> SafetensorsFile.open(path))
        .isInstanceOf(InputException.class)
        .hasMessageStartingWith(path + ": header: expected a JSON object, got: ")
        .message()
        .hasLineCount(1);
  }

  @Test
  void truncatedDataIsRefused() throws IOException {
    assertRefused(
        file(GOOD, 7),
        "tensor x: data_offsets: expected [begin, end] within the file's 7 bytes of data, got"
            + " [0,8]");
  }
}
