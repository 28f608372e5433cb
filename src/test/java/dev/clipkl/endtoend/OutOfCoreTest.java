package dev.clipkl.endtoend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.clipkl.cli.CommandLineProbe;
import dev.clipkl.table.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tables that are three times {@code run.memory} train from the disk, with the bits of memory. */
class OutOfCoreTest {
  private static final int STATES = 200;
  private static final int ACTIONS = 20_011;

  /** Policy, reference and rewards. */
  private static final long TABLE_BYTES = 3L * STATES * ACTIONS * Float.BYTES;

  private static final String MEMORY = "run.memory=16MB";

  @TempDir static Path folder;

  private static Path config;
  private static Path inMemory;

  @BeforeAll
  static void trainInMemory() {
    config = configuration("f32", TensorType.F32);
    inMemory = train(config, "in-memory");
    assertThat(TABLE_BYTES).isGreaterThan(3 * 16_000_000);
  }

  private static Path configuration(String name, TensorType type) {
    Path bandit = folder.resolve(name + ".safetensors");
    BanditFile.write(bandit, STATES, ACTIONS, type, 77);
    return RunFiles.write(
        folder.resolve(name + ".yaml"),
        """
        problem: {import: %s}
        objective: {divergence: forward-kl}
        optimizer: {inner-steps: 2, outer-iterations: 40, tolerance: 1e-4}
        run: {threads: 2}
        """
            .formatted(bandit));
  }

  private static Path train(Path configuration, String name, String... settings) {
    Path run = folder.resolve(name);
    String[] arguments = new String[4 + 2 * settings.length];
    arguments[0] = "train";
    arguments[1] = configuration.toString();
    arguments[2] = "--out";
    arguments[3] = run.toString();
    for (int i = 0; i < settings.length; i++) {
      arguments[4 + 2 * i] = "--set";
      arguments[5 + 2 * i] = settings[i];
    }
    CommandLineProbe.Outcome outcome = CommandLineProbe.run(arguments);
    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    boolean onDisk = List.of(settings).contains(MEMORY);
    assertThat(outcome.out()).contains(onDisk ? "tables: on the disk" : "tables: in memory");
    return run;
  }

  private static void assertSameRun(Path run, Path expected) {
    assertThat(RunFiles.timelessMetrics(run)).isEqualTo(RunFiles.timelessMetrics(expected));
    assertThat(policy(run)).isEqualTo(policy(expected));
  }

  private static String policy(Path run) {
    return RunFiles.sha256(run.resolve("policy.safetensors"));
  }

  @Test
  void policyAndMetricsAreThoseOfARunInMemory() {
    Path run = train(config, "on-disk", MEMORY);
    assertSameRun(run, inMemory);
    assertThat(names(run)).isEqualTo(names(inMemory));
  }

