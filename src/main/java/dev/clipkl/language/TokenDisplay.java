package dev.clipkl.language;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** Makes a token's bytes readable on one line. */
final class TokenDisplay {
  private TokenDisplay() {}

  static String of(int id, byte[] bytes) {
    if (bytes.length == 0) {
      return "<hole " + id + ">";
    }
    StringBuilder shown = new StringBuilder(bytes.length + 8);
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length + 1);
    while (true) {
      CoderResult result = decoder.decode(in, out, true);
      out.flip();
      out.chars().forEach(character -> append(shown, (char) character));
      out.clear();
      if (!result.isError()) {
        return shown.toString();
      }
      for (int i = 0; i < result.length(); i++) {
        shown.append("\\x%02X".formatted(in.get() & 0xFF));
      }
      decoder.reset();
    }
  }

  private static void append(StringBuilder shown, char character) {
    switch (character) {
      case ' ' -> shown.append('␣');
      case '\n' -> shown.append('⏎');
      case '\r' -> shown.append("\\r");
      case '\t' -> shown.append('⇥');
      case '\\' -> shown.append("\\\\");
      default -> {
        if (mayBreakALine(character)) {
          shown.append("\\u%04X".formatted((int) character));
        } else {
          shown.append(character);
        }
      }
    }
  }

  /** Control and format characters (text direction too), odd spaces and line separators. */
  private static boolean mayBreakALine(char character) {
    int type = Character.getType(character);
    return type == Character.CONTROL
        || type == Character.FORMAT
        || type == Character.SPACE_SEPARATOR
        || type == Character.LINE_SEPARATOR
        || type == Character.PARAGRAPH_SEPARATOR;
  }
}
