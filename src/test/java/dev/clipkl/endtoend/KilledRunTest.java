package dev.clipkl.endtoend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.cli.CommandLineProbe;
import dev.clipkl.table.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A run that is stopped, however, and continued ends with the bits of one that is not. */
class KilledRunTest {
  private static final int STATES = 8;
  private static final int ACTIONS = 20_000;
  private static final int OUTER_ITERATIONS = 320;
  private static final int KILLS_PER_RUN = 10;
  private static final long SEED = 130;

  /** SIGINT's bit in /proc/self/status. */
  private static final long SIGINT_BIT = 1L << 1;

  @TempDir static Path folder;

  private static Path config;
  private static String undisturbedPolicy;
  private static List<JsonNode> undisturbedMetrics;

  @BeforeAll
  static void trainUndisturbed() throws InterruptedException {
    BanditFile.write(folder.resolve("bandit.safetensors"), STATES, ACTIONS, TensorType.F32, SEED);
    config =
        RunFiles.write(
            folder.resolve("run.yaml"),
            """
            problem: {import: %s}
            optimizer: {step-rule: fixed, step-size: 0.01, tolerance: 0, outer-iterations: %d}
            run: {threads: 1, csv: true}
            """
                .formatted(folder.resolve("bandit.safetensors"), OUTER_ITERATIONS));
    Path run = folder.resolve("undisturbed");
    try (ClipklProcess process = start(run, "train", config.toString(), "--out", run.toString())) {
      assertThat(process.waitFor()).as(process.output()).isZero();
    }
    undisturbedPolicy = policy(run);
    undisturbedMetrics = RunFiles.timelessMetrics(run);
    assertThat(undisturbedMetrics)
        .extracting(line -> line.path("outer_iteration").intValue())
        .containsExactlyElementsOf(IntStream.rangeClosed(0, OUTER_ITERATIONS).boxed().toList());
  }

  @Test
  void twentyKillsChangeNoBitOfPolicyAndMetrics() throws Exception {
    try (ExecutorService both = Executors.newFixedThreadPool(2)) {
      List<Future<Integer>> runs =
          both.invokeAll(List.of(killedRuns("0s", SEED + 1), killedRuns("100ms", SEED + 2)));
      int resumed = 0;
      for (Future<Integer> run : runs) {
        resumed += run.get();
      }
      // Enough kills have to meet a run that has something to lose.
      assertThat(resumed).as("starts from a checkpoint").isGreaterThanOrEqualTo(KILLS_PER_RUN / 2);
    }
  }

  @Test
  void twoThreadsComputeTheBitsOfOne() {
    Path run = folder.resolve("two-threads");
    CommandLineProbe.Outcome outcome =
        CommandLineProbe.run(
            "train", config.toString(), "--out", run.toString(), "--set", "run.threads=2");
    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    assertIsUndisturbed(run);
  }

  @ParameterizedTest
  @ValueSource(strings = {"INT", "TERM"})
  void signalLeavesACheckpointToContinueFrom(String signal) throws Exception {
    assumeTrue(
        !signal.equals("INT") || !isInterruptIgnored(),
        "SIGINT is ignored by whoever started this JVM, and so by its children");
    Path run = folder.resolve("signal-" + signal);
    try (ClipklProcess process = start(run, "train", config.toString(), "--out", run.toString())) {
      awaitMetrics(process, run);
      process.signal(signal);
      assertThat(process.waitFor()).as(process.output()).isEqualTo(130);
      assertThat(process.output()).contains("clipkl train --resume " + run);
    }
    assertThat(checkpoint(run)).exists();
    assertThat(run.resolve("policy.safetensors")).doesNotExist();
    assertThat(RunFiles.json(run.resolve("run.json")).path("status").textValue())
        .isEqualTo("interrupted");
    CommandLineProbe.Outcome outcome = CommandLineProbe.run("train", "--resume", run.toString());
    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    assertThat(outcome.out()).contains("resumed after outer iteration");
    assertIsUndisturbed(run);
  }

