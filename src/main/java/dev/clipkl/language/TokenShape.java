package dev.clipkl.language;

import java.nio.charset.StandardCharsets;

/**
 * How a token is spelt, so far as it tells what can follow: rare tokens of one shape share a
 * context class.
 */
enum TokenShape {
  /** A space and a capital letter: names, mostly. */
  BEGINS_CAPITALISED_WORD("begins a capitalised word"),

  /** A space and a letter. */
  BEGINS_WORD("begins a word"),

  /** A letter without a space before it. */
  CONTINUES_WORD("continues a word"),

  /** A digit, after a space or not. */
  NUMBER("a number"),

  /** Punctuation, line ends, bytes that are no characters, special tokens, holes. */
  OTHER("punctuation and other");

  private final String words;

  TokenShape(String words) {
    this.words = words;
  }

  /** The shape in words. */
  String words() {
    return words;
  }

  /** The shape of a token. */
  static TokenShape of(Tokenizer tokenizer, int token) {
    if (tokenizer.isSpecial(token)) {
      return OTHER;
    }
    String text = new String(tokenizer.tokenBytes(token), StandardCharsets.UTF_8);
    boolean afterSpace = text.startsWith(" ");
    int start = afterSpace ? 1 : 0;
    if (start == text.length()) {
      return OTHER;
    }
    int first = text.codePointAt(start);
    if (Character.isDigit(first)) {
      return NUMBER;
    }
    if (!Character.isLetter(first)) {
      return OTHER;
    }
    if (!afterSpace) {
      return CONTINUES_WORD;
    }
    return Character.isUpperCase(first) ? BEGINS_CAPITALISED_WORD : BEGINS_WORD;
  }
}
