package dev.clipkl.language;

import dev.clipkl.failure.InputException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Reads preference pairs: JSON lines {@code {"prompt": "", "chosen": "", "rejected": ""}}. */
public final class Preferences {
  private static final Set<String> KEYS = Set.of("prompt", "chosen", "rejected");

  private Preferences() {}

  /**
   * Reads all pairs in file order.
   *
   * @throws InputException in one line with file and line number: no pair at all, bad JSON, a
   *     missing, unknown or empty key, or a pair whose completions are equal
   */
  public static List<PreferencePair> read(Path path) {
    List<PreferencePair> pairs = new ArrayList<>();
    for (JsonLines.Line line : JsonLines.read(path, KEYS)) {
      String prompt = line.requiredText("prompt");
      String chosen = line.requiredText("chosen");
      String rejected = line.requiredText("rejected");
      if (chosen.equals(rejected)) {
        throw line.failure("\"chosen\" and \"rejected\" are the same");
      }
      pairs.add(new PreferencePair(prompt, chosen, rejected));
    }
    return List.copyOf(pairs);
  }
}