  @Test
  void secondProcessOnARunningRunIsRefused() throws Exception {
    Path run = folder.resolve("in-use");
    try (ClipklProcess process = start(run, "train", config.toString(), "--out", run.toString())) {
      awaitMetrics(process, run);
      CommandLineProbe.Outcome resumed = CommandLineProbe.run("train", "--resume", run.toString());
      CommandLineProbe.Outcome started =
          CommandLineProbe.run("train", config.toString(), "--out", run.toString());
      assertThat(process.isAlive()).as(process.output()).isTrue();
      assertThat(resumed.exitCode()).isEqualTo(2);
      assertThat(resumed.err())
          .startsWith("clipkl: ")
          .contains(run.toString(), "in use by process " + process.pid())
          .hasLineCount(1);
      assertThat(started.exitCode()).isEqualTo(2);
      assertThat(started.err()).contains(run.toString(), "already holds a run").hasLineCount(1);
      assertThat(process.waitFor()).as(process.output()).isZero();
    }
    assertIsUndisturbed(run);
  }

  /** Kills runs until there have been enough kills, then lets the last one end. */
  private static Callable<Integer> killedRuns(String checkpointEvery, long seed) {
    return () -> {
      Random random = new Random(seed);
      int kills = 0;
      int resumed = 0;
      for (int number = 0; kills < KILLS_PER_RUN; number++) {
        Path run = folder.resolve("killed-%s-%d".formatted(checkpointEvery, number));
        boolean ended = false;
        while (!ended) {
          try (ClipklProcess process = startOrResume(run, checkpointEvery)) {
            if (kills < KILLS_PER_RUN && killAtRandom(process, run, random, kills % 2 == 0)) {
              kills++;
            } else {
              assertThat(process.waitFor())
                  .as("seed %d, %d kills: %s", seed, kills, process.output())
                  .isZero();
              ended = true;
            }
            resumed += process.output().contains("resumed after outer iteration") ? 1 : 0;
          }
        }
        assertIsUndisturbed(run);
        assertThat(run.resolve("checkpoint")).doesNotExist();
      }
      return resumed;
    };
  }

  private static ClipklProcess startOrResume(Path run, String checkpointEvery) {
    return Files.exists(run.resolve("config.yaml"))
        ? start(run, "train", "--resume", run.toString())
        : start(
            run,
            "train",
            config.toString(),
            "--out",
            run.toString(),
            "--set",
            "run.checkpoint-every=" + checkpointEvery);
  }

  /** False when the run ended first. */
  private static boolean killAtRandom(
      ClipklProcess process, Path run, Random random, boolean afterCheckpoint) throws Exception {
    FileTime before = modified(checkpoint(run));
    while (afterCheckpoint && process.isAlive() && modified(checkpoint(run)).equals(before)) {
      Thread.sleep(1);
    }
    long delay = random.nextLong(afterCheckpoint ? 100 : 800);
    for (long end = System.nanoTime() + delay * 1_000_000; System.nanoTime() < end; ) {
      Thread.sleep(1);
    }
    process.signal("KILL");
    return process.waitFor() == 137;
  }

  private static FileTime modified(Path file) {
    try {
      return Files.getLastModifiedTime(file);
    } catch (IOException e) {
      return FileTime.fromMillis(0);
    }
  }

  private static void awaitMetrics(ClipklProcess process, Path run) throws Exception {
    Path metrics = run.resolve("metrics.jsonl");
    while (process.isAlive() && !(Files.exists(metrics) && Files.size(metrics) > 50_000)) {
      Thread.sleep(2);
    }
    assertThat(process.isAlive()).as(process.output()).isTrue();
  }

  private static void assertIsUndisturbed(Path run) {
    assertThat(policy(run)).as("policy of %s, seed %d", run, SEED).isEqualTo(undisturbedPolicy);
    assertThat(RunFiles.timelessMetrics(run)).isEqualTo(undisturbedMetrics);
    MetricCopies.assertEventFileIsTheLines(run);
    MetricCopies.assertTableIsTheLines(run);
    assertThat(RunFiles.json(run.resolve("run.json")).path("status").textValue())
        .isEqualTo("finished");
  }

  private static boolean isInterruptIgnored() throws IOException {
    Path status = Path.of("/proc/self/status");
    return Files.exists(status)
        && Files.readAllLines(status).stream()
            .filter(line -> line.startsWith("SigIgn:"))
            .anyMatch(
                line -> (Long.parseUnsignedLong(line.substring(7).strip(), 16) & SIGINT_BIT) != 0);
  }

  private static ClipklProcess start(Path run, String... arguments) {
    return ClipklProcess.start(run.resolveSibling(run.getFileName() + ".out"), arguments);
  }

  private static Path checkpoint(Path run) {
    return run.resolve("checkpoint").resolve("state.safetensors");
  }

  private static String policy(Path run) {
    return RunFiles.sha256(run.resolve("policy.safetensors"));
  }
}
