package dev.clipkl.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.cli.CommandLineProbe;
import dev.clipkl.table.TensorType;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sequence problems that cannot be used: one line that says where, and no file touched. */
class BadSequenceInputTest {
  private static final int CLASSES = 3;
  private static final int[] SOUND = {0, 1, 2, 2, 0, -1};

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0 1 2 3 0 -1 | class_map[3] must be -1 (ends the text) or in [0, 3), got 3",
        "0 1 2 -2 0 -1 | class_map[3] must be -1 (ends the text) or in [0, 3), got -2",
        "0 1 1 1 0 -1 | class 2 is unreachable: no token of class_map leads to it, and start gives"
            + " it no weight",
      })
  void wrongClassMapsAreNamed(String map, String message) {
    assertRefused(parse(map), "discount: 0.9", message);
  }

  @Test
  void aFileWithoutClassesIsNamed() {
    Path bandit = folder.resolve("bandit.safetensors");
    BanditFile.write(bandit, 3, 6, TensorType.F32, 1);
    assertThat(train(bandit, "discount: 0.9", "").err())
        .contains("no tensor named class_map")
        .hasLineCount(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "discount: 1 | problem.discount must be below 1 without problem.horizon, got 1",
        "discount: 1.5, horizon: 4 | problem.discount must be in [0, 1], got 1.5",
        "discount: 0.9, classes: 7"
            + "| problem.classes does not go with problem.import, whose class_map says them",
        "discount: 0.9, exploration: 0 | problem.exploration must be in (0, 1], got 0",
        "discount: 0.9, prompts: a"
            + "| problem.import and problem.prompts exclude each other: give one of them",
      })
  void wrongConfigurationsAreNamed(String problem, String message) {
    assertRefused(SOUND, problem, message);
  }

  @Test
  void memoryThatDoesNotSufficeIsListed() {
    CommandLineProbe.Outcome outcome =
        train(sound(), "discount: 0.9", "run: {memory: 100B, engine: vector}");
    assertThat(outcome.exitCode()).isEqualTo(3);
    assertThat(outcome.err()).contains("masses of classes", "100 B are available").hasLineCount(1);
  }

  @Test
  void soundProblemTrains() {
    CommandLineProbe.Outcome outcome =
        train(sound(), "discount: 1, horizon: 4", "run: {engine: reference}");
    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    assertThat(outcome.out()).contains("the exact gap reached the tolerance");
  }

  private Path sound() {
    return SequenceFile.write(
        folder.resolve("sequence.safetensors"), CLASSES, SOUND, new Random(1));
  }

  private static int[] parse(String map) {
    return Arrays.stream(map.strip().split(" ")).mapToInt(Integer::parseInt).toArray();
  }

  private void assertRefused(int[] map, String problem, String message) {
    Path file = folder.resolve("sequence.safetensors");
    SequenceFile.write(file, CLASSES, map, new Random(1));
    CommandLineProbe.Outcome outcome = train(file, problem, "");
    assertThat(outcome.err()).startsWith("clipkl: ").contains(message).hasLineCount(1);
    assertThat(outcome.exitCode()).isEqualTo(2);
  }

  private CommandLineProbe.Outcome train(Path file, String problem, String more) {
    Path config =
        RunFiles.write(
            folder.resolve("run.yaml"),
            "problem: {kind: sequence, import: %s, %s}\n%s\n".formatted(file, problem, more));
    Map<String, String> before = RunFiles.content(folder);
    CommandLineProbe.Outcome outcome =
        CommandLineProbe.run("train", config.toString(), "--out", folder.resolve("new").toString());
    if (outcome.exitCode() != 0) {
      assertThat(RunFiles.content(folder)).isEqualTo(before);
    }
    return outcome;
  }
}
