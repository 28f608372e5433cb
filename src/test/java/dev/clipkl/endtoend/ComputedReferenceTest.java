package dev.clipkl.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.cli.CommandLineProbe;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An n-gram reference whose table would not fit is computed, and gives the same bits. */
class ComputedReferenceTest {
  private static final int PROMPTS = 200;

  @TempDir Path folder;

  private Path config;

  @Test
  void computedRowsTrainThePolicyOfStoredOnes() {
    Path text =
        RunFiles.write(
            folder.resolve("text.txt"),
            "The river runs to the sea. The sea is calm. A calm answer is a kind answer.\n"
                .repeat(20));
    Path reference = folder.resolve("reference.safetensors");
    run(
        "reference",
        "build",
        "--tokenizer",
        "r50k_base",
        "--text",
        text.toString(),
        "--out",
        reference.toString());
    Path prompts =
        RunFiles.write(
            folder.resolve("prompts.jsonl"),
            IntStream.range(0, PROMPTS)
                .mapToObj(i ->
                    "{\"prompt\": \"%s answer number %d: the\"}".formatted("calm".repeat(i % 3), i))
                .collect(Collectors.joining("\n")));
    Path reward =
        RunFiles.write(
            folder.resolve("words.csv"),
            "token,score\n<default>,0.0\n\" calm\",1.0\n\" river\",-0.5\n");
    config =
        RunFiles.write(
            folder.resolve("run.yaml"),
            """
            problem: {prompts: %s, tokenizer: r50k_base, reference: %s, reward: %s}
            optimizer: {inner-steps: 2, outer-iterations: 3, tolerance: 0}
            run: {threads: 2}
            """
                .formatted(prompts, reference, reward));
    // A table takes 40 MB: two of them, one, none.
    Path stored = train("stored", "120MB", "tables: in memory\n");
    Path computed = train("computed", "65MB", "tables: in memory but for the reference");
    Path onDisk = train("on-disk", "30MB", "tables: on the disk");
    for (Path other : new Path[] {computed, onDisk}) {
      assertThat(RunFiles.timelessMetrics(other)).isEqualTo(RunFiles.timelessMetrics(stored));
      assertThat(RunFiles.sha256(other.resolve("policy.safetensors")))
          .isEqualTo(RunFiles.sha256(stored.resolve("policy.safetensors")));
    }
  }

  private Path train(String name, String memory, String where) {
    Path run = folder.resolve(name);
    String out =
        run("train", config.toString(), "--out", run.toString(), "--set", "run.memory=" + memory);
    assertThat(out.replace(System.lineSeparator(), "\n")).contains(where);
    assertThat(out.contains("computed when they are read")).isEqualTo(!name.equals("stored"));
    return run;
  }

  private static String run(String... arguments) {
    CommandLineProbe.Outcome outcome = CommandLineProbe.run(arguments);
    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    return outcome.out();
  }
}
