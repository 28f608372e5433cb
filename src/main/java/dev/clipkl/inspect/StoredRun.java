package dev.clipkl.inspect;

import dev.clipkl.config.RunConfig;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import dev.clipkl.training.StoredPolicy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A run's directory read back, whether the run has ended or not; nothing in it is changed.
 *
 * @param directory as it was given
 * @param configuration the text of its {@code config.yaml}
 * @param config the same, resolved
 * @param facts what ran, and how it ended
 * @param history its metrics so far
 */
public record StoredRun(
    Path directory, String configuration, RunConfig config, RunFacts facts, MetricHistory history) {

  /** Whether a folder holds a run: one that was at least begun. */
  public static boolean isRun(Path directory) {
    return Files.isRegularFile(new PolicySource(directory).configurationFile());
  }

  /**
   * Reads a run.
   *
   * @throws InputException when the folder holds no run, or one of its files is unsound
   */
  public static StoredRun read(Path directory) {
    PolicySource source = new PolicySource(directory);
    if (!isRun(directory)) {
      throw new InputException(
          "%s holds no run, expected a folder with a config.yaml".formatted(directory));
    }
    Path facts = directory.resolve("run.json");
    if (!Files.exists(facts)) {
      throw new InputException(
          "%s has no run.json: the run ended before its first iteration; train it again"
              .formatted(directory));
    }
    try {
      return new StoredRun(
          directory,
          Files.readString(source.configurationFile()),
          source.configuration(),
          RunFacts.read(facts),
          MetricHistory.read(directory.resolve("metrics.jsonl")));
    } catch (IOException e) {
      throw new EnvironmentException("cannot read %s: %s".formatted(directory, e.getMessage()), e);
    }
  }

  /** The directory's own name. */
  public String name() {
    return String.valueOf(directory.toAbsolutePath().normalize().getFileName());
  }

  /** The policy's file; it exists once the run has ended. */
  public Path policyFile() {
    return directory.resolve("policy.safetensors");
  }

  /** Whether the run has written its policy. */
  public boolean hasPolicy() {
    return Files.exists(policyFile());
  }

  /**
   * Maps the policy.
   *
   * @throws InputException when there is none yet or its file is unsound
   */
  public StoredPolicy openPolicy() {
    return StoredPolicy.open(new PolicySource(directory).policyFile());
  }
}
