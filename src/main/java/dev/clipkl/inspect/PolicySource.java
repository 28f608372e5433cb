package dev.clipkl.inspect;

import dev.clipkl.config.RunConfig;
import dev.clipkl.failure.InputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A policy as a user names it: a finished run's directory, or the policy file itself.
 *
 * @param path as it was given
 */
public record PolicySource(Path path) {
  /** Whether it is a run's directory. */
  public boolean isRun() {
    return Files.isDirectory(path);
  }

  /**
   * Checks that it is a run.
   *
   * @throws InputException when it is a file
   */
  public void requireRun() {
    if (!isRun()) {
      throw new InputException("%s: expected a run's directory".formatted(path));
    }
  }

  /** The run's configuration file. */
  public Path configurationFile() {
    return path.resolve("config.yaml");
  }

  /**
   * The run's configuration.
   *
   * @throws InputException when it is unsound
   */
  public RunConfig configuration() {
    return RunConfig.read(configurationFile(), List.of());
  }

  /**
   * The file that holds the policy.
   *
   * @throws InputException when a directory holds no run, or one that hasn't ended
   */
  public Path policyFile() {
    if (!isRun()) {
      return path;
    }
    if (!Files.isRegularFile(configurationFile())) {
      throw new InputException(
          "%s holds no run, expected a folder with a config.yaml, or a policy file"
              .formatted(path));
    }
    Path policy = path.resolve("policy.safetensors");
    if (!Files.exists(policy)) {
      throw new InputException(
          "%s has no policy.safetensors yet: finish the run with clipkl train --resume %s"
              .formatted(path, path));
    }
    return policy;
  }
}
