package dev.clipkl.language;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** How a {@code tokenizer.json} spells a token's bytes in its vocabulary. */
enum TokenSpelling {
  /** The token is its text. */
  PLAIN {
    @Override
    byte[] bytes(String token) {
      return token.getBytes(StandardCharsets.UTF_8);
    }
  },

  /** A continuation of a word starts with {@code ##} (WordPiece). */
  CONTINUATION_PREFIX {
    @Override
    byte[] bytes(String token) {
      return PLAIN.bytes(token.length() > 2 && token.startsWith("##") ? token.substring(2) : token);
    }
  },

  /** A space is {@code ▁}, and {@code <0x0A>} is the byte 10 (SentencePiece). */
  METASPACE {
    @Override
    byte[] bytes(String token) {
      if (token.matches("<0x[0-9A-Fa-f]{2}>")) {
        return new byte[] {(byte) HexFormat.fromHexDigits(token, 3, 5)};
      }
      return PLAIN.bytes(token.replace('▁', ' '));
    }
  },

  /**
   * Each byte is one character (GPT-2): printable Latin-1 characters stand for themselves, the
   * other 68 byte values for U+0100, U+0101, ... in order.
   */
  BYTE_LEVEL {
    @Override
    byte[] bytes(String token) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream(token.length());
      for (int i = 0; i < token.length(); i++) {
        int value = byteOf(token.charAt(i));
        if (value < 0) {
          return PLAIN.bytes(token);
        }
        bytes.write(value);
      }
      return bytes.toByteArray();
    }
  };

  abstract byte[] bytes(String token);

  static TokenSpelling of(JsonNode tokenizer) {
    String parts =
        " "
            + tokenizer.path("decoder")
            + tokenizer.path("pre_tokenizer")
            + tokenizer.path("normalizer");
    if (parts.contains("\"ByteLevel\"")) {
      return BYTE_LEVEL;
    }
    if (parts.contains("\"Metaspace\"") || parts.contains("▁")) {
      return METASPACE;
    }
    if (tokenizer.path("model").path("type").asText().equals("WordPiece")
        || parts.contains("\"WordPiece\"")) {
      return CONTINUATION_PREFIX;
    }
    return PLAIN;
  }

  static boolean standsForItself(int value) {
    return (value >= '!' && value <= '~')
        || (value >= 0xA1 && value <= 0xAC)
        || (value >= 0xAE && value <= 0xFF);
  }

  /** The byte that a character stands for, or -1. */
  static int byteOf(char character) {
    if (standsForItself(character)) {
      return character;
    }
    int position = character - 0x100;
    for (int value = 0; value < 0x100 && position >= 0; value++) {
      if (!standsForItself(value) && position-- == 0) {
        return value;
      }
    }
    return -1;
  }
}
