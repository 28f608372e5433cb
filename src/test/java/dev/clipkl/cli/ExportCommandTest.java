package dev.clipkl.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.config.RunConfig;
import dev.clipkl.endtoend.BanditFile;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsFile;
import dev.clipkl.table.Tensor;
import dev.clipkl.table.TensorType;
import dev.clipkl.training.PolicyFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExportCommandTest {
  /** Row 0 overflows unless its maximum is taken out first; row 2 is uniform. */
  private static final double[][] LOGITS = {
    {1000, 1001, 999, 998, 997, 1002}, {0, 3, 1, 2, -1, -2}, {0, 0, 0, 0, 0, 0}
  };

  private static final String PROMPTS =
      """
      {"prompt": "He said, \\"so\\""}
      {"prompt": "two\\nlines"}
      {"prompt": " plain"}
      """;

  @TempDir private Path folder;
  private CommandLineFixture cli;
  private Path tensors;
  private Path csv;

  @BeforeEach
  void prepare() {
    cli = new CommandLineFixture(folder);
    tensors = cli.path("out.safetensors");
    csv = cli.path("out.csv");
  }

  private Path policy(Path path, RowTable.Precision precision) {
    try (Arena arena = Arena.ofConfined()) {
      RowTable table =
          RowTable.allocate(arena, precision, LOGITS.length, CommandLineFixture.VOCABULARY_SIZE);
      for (int row = 0; row < LOGITS.length; row++) {
        table.writeRow(row, LOGITS[row]);
      }
      RowProgram program =
          new RowProgram(
              new ReverseKl(),
              0.1,
              ClippedSurrogate.of(0.2),
              OptimizerKind.NATURAL,
              StepRuleKind.BACKTRACKING,
              1.0,
              4,
              1e-6);
      PolicyFile.write(path, table, program, 7, "fingerprint");
    }
    return path;
  }

  private Path policy() {
    return policy(cli.path("policy.safetensors"), RowTable.Precision.FLOAT32);
  }

  private Path run() throws IOException {
    Path prompts = cli.file("prompts.jsonl", PROMPTS);
    Path run = Files.createDirectory(cli.path("run"));
    RunConfig config =
        RunConfig.parse(
            "problem: {reference: r.safetensors, reward: w.safetensors}",
            "test",
            "test",
            List.of("problem.prompts=" + prompts, "problem.tokenizer=" + cli.tokenizer()));
    Files.writeString(run.resolve("config.yaml"), config.toYaml());
    policy(run.resolve("policy.safetensors"), RowTable.Precision.FLOAT32);
    return run;
  }

  private List<CSVRecord> records() throws IOException {
    CSVFormat format = CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).get();
    try (CSVParser parser = CSVParser.parse(csv, StandardCharsets.UTF_8, format)) {
      return parser.getRecords();
    }
  }

  @Test
  void tablesOfARunsProblemAreThoseItComputesWith() throws IOException {
    Path file = cli.path("bandit.safetensors");
    BanditFile bandit = BanditFile.write(file, 3, 6, TensorType.F32, 5);
    Path config =
        cli.file("table.yaml", "problem: {import: %s}\nrun: {engine: reference}\n".formatted(file));
    Path run = cli.path("table-run");
    assertThat(cli.run("train", config, "--out", run)).as(cli.err()).isZero();
    assertThat(cli.run("export", run, "--table", "rewards", "--rows", "0,2", "--out", tensors))
        .as(cli.err())
        .isZero();
    try (SafetensorsFile written = SafetensorsFile.open(tensors)) {
      double[] row = new double[6];
      Tensor rewards = written.tensor("rewards");
      assertThat(rewards.shape()).containsExactly(2, 6);
      rewards.readDoubles(6, row, 6);
      assertThat(row).containsExactly(bandit.rewards()[2]);
      double[] start = new double[2];
      written.tensor("start").readDoubles(0, start, 2);
      assertThat(start).containsOnly(1.0 / 3.0);
    }
    assertThat(
            cli.run("export", run, "--table", "reference", "--out", tensors, "--force", "--json"))
        .as(cli.err())
        .isZero();
    assertThat(cli.json().path("rows").intValue()).isEqualTo(3);
    try (SafetensorsFile written = SafetensorsFile.open(tensors)) {
      assertThat(written.metadata())
          .containsEntry("problem_fingerprint", cli.json().path("fingerprint").textValue());
      double[] row = new double[6];
      written.tensor("reference_log_probs").readDoubles(6, row, 6);
      for (int a = 0; a < 6; a++) {
        // Imported log-probabilities are normalised in float64 and stored in float32.
        assertThat(row[a]).isCloseTo(bandit.logReference()[1][a], within(1e-6));
      }
    }
    cli.refuses(
        file + ": expected a run's directory", "export", file, "--table", "rewards", "--out", tensors);
    assertThat(cli.run("export", run, "--table", "rewards", "--out", csv)).isEqualTo(2);
    assertThat(cli.err()).contains("--table goes with a .safetensors file and without --logits");
  }

  @Test
  void logProbabilitiesAreNormalised() throws IOException {
    assertThat(cli.run("export", policy(), "--out", tensors, "--rows", "2,0"))
        .as(cli.err())
        .isZero();
    try (SafetensorsFile file = SafetensorsFile.open(tensors)) {
      assertThat(file.metadata())
          .containsEntry("kind", "policy-rows")
          .containsEntry("divergence", "reverse-kl")
          .containsEntry("outer_iteration", "7")
          .doesNotContainKey("format");
      long[] rows = new long[2];
      file.tensor("rows").readLongs(0, rows, 2);
      assertThat(rows).containsExactly(2, 0);
      Tensor logProbs = file.tensor("log_probs");
      assertThat(logProbs.type()).isEqualTo(TensorType.F32);
      logProbs.requireShape(2, 6);
      float[] values = new float[12];
      logProbs.readFloats(0, values, 12);
      assertThat(values[3]).isEqualTo((float) -Math.log(6));
      double normalizer = 0;
      for (double logit : LOGITS[0]) {
        normalizer += Math.exp(logit - 1000);
      }
      for (int a = 0; a < 6; a++) {
        assertThat(values[6 + a]).isEqualTo((float) (LOGITS[0][a] - 1000 - Math.log(normalizer)));
      }
    }
    assertThat(cli.out()).contains("reverse-kl, lambda 0.1, 7 outer iterations", "2 of 6 columns");
  }

  @ParameterizedTest
  @CsvSource({"FLOAT32, F32", "FLOAT64, F64"})
  void logitsKeepTheirBits(RowTable.Precision precision, TensorType type) {
    Path policy = policy(cli.path("policy.safetensors"), precision);
    assertThat(cli.run("export", policy, "--out", tensors, "--logits")).as(cli.err()).isZero();
    try (SafetensorsFile before = SafetensorsFile.open(policy);
        SafetensorsFile after = SafetensorsFile.open(tensors)) {
      assertThat(after.tensor("logits").type()).isEqualTo(type);
      assertThat(after.tensor("logits").data().mismatch(before.tensor("logits").data()))
          .isEqualTo(-1);
    }
  }

  @Test
  void runDirectoryNamesPromptsAndTokensByItself() throws IOException {
    assertThat(cli.run("export", run(), "--out", csv, "--top", "2")).as(cli.err()).isZero();
    List<CSVRecord> records = records();
    assertThat(records).hasSize(6);
    assertThat(Files.readString(csv)).startsWith("row,prompt,rank,token_id,token,probability\n");
    CSVRecord first = records.getFirst();
    assertThat(first.toList().subList(0, 5))
        .containsExactly("0", "He said, \"so\"", "1", "5", "say,\"x\"");
    double normalizer = 0;
    for (double logit : LOGITS[0]) {
      normalizer += Math.exp(logit - 1002);
    }
    assertThat(Double.parseDouble(first.get("probability")))
        .isCloseTo(1 / normalizer, within(1e-15));
    assertThat(records.get(1).get("token")).isEqualTo("kind");
    assertThat(records.get(2).get("prompt")).isEqualTo("two\nlines");
    assertThat(records.get(4).get("prompt")).isEqualTo(" plain");
    assertThat(cli.out()).contains("3, each with its 2 most probable of 6 tokens");
  }

  @Test
  void equallyProbableTokensComeInTheOrderOfTheirIds() throws IOException {
    assertThat(cli.run("export", policy(), "--out", csv, "--rows", "2", "--top", "4"))
        .as(cli.err())
        .isZero();
    assertThat(records()).extracting(r -> r.get("token_id")).containsExactly("0", "1", "2", "3");
    assertThat(records()).extracting(r -> r.get("rank")).containsExactly("1", "2", "3", "4");
  }

  @Test
  void policyAloneLeavesPromptsAndTokensEmpty() throws IOException {
    assertThat(cli.run("export", policy(), "--out", csv, "--json")).as(cli.err()).isZero();
    assertThat(records()).hasSize(18);
    assertThat(records().getFirst().get("prompt")).isEmpty();
    assertThat(records().getFirst().get("token")).isEmpty();
    assertThat(cli.json().get("top").intValue()).isEqualTo(6);
    assertThat(cli.json().get("rows").intValue()).isEqualTo(3);
    assertThat(cli.json().at("/policy/lambda").textValue()).isEqualTo("0.1");
    assertThat(cli.json().get("bytes").longValue()).isEqualTo(Files.size(csv));
  }

  @Test
  void promptsAndTokenizerCanBeNamed() throws IOException {
    Path prompts = cli.file("prompts.jsonl", PROMPTS);
    assertThat(
            cli.run(
                "export",
                policy(),
                "--out",
                csv,
                "--rows",
                "1",
                "--prompts",
                prompts,
                "--tokenizer",
                cli.tokenizer()))
        .as(cli.err())
        .isZero();
    assertThat(records().getFirst().toList().subList(0, 5))
        .containsExactly("1", "two\nlines", "1", "1", "kind");
  }

  @Test
  void runWithoutAPolicyNamesTheWayToFinishIt() throws IOException {
    Path run = run();
    Files.delete(run.resolve("policy.safetensors"));
    cli.refuses(
        "%s has no policy.safetensors yet: finish the run with clipkl train --resume %s"
            .formatted(run, run),
        "export",
        run,
        "--out",
        csv);
    cli.refuses(
        "%s holds no run, expected a folder with a config.yaml, or a policy file".formatted(folder),
        "export",
        folder,
        "--out",
        csv);
    assertThat(csv).doesNotExist();
  }

  @Test
  void promptsThatTheRunNamesButThatAreGoneAreRefused() throws IOException {
    Path run = run();
    Path prompts = cli.path("prompts.jsonl");
    Files.delete(prompts);
    cli.refuses(
        "%s: problem.prompts %s is not there (relative paths begin at the working directory); say where it is with --prompts"
            .formatted(run.resolve("config.yaml"), prompts),
        "export",
        run,
        "--out",
        csv);
    assertThat(csv).doesNotExist();
  }

  @Test
  void promptsAndTokenizerOfAnotherSizeAreRefused() throws IOException {
    Path one = cli.file("one.jsonl", "{\"prompt\": \"a\"}\n");
    cli.refuses(
        "%s: expected as many prompts as the policy has rows, 3, got 1".formatted(one),
        "export",
        policy(),
        "--out",
        csv,
        "--prompts",
        one);
    cli.refuses(
        "tokenizer r50k_base: expected as many columns as the policy has, 6, got 50257",
        "export",
        policy(),
        "--out",
        csv,
        "--tokenizer",
        "r50k_base");
    assertThat(csv).doesNotExist();
  }

  @Test
  void fileThatIsNoPolicyIsRefused() throws IOException {
    Path other = cli.matrix("other.safetensors", "logits", new double[6], 1, Map.of());
    cli.refuses(
        "%s: not a policy: its metadata format must be clipkl-policy-1, got none".formatted(other),
        "export",
        other,
        "--out",
        csv);
  }

  @ParameterizedTest
  @CsvSource({"csv", "safetensors"})
  void logitThatIsNoNumberIsNamedAndNothingIsWritten(String extension) throws IOException {
    double[] logits = {0, 1, 2, 3, Double.NaN, 5};
    Path bad =
        cli.matrix("bad.safetensors", "logits", logits, 2, Map.of("format", PolicyFile.FORMAT));
    Path out = cli.path("out." + extension);
    cli.refuses(
        "%s: logits[1, 1] must be finite, got NaN".formatted(bad), "export", bad, "--out", out);
    assertThat(out).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--logits|out.csv|--logits goes with a .safetensors file, not with .csv",
        "--top=3|out.safetensors|--top goes with a .csv file, not with .safetensors",
        "--tokenizer=x|out.safetensors|--tokenizer goes with a .csv file, not with .safetensors"
      })
  void optionOfTheOtherFormatIsRefused(String option, String name, String line) {
    cli.refuses(
        line + " (usage: clipkl export --help)",
        "export",
        policy(),
        "--out",
        cli.path(name),
        option);
  }

  @Test
  void zeroTokensAreRefused() {
    cli.refuses("--top must be >= 1, got 0", "export", policy(), "--out", csv, "--top=0");
  }

  @Test
  void policyIsNeverReplacedByItsOwnExport() {
    Path policy = policy();
    cli.refuses(
        "--out: %s is the file to read, choose another".formatted(policy),
        "export",
        policy,
        "--out",
        policy,
        "--force");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0,x|--rows: expected row numbers and ranges such as 0,3,10-20, got '0,x'",
        "''|--rows: expected row numbers and ranges such as 0,3,10-20, got ''",
        "2-1|--rows: expected the smaller row of a range first, got '2-1'",
        "0-999999999999|--rows: expected rows from 0 to 2, got 999999999999",
        "1,0-2|--rows: row 1 is named twice in '1,0-2'"
      })
  void wrongRowsAreRefused(String rows, String line) {
    cli.refuses(line, "export", policy(), "--out", tensors, "--rows", rows);
    assertThat(tensors).doesNotExist();
  }

  @Test
  void rowsComeInTheOrderGiven() {
    assertThat(RowSelection.parse("7, 2-4,0", 8)).containsExactly(7, 2, 3, 4, 0);
    assertThat(RowSelection.all(3)).containsExactly(0, 1, 2);
  }

  @Test
  void rowsOfASequenceRunAreNamedByTheirContexts() throws IOException {
    SequenceRunFixture sequences = new SequenceRunFixture(cli);
    Path run = sequences.train("texts", "  discount: 0.8\n");
    assertThat(cli.run("export", run, "--out", csv, "--top", 1)).as(cli.err()).isZero();
    assertThat(Files.readAllLines(csv).getFirst()).startsWith("row,context,rank,");
    assertThat(records().stream().map(row -> row.get("context")))
        .containsExactly("kind", "rude", "(continues a word)", "(punctuation and other)");
    Path horizon = sequences.train("horizon", "  discount: 1\n  horizon: 2\n");
    assertThat(cli.run("export", horizon, "--out", csv, "--top", 1, "--force"))
        .as(cli.err())
        .isZero();
    assertThat(records().stream().map(row -> row.get("context")).toList())
        .hasSize(8)
        .startsWith("kind, 2 left", "rude, 2 left")
        .endsWith("(punctuation and other), 1 left");
    cli.refuses(
        "--prompts: the rows of a sequence run are contexts, which have names of their own",
        "export",
        run,
        "--out",
        csv,
        "--force",
        "--prompts",
        cli.path("prompts.jsonl"));
  }
}
