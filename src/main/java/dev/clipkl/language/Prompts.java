package dev.clipkl.language;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.failure.InputException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Reads prompts: JSON lines {@code {"prompt": "...", "weight": 2.0}}, the weight optional. */
public final class Prompts {
  private static final Set<String> KEYS = Set.of("prompt", "weight");

  private Prompts() {}

  /**
   * Reads all prompts in file order.
   *
   * @throws InputException in one line with file and line number: no prompt at all, an empty
   *     prompt, bad JSON, a missing or unknown key, a weight that isn't finite and {@code >= 0}, or
   *     weights that are all zero
   */
  public static List<Prompt> read(Path path) {
    List<Prompt> prompts = new ArrayList<>();
    double total = 0;
    for (JsonLines.Line line : JsonLines.read(path, KEYS)) {
      Prompt prompt = new Prompt(line.requiredText("prompt"), weight(line));
      prompts.add(prompt);
      total += prompt.weight();
    }
    if (!(total > 0) || Double.isInfinite(total)) {
      throw new InputException(
          "%s: the weights must have a finite sum > 0, got %s".formatted(path, total));
    }
    return List.copyOf(prompts);
  }

  private static double weight(JsonLines.Line line) {
    JsonNode value = line.object().path("weight");
    if (value.isMissingNode()) {
      return Prompt.DEFAULT_WEIGHT;
    }
    if (!value.isNumber()
        || !(value.doubleValue() >= 0)
        || Double.isInfinite(value.doubleValue())) {
      throw line.failure("\"weight\" must be a finite number >= 0, got " + OneLine.of("" + value));
    }
    return value.doubleValue();
  }

  /**
   * The start distribution {@code weight_i / sum_j weight_j}, shape {@code [prompts]}.
   *
   * @throws IllegalArgumentException if the weights don't have a finite sum {@code > 0}
   */
  public static double[] startWeights(List<Prompt> prompts) {
    double total = prompts.stream().mapToDouble(Prompt::weight).sum();
    if (!(total > 0) || Double.isInfinite(total)) {
      throw new IllegalArgumentException("weights must have a finite sum > 0, got " + total);
    }
    return prompts.stream().mapToDouble(prompt -> prompt.weight() / total).toArray();
  }
}
