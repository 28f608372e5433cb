package dev.clipkl.language;

import dev.clipkl.failure.InputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Text files as strings; malformed bytes are an error, never replaced. */
final class TextFiles {
  private static final int LARGEST = 1 << 30;

  private TextFiles() {}

  /**
   * The text of a UTF-8 file of up to 1 GiB, without a byte order mark.
   *
   * @throws InputException for a missing or unreadable file, and with the byte position for bytes
   *     that aren't UTF-8
   */
  static String readUtf8(Path path) {
    byte[] bytes = readBytes(path);
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length);
    CoderResult result =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT)
            .decode(in, out, true);
    try {
      if (result.isError()) {
        result.throwException();
      }
    } catch (CharacterCodingException e) {
      throw new InputException(
          "%s: not UTF-8: malformed byte 0x%02X at byte %d (counted from 0)"
              .formatted(path, bytes[in.position()] & 0xFF, in.position()),
          e);
    }
    String text = out.flip().toString();
    return text.startsWith("\uFEFF") ? text.substring(1) : text;
  }

  private static byte[] readBytes(Path path) {
    try {
      if (Files.isDirectory(path)) {
        throw new InputException(path + ": is a folder, expected a file");
      }
      long size = Files.size(path);
      if (size > LARGEST) {
        throw new InputException(
            "%s: text files up to %d bytes are read, got %d; split it"
                .formatted(path, LARGEST, size));
      }
      return Files.readAllBytes(path);
    } catch (NoSuchFileException e) {
      throw new InputException(path + ": no such file", e);
    } catch (IOException e) {
      throw new InputException("%s: can't be read: %s".formatted(path, OneLine.of(e)), e);
    }
  }
}
