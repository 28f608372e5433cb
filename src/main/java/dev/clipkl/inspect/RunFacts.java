package dev.clipkl.inspect;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * {@code run.json}: what ran where, and how it ended.
 *
 * @param clipkl the program's version
 * @param java the JVM
 * @param system operating system and processor
 * @param engine what executed the run
 * @param engineReason why
 * @param optimizer the direction of its steps
 * @param problemFingerprint the problem's checksum
 * @param problem what was optimized over, in lines
 * @param states rows of the policy
 * @param actions columns of the policy
 * @param sessionStarted when the last process began that worked on it
 * @param status {@code running}, {@code interrupted} or {@code finished}
 * @param stopReason why it ended; null while it has not
 * @param outerIterations how many are done; null while it runs
 * @param trainingSeconds of all sessions; null while it runs
 * @param phaseSeconds where the last session's time went; empty while it runs
 * @param warnings what a user should know
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record RunFacts(
    String clipkl,
    String java,
    String system,
    String engine,
    String engineReason,
    String optimizer,
    String problemFingerprint,
    List<String> problem,
    long states,
    int actions,
    String sessionStarted,
    String status,
    @Nullable String stopReason,
    @Nullable Integer outerIterations,
    @Nullable Double trainingSeconds,
    Map<String, Double> phaseSeconds,
    List<String> warnings) {
  private static final JsonMapper JSON =
      JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

  // A run that has not ended has no phases and no warnings yet.
  public RunFacts {
    problem = Objects.requireNonNullElse(problem, List.of());
    phaseSeconds = Objects.requireNonNullElse(phaseSeconds, Map.of());
    warnings = Objects.requireNonNullElse(warnings, List.of());
  }

  /**
   * Reads the file.
   *
   * @throws InputException when it is no such document
   */
  static RunFacts read(Path file) {
    try {
      RunFacts facts = JSON.readValue(file.toFile(), RunFacts.class);
      if (facts != null && facts.status() != null && facts.problemFingerprint() != null) {
        return facts;
      }
    } catch (JsonProcessingException e) {
      throw new InputException(
          "%s: not what a run writes: %s".formatted(file, e.getOriginalMessage()), e);
    } catch (IOException e) {
      throw new EnvironmentException("cannot read %s: %s".formatted(file, e.getMessage()), e);
    }
    throw new InputException(
        "%s: not what a run writes: expected status and problem_fingerprint".formatted(file));
  }

  /** Whether all its outer iterations are done. */
  public boolean isFinished() {
    return status.equals("finished");
  }
}
