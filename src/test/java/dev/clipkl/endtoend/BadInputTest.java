package dev.clipkl.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.cli.CommandLineProbe;
import dev.clipkl.table.SafetensorsWriter;
import dev.clipkl.table.SafetensorsWriter.Declaration;
import dev.clipkl.table.TensorType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Inputs that cannot be used: one line, the right exit code, and no file touched. */
class BadInputTest {
  private static final int BAD_INPUT = 2;
  private static final int ENVIRONMENT = 3;

  /** Tokens of r50k_base. */
  private static final int R50K = 50_257;

  private static final double[] UNIFORM = {Math.log(0.25), Math.log(0.25), Math.log(0.5)};
  private static final double[] REWARDS = {0.0, 0.5, 1.0};

  @TempDir Path folder;

  /** A way to write wrong inputs; returns the arguments behind {@code train}. */
  interface Inputs {
    List<String> prepare(BadInputTest test) throws IOException;
  }

  /** An input and what is said about it. */
  record Case(String name, int exitCode, Inputs inputs, String... said) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Case refused(String name, Inputs inputs, String... said) {
    return new Case(name, BAD_INPUT, inputs, said);
  }

  static Stream<Case> cases() {
    return Stream.of(
        refused(
            "unknown key",
            test -> test.importing(test.good(), "objective: {lamda: 0.1}"),
            "run.yaml line 2",
            "lamda",
            "lambda"),
        refused(
            "unknown key by --set",
            test -> test.importing(test.good(), "", "--set", "optimizer.tolerence=1"),
            "--set",
            "tolerence",
            "optimizer.tolerance"),
        refused(
            "wrong type",
            test -> test.importing(test.good(), "objective: {lambda: high}"),
            "objective.lambda must be a number > 0, got high"),
        refused(
            "configuration that does not exist",
            test -> List.of(test.path("none.yaml")),
            "none.yaml",
            "no such configuration file"),
        refused(
            "import that does not exist",
            test -> test.importing(test.folder.resolve("none.safetensors"), ""),
            "none.safetensors",
            "no such file"),
        refused("import that is a folder", test -> test.importing(test.folder, ""), "got a folder"),
        refused(
            "run to resume that does not exist",
            test -> List.of("--resume", test.path("none")),
            "none holds no run"),
        refused(
            "NaN reward",
            test -> test.importing(test.bandit(UNIFORM, new double[] {0.0, Double.NaN, 1.0}), ""),
            "rewards[0, 1] is NaN",
            "finite"),
        refused(
            "infinite reward",
            test -> test.importing(test.bandit(UNIFORM, new double[] {0.0, 1e300, 1.0}), ""),
            "rewards[0, 1] is 1.0E300",
            "finite"),
        refused(
            "zero reference probability",
            test ->
                test.importing(
                    test.bandit(
                        new double[] {Math.log(0.5), Math.log(0.5), Double.NEGATIVE_INFINITY},
                        REWARDS),
                    ""),
            "reference_log_probs[0, 2]",
            "zero reference probability"),
        refused(
            "reference that is not normalised",
            test -> test.importing(test.bandit(new double[] {-1.0, -1.0, -4.0}, REWARDS), ""),
            "reference_log_probs row 0 sum to 0.7541, expected 1"),
        refused(
            "truncated safetensors",
            test -> {
              byte[] bytes = Files.readAllBytes(test.good());
              return test.importing(test.file(Arrays.copyOf(bytes, bytes.length - 4)), "");
            },
            "bad.safetensors",
            "data_offsets"),
        refused(
            "safetensors of 5 bytes",
            test -> test.importing(test.file(new byte[5]), ""),
            "at least 8 bytes",
            "got 5"),
        refused(
            "header longer than its file",
            test -> test.importing(test.raw(1_000_000, "{}"), ""),
            "header length",
            "got 1000000"),
        refused(
            "header of negative length",
            test -> test.importing(test.raw(-1, "{}"), ""),
            "header length",
            "got 18446744073709551615"),
        refused(
            "header shorter than its text",
            test -> test.importing(test.raw(1, "{}"), ""),
            "header",
            "JSON"),
        refused(
            "ragged tensor",
            test ->
                test.importing(
                    test.raw("{'rewards':{'dtype':'F32','shape':[2,3],'data_offsets':[0,20]}}", 20),
                    ""),
            "rewards",
            "expected 24 bytes",
            "20 bytes"),
        refused(
            "rewards with another number of actions",
            test -> test.importing(test.bandit(UNIFORM, new double[] {0.0, 1.0}), ""),
            "rewards",
            "expected 3 columns, got 2"),
        refused(
            "rewards with another number of states",
            test -> test.importing(test.bandit(1, UNIFORM, 2, new double[6], Map.of()), ""),
            "rewards has 2 rows, expected one per prompt: 1"),
        refused(
            "import without rewards",
            test ->
                test.importing(test.write("bad", Map.of("reference_log_probs", UNIFORM), 1), ""),
            "no tensor named rewards",
            "reference_log_probs"),
        refused(
            "start with another number of states",
            test ->
                test.importing(
                    test.bandit(1, UNIFORM, 1, REWARDS, Map.of("start", new double[] {1, 1})), ""),
            "start",
            "[1]",
            "[2]"),
        refused(
            "vocabulary larger than the tokenizer's",
            test -> test.prompting("{\"prompt\": \"Hello\"}", R50K + 1),
            "reference_log_probs",
            "larger than the tokenizer's",
            "50258 columns, r50k_base has 50257"),
        refused("no prompts", test -> test.prompting("", R50K), "prompts.jsonl"),
        refused(
            "empty prompt",
            test -> test.prompting("{\"prompt\": \"\"}", R50K),
            "prompts.jsonl",
            "1",
            "empty"),
        refused(
            "prompts that do not match the reference's rows",
            test -> test.prompting("{\"prompt\": \"a\"}\n{\"prompt\": \"b\"}", R50K),
            "has 1 rows, expected one per prompt: 2"),
        refused(
            "run directory below a file",
            test -> test.importing(test.good(), "", "--out", test.path("taken.txt/run")),
            "run.out",
            "taken.txt is a file, expected a folder"),
        refused(
            "run directory that is a file",
            test -> test.importing(test.good(), "", "--out", test.path("taken.txt")),
            "run.out",
            "taken.txt is a file, expected a folder"),
        refused(
            "run directory where none can be made",
            test -> test.importing(test.good(), "", "--out", "/proc/clipkl/run"),
            "run.out",
            "/proc/clipkl"),
        refused(
            "run directory that holds something else",
            test -> test.importing(test.good(), "", "--out", test.path("full")),
            "run.out",
            "full must be new or empty; choose another with --out"),
        refused(
            "run directory that holds a run",
            test -> test.importing(test.good(), "", "--out", test.path("earlier")),
            "earlier already holds a run",
            "--resume"),
        new Case(
            "rows in work that do not fit",
            ENVIRONMENT,
            test -> {
              Path bandit = test.folder.resolve("large.safetensors");
              BanditFile.write(bandit, 50, 20_000, TensorType.F32, 1);
              return test.importing(bandit, "", "--set", "run.memory=1MB");
            },
            "needs",
            "engine scratch",
            "table rows in work",
            "976.6 KiB are available (the given limit)",
            "fewer run.threads"),
        new Case(
            "engine that cannot run here",
            ENVIRONMENT,
            test -> test.importing(test.good(), "run: {engine: cuda}"),
            "the engine cuda cannot run here",
            "no NVIDIA driver",
            "set run.engine to auto"));
  }

