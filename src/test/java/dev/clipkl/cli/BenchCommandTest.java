package dev.clipkl.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BenchCommandTest {
  private static final String[] SMALL = {
    "bench", "--vocabulary=500", "--rows=4", "--seconds=0.01", "--threads=1"
  };

  @TempDir private Path folder;
  private CommandLineFixture cli;

  @BeforeEach
  void prepare() {
    cli = new CommandLineFixture(folder);
  }

  private int bench(String... more) {
    Object[] arguments = new Object[SMALL.length + more.length];
    System.arraycopy(SMALL, 0, arguments, 0, SMALL.length);
    System.arraycopy(more, 0, arguments, SMALL.length, more.length);
    return cli.run(arguments);
  }

  @Test
  void jsonIsOneDocumentWithTheEnginesThatWorkAndWhyTheOthersDoNot() throws IOException {
    assertThat(bench("--json")).as(cli.err()).isZero();
    JsonNode json = cli.json();
    assertThat(json.at("/result/vocabulary").intValue()).isEqualTo(500);
    assertThat(json.at("/result/threads").intValue()).isEqualTo(1);
    // An engine at least, two divergences, two methods, two numbers of inner steps.
    assertThat(json.at("/result/lines").size()).isGreaterThanOrEqualTo(8);
    assertThat(json.at("/result/lines").findValuesAsText("engine"))
        .contains("vector")
        .doesNotContain("reference");
    assertThat(json.at("/not_timed/reference").textValue()).contains("--engine reference");
    assertThat(json.at("/result/lines/0/nanoseconds/median").doubleValue()).isPositive();
    assertThat(json.at("/result/memory_gigabytes_per_second").doubleValue()).isPositive();
    assertThat(json.at("/not_timed/cuda").textValue()).contains("no NVIDIA driver");
  }

  @Test
  void tableNamesWhatWasAskedForWithin110Columns() {
    assertThat(bench("--engine=vector", "--divergence=js", "--inner-steps=2")).isZero();
    assertThat(cli.out())
        .contains("js           fixed        2")
        .contains("js           practical    2")
        .doesNotContain("reverse-kl", "not timed", "NaN", "null");
    assertThat(cli.out().lines()).allSatisfy(line -> assertThat(line.length()).isLessThan(111));
  }

  @Test
  void wrongValuesAreOneLine() {
    cli.refuses("--vocabulary must be from 2 to 16777216, got 1", "bench", "--vocabulary=1");
    cli.refuses("--inner-steps must be from 1 to 4096, got 0", "bench", "--inner-steps=1,0");
    cli.refuses("--seconds must be in (0, 86400], got 0.0", "bench", "--seconds=0");
    assertThat(cli.run("bench", "--divergence=reversed-kl")).isEqualTo(2);
    assertThat(cli.err()).startsWith("clipkl: --divergence: ").hasLineCount(1);
  }

  @Test
  void anEngineDemandedByNameFailsWhereItCannotRun() {
    assertThat(bench("--engine=cuda")).isEqualTo(3);
    assertThat(cli.err()).contains("no NVIDIA driver").hasLineCount(1);
    assertThat(cli.out()).isEmpty();
  }
}