  /** Of a run's files; that of an event file tells when it was begun. */
  private static List<String> names(Path run) {
    return RunFiles.content(run).keySet().stream()
        .map(name -> name.replaceFirst("(tfevents)\\.\\d+", "$1"))
        .toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"nesterov", "adam"})
  void momentsOnTheDiskKeepTheirBits(String optimizer) {
    List<String> settings = List.of("optimizer.kind=" + optimizer, "optimizer.outer-iterations=6");
    Path run = train(config, optimizer + "-disk", settings.get(0), settings.get(1), MEMORY);
    assertSameRun(run, train(config, optimizer, settings.get(0), settings.get(1)));
  }

  /** What a file holds in 16 bits is the same problem whether it is widened, kept or mapped. */
  @Test
  void brainFloatsAreTheSameProblemInEveryStorage() {
    Path bf16 = configuration("bf16", TensorType.BF16);
    Path widened = train(bf16, "bf16-widened");
    assertSameRun(train(bf16, "bf16-kept", "problem.storage=bf16"), widened);
    assertSameRun(train(bf16, "bf16-mapped", MEMORY), widened);
    assertSameRun(train(bf16, "bf16-kept-mapped", "problem.storage=bf16", MEMORY), widened);
  }

  /** A rounded problem is another problem, wherever its tables lie. */
  @ParameterizedTest
  @ValueSource(strings = {"bf16", "f16"})
  void roundedTablesAreTheSameProblemInMemoryAndOnTheDisk(String storage) {
    Path rounded = train(config, storage + "-memory", "problem.storage=" + storage);
    assertSameRun(train(config, storage + "-disk", "problem.storage=" + storage, MEMORY), rounded);
    assertThat(fingerprint(rounded)).isNotEqualTo(fingerprint(inMemory));
    assertThat(fingerprint(rounded)).isNotEmpty();
  }

  private static String fingerprint(Path run) {
    return RunFiles.json(run.resolve("run.json")).path("problem_fingerprint").textValue();
  }

  @Test
  void certificateOfARunOnTheDiskReplaysItToTheBit() {
    Path bandit = folder.resolve("small.safetensors");
    BanditFile.write(bandit, 24, ACTIONS, TensorType.F32, 79);
    Path small =
        RunFiles.write(
            folder.resolve("small.yaml"),
            """
            problem: {import: %s}
            optimizer: {outer-iterations: 4, tolerance: 0}
            run: {threads: 2, memory: 6MB}
            """
                .formatted(bandit));
    Path run = folder.resolve("certified");
    CommandLineProbe.Outcome trained =
        CommandLineProbe.run("train", small.toString(), "--out", run.toString());
    assertThat(trained.exitCode()).as(trained.err()).isZero();
    for (String target : new String[] {run.toString(), small.toString()}) {
      CommandLineProbe.Outcome outcome = CommandLineProbe.run("certify", target);
      assertThat(outcome.exitCode()).as(outcome.err()).isZero();
      assertThat(outcome.out())
          .contains("tables: on the disk")
          .containsPattern("replay gives the stored policy +0 <= 0");
    }
  }

  @Test
  void killedRunOnTheDiskResumesToTheSameBits() throws Exception {
    Path run = folder.resolve("killed");
    try (ClipklProcess process =
        ClipklProcess.start(
            folder.resolve("killed.txt"),
            "train",
            config.toString(),
            "--out",
            run.toString(),
            "--set",
            MEMORY,
            "--set",
            "run.checkpoint-every=0s")) {
      Path checkpoint = run.resolve("checkpoint/state.safetensors");
      while (process.isAlive() && !Files.exists(checkpoint)) {
        Thread.sleep(5);
      }
      process.signal("KILL");
      process.waitFor();
    }
    assertThat(run.resolve("policy.safetensors")).as("killed before its end").doesNotExist();
    assertNoTableIsLeft();
    CommandLineProbe.Outcome resumed = CommandLineProbe.run("train", "--resume", run.toString());
    assertThat(resumed.exitCode()).as(resumed.err()).isZero();
    assertThat(resumed.out()).contains("tables: on the disk", "resumed after outer iteration");
    assertSameRun(run, inMemory);
  }

  private static void assertNoTableIsLeft() {
    assertThat(RunFiles.content(folder).keySet()).noneMatch(name -> name.contains(".clipkl-table"));
  }

  /**
   * The process's whole memory at its highest, mapped files included. The JVM with its heap takes
   * up to 200 MB; the tables of this run would take 192 MB and more on top.
   */
  @Test
  void residentMemoryStaysUnderTheBudgetAndTheJvm() throws Exception {
    assumeTrue(
        System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("linux"),
        "only Linux tells a process's peak, and is told what to drop");
    Path large = folder.resolve("large.safetensors");
    BanditFile.write(large, 4 * STATES, ACTIONS, TensorType.F32, 78);
    Path yaml =
        RunFiles.write(
            folder.resolve("large.yaml"),
            """
            problem: {import: %s}
            optimizer: {step-rule: fixed, step-size: 0.01, inner-steps: 1, outer-iterations: 4000, tolerance: 0}
            run: {threads: 2}
            """
                .formatted(large));
    long onDisk = peakKibibytes(yaml, "64MB");
    long inMemoryPeak = peakKibibytes(yaml, "1GB");
    assertThat(onDisk * 1024).isLessThan(64_000_000 + 200_000_000);
    assertThat(inMemoryPeak * 1024)
        .isBetween(4 * TABLE_BYTES, 4 * TABLE_BYTES * 115 / 100 + 200_000_000);
  }

  private static long peakKibibytes(Path yaml, String memory) throws Exception {
    Path run = folder.resolve("peak-" + memory);
    try (ClipklProcess process =
        ClipklProcess.start(
            folder.resolve("peak.txt"),
            "train",
            yaml.toString(),
            "--out",
            run.toString(),
            "--set",
            "run.memory=" + memory)) {
      // Once there are metrics, every table has been made, filled, solved and trained on.
      Path metrics = run.resolve("metrics.jsonl");
      while (process.isAlive() && (!Files.exists(metrics) || Files.size(metrics) < 4096)) {
        Thread.sleep(20);
      }
      return highWaterMark(process);
    }
  }

  private static long highWaterMark(ClipklProcess process) throws IOException {
    return Files.readAllLines(Path.of("/proc", Long.toString(process.pid()), "status")).stream()
        .filter(line -> line.startsWith("VmHWM:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("ended: " + process.output()));
  }
}
