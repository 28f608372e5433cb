package dev.clipkl.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.failure.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ComparisonFileTest {
  @TempDir private Path folder;

  private static Comparison comparison(double number, @Nullable Frontier frontier) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put("objective/gap", number);
    metrics.put("objective/value", 0.1);
    PolicyShape shape = new PolicyShape(1.0, 2.0, 0.5, number, 0.25, 1e-300);
    ComparedPolicy policy =
        new ComparedPolicy(
            "runs/é \"x\"",
            "alpha(0.5)",
            0.1,
            new OptimumNumbers(number, 1.0 / 3.0, 2.0, 3.0, number),
            metrics,
            shape,
            shape,
            number,
            0.9999999999999999,
            7,
            1e12,
            "interrupted");
    return new Comparison(
        1,
        "name\n",
        List.of("a", "b"),
        "f",
        List.of(
            new PolicyMatch(
                null, 0.1, List.of(policy), List.of(new TopOverlap("a", "reference", 10, number))),
            new PolicyMatch("objective/kl_policy_to_reference", 2.5, List.of(), List.of())),
        frontier);
  }

  @Test
  void numbersAndTextsComeBackAsTheyWere() {
    Frontier frontier =
        new Frontier(
            List.of(new FrontierPoint("js", 0.1, null, 1, 2, 3, Double.NaN, 5)),
            List.of(new FrontierPoint("js", 0.1, "runs/a", 1, 2, 3, 4, 5)));
    for (Comparison comparison :
        List.of(comparison(0.30000000000000004, null), comparison(1e-300, frontier))) {
      Path file = folder.resolve("comparison.json");
      ComparisonFile.write(file, comparison);
      assertThat(ComparisonFile.read(file)).isEqualTo(comparison);
    }
  }

  @Test
  void whatIsNoNumberIsNullInTheFileAndNanWhenRead() throws IOException {
    Path file = folder.resolve("comparison.json");
    for (double none : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      ComparisonFile.write(file, comparison(none, null));
      assertThat(Files.readString(file))
          .contains("\"objective/gap\" : null", "\"measured_rate\" : null", "\"tail_mass\" : null")
          .doesNotContain("NaN", "Infinity");
      assertThat(ComparisonFile.read(file)).isEqualTo(comparison(Double.NaN, null));
    }
  }

  @Test
  void unsoundFileIsOneLine() throws IOException {
    Path file = folder.resolve("comparison.json");
    assertThatThrownBy(() -> ComparisonFile.read(file))
        .isInstanceOf(InputException.class)
        .hasMessage(file + ": no such file, expected a comparison");
    ComparisonFile.write(file, comparison(1.0, null));
    String sound = Files.readString(file);
    Files.writeString(file, sound.replace("\"format_version\" : 1", "\"format_version\" : 2"));
    assertThatThrownBy(() -> ComparisonFile.read(file))
        .hasMessage(file + ": expected format_version 1, got 2");
    for (String text :
        List.of(
            "",
            "{",
            "null",
            "[]",
            sound.replace("\"lambda\" : 0.1", "\"lambda\" : \"x\""),
            sound.replace("\"fingerprint\" : \"f\",", ""))) {
      Files.writeString(file, text);
      assertThatThrownBy(() -> ComparisonFile.read(file))
          .as(text)
          .isInstanceOf(InputException.class)
          .hasMessageStartingWith(file + ": expected a comparison, got ")
          .hasMessageNotContaining("\n");
    }
  }
}
