package dev.clipkl.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.clipkl.cli.CommandLineProbe;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Trains small runs over a vocabulary of words of its own, hostile ones among them. */
public final class WordRuns {
  /** Would run if any page took it for markup. */
  public static final String HOSTILE =
      "</script><script>alert(1)</script><img src=x onerror=alert(1)>";

  /** Turns the rest of a line round where it is shown as it is. */
  public static final String TURNED = "\u202eright";

  private static final JsonMapper JSON = new JsonMapper();
  private static final List<String> WORDS =
      List.of("<unk>", "kind", "rude", "calm", "</s>", HOSTILE, TURNED, "\u2028line", "it's");

  private final Path folder;
  private final List<String> words;

  /**
   * Runs in a folder.
   *
   * @param more further words: {@code w0}, {@code w1} and so on
   */
  public WordRuns(Path folder, int more) {
    this.folder = folder;
    words = new ArrayList<>(WORDS);
    IntStream.range(0, more).forEach(i -> words.add("w" + i));
    write("words.json", tokenizer());
    write("corpus.txt", "kind calm kind\nkind rude calm\nrude " + HOSTILE + " kind " + TURNED);
    write("words.csv", "text,score\n<default>,0.5\nkind,1\nrude,0\n");
    run(
        "reference",
        "build",
        "--tokenizer",
        path("words.json"),
        "--text",
        path("corpus.txt"),
        "--out",
        path("ngrams.safetensors"));
  }

  private String tokenizer() {
    Map<String, Integer> vocabulary = new LinkedHashMap<>();
    words.forEach(word -> vocabulary.put(word, vocabulary.size()));
    return """
    {"version":"1.0","truncation":null,"padding":null,"normalizer":null,"post_processor":null,
     "added_tokens":[],"pre_tokenizer":{"type":"WhitespaceSplit"},"decoder":null,
     "model":{"type":"WordLevel","unk_token":"<unk>","vocab":%s}}
    """
        .formatted(json(vocabulary));
  }

  private static String json(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String path(String name) {
    return folder.resolve(name).toString();
  }

  private Path write(String name, String text) {
    try {
      return Files.writeString(folder.resolve(name), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Prompts as a file: each its own line. */
  public Path prompts(String name, List<String> texts) {
    return write(
        name,
        texts.stream()
            .map(text -> json(Map.of("prompt", text)))
            .collect(Collectors.joining("\n", "", "\n")));
  }

  /** A run's configuration. */
  public Path configuration(String name, Path prompts, String rest) {
    return write(
        name + ".yaml",
        """
        problem:
          prompts: %s
          tokenizer: %s
          reference: %s
          reward: %s
        run: {engine: reference, threads: 1}
        %s
        """
            .formatted(
                prompts, path("words.json"), path("ngrams.safetensors"), path("words.csv"), rest));
  }

  /** Trains a run in the folder {@code name}. */
  public Path train(String name, Path prompts, String rest) {
    Path directory = folder.resolve(name);
    run("train", configuration(name, prompts, rest), "--out", directory);
    return directory;
  }

  /** Runs a command line that must succeed; its standard output. */
  public static String run(Object... arguments) {
    CommandLineProbe.Outcome outcome =
        CommandLineProbe.run(
            List.of(arguments).stream().map(Object::toString).toArray(String[]::new));
    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    return outcome.out();
  }

  /** Replaces a run's metrics by as many lines as asked for: a peak every hundred of them. */
  public static void lengthen(Path run, int iterations) {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i <= iterations; i++) {
      double gap = Math.exp(-0.01 * i) * (i % 100 == 50 ? 3.0 : 1.0);
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("outer_iteration", i);
      line.put("objective/value", 0.7 - gap / 3.0);
      line.put("objective/optimum", 0.7);
      line.put("objective/gap", gap);
      line.put("objective/reward", 0.9 - gap / 7.0);
      line.put("objective/kl_policy_to_reference", 2.0 - 2.0 * gap / 3.1);
      line.put("objective/kl_reference_to_policy", 1.0 - gap / 3.1);
      line.put("objective/entropy", 3.0 + gap / 3.0);
      line.put("policy/clipfrac_binding", gap / 9.0);
      line.put("policy/clipfrac_outside_band", gap / 7.0);
      line.put("policy/step_size", 1.0 / (1.0 + i % 7));
      line.put("time/seconds", 0.25 * i);
      line.put("throughput/entries_per_second", i == 0 ? null : 1e6 + i);
      lines.append(json(line)).append('\n');
    }
    try {
      Files.writeString(run.resolve("metrics.jsonl"), lines);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
