package dev.clipkl.language;

import com.fasterxml.jackson.core.JsonProcessingException;
import org.jspecify.annotations.Nullable;

/** A foreign exception's message on one line. */
final class OneLine {
  private static final int LONGEST = 200;

  private OneLine() {}

  static String of(Throwable failure) {
    String message =
        failure instanceof JsonProcessingException json
            ? json.getOriginalMessage()
            : failure.getMessage();
    return of(message == null ? failure.getClass().getSimpleName() : message);
  }

  static String of(@Nullable String message) {
    String line = String.valueOf(message).replaceAll("\\s+", " ").strip();
    return line.length() <= LONGEST ? line : line.substring(0, LONGEST) + "...";
  }
}
