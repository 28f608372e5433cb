package dev.clipkl.endtoend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.clipkl.cli.CommandLineProbe;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.table.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A comparison that is killed at any moment and resumed ends with the same tables. */
class KilledComparisonTest {
  private static final int KILLS = 6;
  private static final long SEED = 140;

  @TempDir static Path folder;

  private static Path config;
  private static List<String> undisturbed;
  private static JsonNode undisturbedComparison;
  private static long undisturbedNanos;

  @BeforeAll
  static void compareUndisturbed() throws Exception {
    BanditFile.write(folder.resolve("bandit.safetensors"), 6, 5_000, TensorType.F32, SEED);
    config =
        RunFiles.write(
            folder.resolve("compared.yaml"),
            """
            problem: {import: %s}
            optimizer: {step-rule: safe, step-size: 0.1, outer-iterations: 100, tolerance: 0}
            run: {threads: 2, checkpoint-every: 0s}
            compare:
              divergences: [forward-kl, reverse-kl]
              frontier-lambdas: [0.2]
              parallel: 2
              sweep: {objective.lambda: [0.3, 0.4], objective.divergence: [js, hellinger2]}
            """
                .formatted(folder.resolve("bandit.safetensors")));
    Path out = folder.resolve("undisturbed");
    long start = System.nanoTime();
    try (ClipklProcess process =
        start(out, "compare", config.toString(), "--out", out.toString())) {
      assertThat(process.waitFor()).as(process.output()).isZero();
    }
    undisturbedNanos = System.nanoTime() - start;
    undisturbed = rows(out);
    undisturbedComparison = timeless(out);
    // Two divergences at one lambda, reverse KL at two budgets, four of the sweep.
    assertThat(undisturbed).hasSize(1 + 8);
    assertThat(undisturbed.getFirst()).endsWith(",seconds");
  }

  @Test
  void killsChangeNothingButSeconds() throws Exception {
    Random random = new Random(SEED);
    Path out = folder.resolve("killed");
    int kills = 0;
    int resumed = 0;
    boolean ended = false;
    while (!ended) {
      try (ClipklProcess process = startOrResume(out)) {
        boolean hasKilled =
            kills < KILLS
                && (kills % 2 == 0
                    ? killAfterCheckpoint(process, out)
                    : killAtRandom(process, random));
        if (hasKilled) {
          kills++;
        } else {
          assertThat(process.waitFor())
              .as("seed %d, %d kills: %s", SEED, kills, process.output())
              .isZero();
          ended = true;
        }
        resumed += process.output().contains("resumed after outer iteration") ? 1 : 0;
      }
    }
    assertThat(kills).isPositive();
    assertThat(resumed).as("sessions that resumed a run").isPositive();
    assertIsUndisturbed(out);
  }

  @Test
  void signalLeavesCheckpointsToContinueFrom() throws Exception {
    assumeTrue(!isInterruptIgnored(), "SIGINT is ignored by whoever started this JVM");
    Path out = folder.resolve("interrupted");
    try (ClipklProcess process =
        start(out, "compare", config.toString(), "--out", out.toString())) {
      awaitCheckpoint(process, out);
      process.signal("INT");
      assertThat(process.waitFor()).as(process.output()).isEqualTo(130);
      assertThat(process.output()).contains("continue it with: clipkl compare --resume " + out);
    }
    assertThat(out.resolve("results.csv")).doesNotExist();
    CommandLineProbe.Outcome outcome = CommandLineProbe.run("compare", "--resume", out.toString());
    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    assertThat(outcome.out()).contains("resumed after outer iteration");
    assertIsUndisturbed(out);
  }

  private static ClipklProcess startOrResume(Path out) {
    return Files.exists(out.resolve("compare.yaml"))
        ? start(out, "compare", "--resume", out.toString())
        : start(out, "compare", config.toString(), "--out", out.toString());
  }

  /** At any moment of an undisturbed comparison; false when this one ended first. */
  private static boolean killAtRandom(ClipklProcess process, Random random) throws Exception {
    long end = System.nanoTime() + random.nextLong(undisturbedNanos);
    while (process.isAlive() && System.nanoTime() < end) {
      Thread.sleep(1);
    }
    process.signal("KILL");
    return process.waitFor() == 137;
  }

  /** In the middle of a run, so that the next session has one to resume. */
  private static boolean killAfterCheckpoint(ClipklProcess process, Path out) throws Exception {
    awaitCheckpoint(process, out);
    process.signal("KILL");
    return process.waitFor() == 137;
  }

  /** One that this process has written. */
  private static void awaitCheckpoint(ClipklProcess process, Path out) throws Exception {
    FileTime begin = FileTime.from(Instant.now());
    while (process.isAlive() && !hasCheckpoint(out, begin)) {
      Thread.sleep(1);
    }
  }

  private static boolean hasCheckpoint(Path out, FileTime begin) throws IOException {
    Path runs = out.resolve("runs");
    if (!Files.isDirectory(runs)) {
      return false;
    }
    try (Stream<Path> all = Files.list(runs)) {
      return all.map(run -> run.resolve("checkpoint/state.safetensors"))
          .anyMatch(file -> isSince(file, begin));
    }
  }

  private static boolean isSince(Path file, FileTime begin) {
    try {
      return Files.getLastModifiedTime(file).compareTo(begin) > 0;
    } catch (IOException e) {
      // A run that ends deletes its checkpoint.
      return false;
    }
  }

  private static void assertIsUndisturbed(Path out) throws IOException {
    List<String> rows = rows(out);
    assertThat(rows.stream().map(KilledComparisonTest::withoutSeconds))
        .containsExactlyElementsOf(
            undisturbed.stream().map(KilledComparisonTest::withoutSeconds).toList());
    assertThat(timeless(out)).isEqualTo(undisturbedComparison);
  }

  private static String withoutSeconds(String row) {
    return row.substring(0, row.lastIndexOf(','));
  }

  private static List<String> rows(Path out) throws IOException {
    return new ArrayList<>(Files.readAllLines(out.resolve("results.csv")));
  }

  /** The document without what tells the time. */
  private static JsonNode timeless(Path out) {
    JsonNode comparison = RunFiles.json(out.resolve("comparison.json"));
    for (JsonNode match : comparison.path("matches")) {
      for (JsonNode policy : match.path("policies")) {
        ((ObjectNode) policy.path("metrics"))
            .remove(List.of(MetricNames.SECONDS, MetricNames.ENTRIES_PER_SECOND));
      }
    }
    ((ObjectNode) comparison).remove("name");
    return comparison;
  }

  private static boolean isInterruptIgnored() throws IOException {
    Path status = Path.of("/proc/self/status");
    return Files.exists(status)
        && Files.readAllLines(status).stream()
            .filter(line -> line.startsWith("SigIgn:"))
            .anyMatch(line -> (Long.parseUnsignedLong(line.substring(7).strip(), 16) & 2) != 0);
  }

  private static ClipklProcess start(Path out, String... arguments) {
    return ClipklProcess.start(out.resolveSibling(out.getFileName() + ".out"), arguments);
  }
}
