package dev.clipkl.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.language.RewardFile;
import dev.clipkl.language.Tokenizers;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RewardFitCommandTest {
  @TempDir private Path folder;
  private CommandLineFixture cli;
  private Path tokenizer;
  private Path pairs;
  private Path out;

  @BeforeEach
  void prepare() throws IOException {
    cli = new CommandLineFixture(folder);
    tokenizer = cli.tokenizer();
    out = cli.path("reward.safetensors");
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 20; i++) {
      text.append(
          "{\"prompt\": \"%d\", \"chosen\": \"kind\", \"rejected\": \"%s\"}%n"
              .formatted(i, i % 4 == 0 ? "calm" : "rude"));
    }
    pairs = cli.file("pairs.jsonl", text.toString());
  }

  @Test
  void fitWritesRewardsAndNamesBestAndWorstTokens() throws IOException {
    assertThat(cli.run("reward", "fit", pairs, "--tokenizer", tokenizer, "--out", out))
        .as(cli.err())
        .isZero();
    try (RewardFile rewards = RewardFile.open(out, Tokenizers.open(tokenizer.toString()))) {
      assertThat(rewards.vocabularySize()).isEqualTo(CommandLineFixture.VOCABULARY_SIZE);
    }
    assertThat(cli.out())
        .contains("held-out accuracy  100.0 %", "16 to fit, 4 held out", "(a coin's: 0.6931)")
        .containsPattern("(?m)^1\\.0000  kind +0\\.0000  rude$");
    assertThat(cli.out().replaceAll("\\s+", " "))
        .contains(
            "chosen among 8 values from 0.01 to 30. The smallest value tried was the best: a smaller one, say --l2 0.001, may");
  }

  @Test
  void jsonHoldsTheNumbersInFull() throws IOException {
    assertThat(
            cli.run(
                "reward",
                "fit",
                pairs,
                "--tokenizer",
                tokenizer,
                "--out",
                out,
                "--l2",
                0.5,
                "--r-max",
                2,
                "--top",
                1,
                "--json"))
        .as(cli.err())
        .isZero();
    JsonNode report = cli.json();
    assertThat(report.get("l2").doubleValue()).isEqualTo(0.5);
    assertThat(report.get("l2_at_grid_end").booleanValue()).isFalse();
    assertThat(report.get("l2_grid")).isEmpty();
    assertThat(report.get("gradient_norm").doubleValue())
        .isLessThanOrEqualTo(report.get("tolerance").doubleValue());
    assertThat(report.get("unseen_reward").doubleValue()).isBetween(0.1, 1.9);
    assertThat(report.at("/best_tokens/0/token").textValue()).isEqualTo("kind");
    assertThat(report.at("/best_tokens/0/token_id").intValue()).isEqualTo(1);
    assertThat(report.at("/best_tokens/0/reward").doubleValue()).isEqualTo(2);
    assertThat(report.get("worst_tokens")).hasSize(1);
    assertThat(report.at("/worst_tokens/0/token").textValue()).isEqualTo("rude");
    assertThat(cli.err()).isEmpty();
  }

  @Test
  void tokensInNoPairAreNeitherBestNorWorst() throws IOException {
    assertThat(
            cli.run(
                "reward",
                "fit",
                pairs,
                "--tokenizer",
                tokenizer,
                "--out",
                out,
                "--top",
                99,
                "--json"))
        .as(cli.err())
        .isZero();
    assertThat(cli.json().get("best_tokens").findValuesAsText("token")).containsExactly("kind");
    assertThat(cli.json().get("worst_tokens").findValuesAsText("token"))
        .containsExactly("rude", "calm");
  }

  @ParameterizedTest
  @CsvSource({
    "--l2, -1, 'l2 must be finite and > 0, got -1.0'",
    "--tolerance, NaN, 'tolerance must be finite and > 0, got NaN'",
    "--r-max, 0, 'r_max must be finite and > 0, got 0.0'",
    "--top, -1, '--top must be >= 0, got -1'"
  })
  void valueOutOfRangeIsRefused(String option, String value, String line) {
    cli.refuses(
        line, "reward", "fit", pairs, "--tokenizer", tokenizer, "--out", out, option, value);
    assertThat(out).doesNotExist();
  }

  @Test
  void pairWithoutARejectedTextIsNamedByItsLine() throws IOException {
    Path broken = cli.file("broken.jsonl", "{\"prompt\": \"a\", \"chosen\": \"kind\"}\n");
    assertThat(cli.run("reward", "fit", broken, "--tokenizer", tokenizer, "--out", out))
        .isEqualTo(2);
    assertThat(cli.err()).contains("broken.jsonl", "rejected").hasLineCount(1);
    assertThat(out).doesNotExist();
  }

  @Test
  void missingOptionsAreNamed() {
    cli.refuses(
        "missing required options: '--tokenizer=NAME|FILE', '--out=FILE'"
            + " (usage: clipkl reward fit --help)",
        "reward",
        "fit",
        pairs);
  }
}