  @BeforeEach
  void fillFolder() throws IOException {
    Files.writeString(folder.resolve("taken.txt"), "precious");
    Files.createDirectory(folder.resolve("full"));
    Files.writeString(folder.resolve("full/notes.txt"), "precious");
    CommandLineProbe.Outcome outcome =
        CommandLineProbe.run(
            words(importing(good(), "", "--out", path("earlier"))).toArray(String[]::new));
    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void isRefusedInOneLineAndNothingIsWritten(Case bad) throws IOException {
    List<String> arguments = words(bad.inputs().prepare(this));
    Map<String, String> before = RunFiles.content(folder);
    CommandLineProbe.Outcome outcome = CommandLineProbe.run(arguments);
    assertThat(outcome.err()).startsWith("clipkl: ").hasLineCount(1).contains(bad.said());
    assertThat(outcome.err()).doesNotContain("Exception", "\tat ", "internal error");
    assertThat(outcome.exitCode()).isEqualTo(bad.exitCode());
    assertThat(RunFiles.content(folder)).isEqualTo(before);
  }

  private static List<String> words(List<String> arguments) {
    return Stream.concat(Stream.of("train"), arguments.stream()).toList();
  }

  private String path(String name) {
    return folder.resolve(name).toString();
  }

  /** A configuration of an import, and its command line; the default run directory is new. */
  private List<String> importing(Path bandit, String more, String... arguments) {
    return training("problem: {import: %s}\n%s\n".formatted(bandit, more), arguments);
  }

  private List<String> training(String yaml, String... arguments) {
    Path config = RunFiles.write(folder.resolve("run.yaml"), yaml);
    Stream<String> out =
        List.of(arguments).contains("--out") ? Stream.of() : Stream.of("--out", path("new"));
    return Stream.of(Stream.of(config.toString()), Stream.of(arguments), out)
        .flatMap(words -> words)
        .toList();
  }

  private List<String> prompting(String prompts, int vocabularySize) {
    double[] uniform = new double[vocabularySize];
    Arrays.fill(uniform, -Math.log(vocabularySize));
    return training(
        "problem: {prompts: %s, tokenizer: r50k_base, reference: %s, reward: %s}\n"
            .formatted(
                RunFiles.write(folder.resolve("prompts.jsonl"), prompts),
                write("reference", Map.of("reference_log_probs", uniform), 1),
                write("reward", Map.of("rewards", new double[R50K]), 1)));
  }

  private Path good() {
    return bandit(UNIFORM, REWARDS);
  }

  private Path bandit(double[] reference, double[] rewards) {
    return bandit(1, reference, 1, rewards, Map.of());
  }

  /** Reference and rewards of these many rows, and further vectors. */
  private Path bandit(
      int states,
      double[] reference,
      int rewardRows,
      double[] rewards,
      Map<String, double[]> vectors) {
    Path path = folder.resolve("bandit.safetensors");
    List<Declaration> tensors =
        Stream.concat(
                Stream.of(
                    new Declaration(
                        "reference_log_probs",
                        TensorType.F64,
                        states,
                        (long) reference.length / states),
                    new Declaration(
                        "rewards", TensorType.F64, rewardRows, (long) rewards.length / rewardRows)),
                vectors.entrySet().stream()
                    .map(vector ->
                        new Declaration(vector.getKey(), TensorType.F64, vector.getValue().length)))
            .toList();
    try (SafetensorsWriter writer = SafetensorsWriter.open(path, Map.of(), tensors)) {
      writer.writeDoubles(reference, reference.length);
      writer.writeDoubles(rewards, rewards.length);
      vectors.values().forEach(vector -> writer.writeDoubles(vector, vector.length));
      writer.commit();
    }
    return path;
  }

  private Path write(String name, Map<String, double[]> tensors, int rows) {
    Path path = folder.resolve(name + ".safetensors");
    List<Declaration> declarations =
        tensors.entrySet().stream()
            .map(tensor ->
                new Declaration(
                    tensor.getKey(), TensorType.F64, rows, (long) tensor.getValue().length / rows))
            .toList();
    try (SafetensorsWriter writer = SafetensorsWriter.open(path, Map.of(), declarations)) {
      tensors.values().forEach(values -> writer.writeDoubles(values, values.length));
      writer.commit();
    }
    return path;
  }

  private Path file(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("bad.safetensors"), bytes);
  }

  /** A header, said to be this long, and no data. */
  private Path raw(long headerBytes, String header) throws IOException {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    return file(
        ByteBuffer.allocate(Long.BYTES + text.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(headerBytes)
            .put(text)
            .array());
  }

  /** A header with single quotes for double ones, and so many bytes of data. */
  private Path raw(String header, int dataBytes) throws IOException {
    byte[] text = header.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    return file(
        ByteBuffer.allocate(Long.BYTES + text.length + dataBytes)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(text.length)
            .put(text)
            .array());
  }
}
