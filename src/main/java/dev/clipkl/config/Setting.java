package dev.clipkl.config;

import org.jspecify.annotations.Nullable;

/**
 * A value as it was given.
 *
 * @param text its text; null if the key is explicitly without a value, or has no text
 * @param structure what it is instead of a text ({@code a list}); null if it is none
 * @param line the file's line, or {@link ConfigProblems#NO_LINE}
 * @param where the place for messages: {@code FILE line N} or {@code --set}
 */
record Setting(@Nullable String text, @Nullable String structure, int line, String where) {
  boolean isGiven() {
    return text != null || structure != null;
  }
}
