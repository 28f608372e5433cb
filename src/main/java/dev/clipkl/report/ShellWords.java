package dev.clipkl.report;

import java.util.regex.Pattern;

/** Texts as single words of a shell's command line. */
final class ShellWords {
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_./:=+,@%-]+");

  private ShellWords() {}

  /** The text, in single quotes where a shell would read it in any other way. */
  static String quote(String text) {
    return PLAIN.matcher(text).matches() ? text : "'" + text.replace("'", "'\\''") + "'";
  }
}
