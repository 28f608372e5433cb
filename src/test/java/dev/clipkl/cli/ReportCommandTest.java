package dev.clipkl.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.endtoend.BanditFile;
import dev.clipkl.problem.MdpFile;
import dev.clipkl.problem.MdpFixture;
import dev.clipkl.report.WordRuns;
import dev.clipkl.table.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;

class ReportCommandTest {
  @TempDir private Path folder;
  private CommandLineFixture cli;

  @BeforeEach
  void prepare() {
    cli = new CommandLineFixture(folder);
  }

  private Path train(String name, String rest) throws IOException {
    BanditFile.write(cli.path("bandit.safetensors"), 3, 50, TensorType.F32, 3L);
    Path config =
        cli.file(
            name + ".yaml",
            "problem: {import: %s}\nrun: {engine: reference}\n%s\n"
                .formatted(cli.path("bandit.safetensors"), rest));
    Path run = cli.path(name);
    assertThat(cli.run("train", config, "--out", run)).as(cli.err()).isZero();
    return run;
  }

  private String page(Path file) throws IOException {
    return Files.readString(file)
        .replaceAll("(?s)<(script|style)[^>]*>.*?</\\1>", "")
        .replace("&#x3D;", "=");
  }

  @Test
  void runGetsItsReportAndCharts() throws IOException {
    Path run = train("one", "objective: {lambda: 0.5}");
    assertThat(cli.run("report", run, "--json")).as(cli.err()).isZero();
    Path file = run.resolve("report.html");
    assertThat(cli.json().get("page").textValue()).isEqualTo(file.toString());
    assertThat(cli.json().get("bytes").longValue()).isEqualTo(Files.size(file));
    assertThat(page(file))
        .contains("<h1>one</h1>")
        .contains("Trained with reverse-kl at λ = 0.5: a softmax policy of 3 rows over 50 actions.")
        .contains("the exact gap reached the tolerance")
        .contains("within the tolerance of 1e-6")
        .contains("./run.sh certify " + run)
        .contains("./run.sh train %s --out %s-again".formatted(run.resolve("config.yaml"), run));
    assertThat(cli.json().get("charts")).hasSize(20);
    try (Stream<Path> files = Files.list(run.resolve("charts"))) {
      for (Path chart : files.toList()) {
        if (chart.toString().endsWith(".png")) {
          assertThat(ImageIO.read(chart.toFile()).getWidth()).isEqualTo(1800);
        } else {
          assertThat(xml(chart).getDocumentElement().getTagName()).isEqualTo("svg");
        }
      }
    }
  }

  private static Document xml(Path file) {
    try {
      DocumentBuilderFactory factory = DocumentBuilderFactory.newDefaultNSInstance();
      factory.setFeature(
          "http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
      return factory.newDocumentBuilder().parse(file.toFile());
    } catch (Exception e) {
      throw new AssertionError(file + " is no XML", e);
    }
  }

  @Test
  void certificateIsToldOfOnceThereIsOne() throws IOException {
    Path run = train("certified", "optimizer: {outer-iterations: 5, tolerance: 0}");
    assertThat(cli.run("certify", run)).as(cli.err()).isZero();
    assertThat(cli.run("report", run)).as(cli.err()).isZero();
    assertThat(page(run.resolve("report.html")))
        .contains("Its certificate holds over 5 replayed outer iterations")
        .contains("value never falls, at any state")
        .contains("a theorem whose premises this run meets")
        .contains("The tolerance of 0 was not reached.")
        .doesNotContain("Not certified yet");
  }

  @Test
  void failedCertificateIsCalledFailed() throws IOException {
    Path run =
        train(
            "failed",
            "optimizer: {kind: gradient, step-rule: fixed, step-size: 100, outer-iterations: 50}");
    assertThat(cli.run("certify", run)).isEqualTo(1);
    assertThat(cli.run("report", run)).as(cli.err()).isZero();
    assertThat(page(run.resolve("report.html")))
        .contains("Its certificate fails, over 50 replayed outer iterations: ")
        .contains("class=\"fails\"");
  }

  @Test
  void severalRunsShareOnePage() throws IOException {
    Path one = train("one", "");
    Path two = train("two", "objective: {divergence: forward-kl}");
    assertThat(cli.run("report", one, two)).as(cli.err()).isZero();
    assertThat(page(cli.path("report.html")))
        .contains("<h1>one and two</h1>")
        .contains("Trained with forward-kl");
    assertThat(cli.path("charts").resolve("gap.svg")).exists();
  }

  @Test
  void unfinishedRunIsReportedAsSuch() throws IOException {
    Path run = train("stopped", "optimizer: {outer-iterations: 3, tolerance: 0}");
    Files.delete(run.resolve("policy.safetensors"));
    String facts = Files.readString(run.resolve("run.json"));
    Files.writeString(
        run.resolve("run.json"),
        facts
            .replaceFirst("(?s)\"stop_reason\".*", "\"states\" : 3\n}\n")
            .replace("\"finished\"", "\"running\""));
    assertThat(cli.run("report", run)).as(cli.err()).isZero();
    assertThat(cli.out()).contains("note: stopped has no policy yet");
    assertThat(page(run.resolve("report.html")))
        .contains("It has not ended: its last line of metrics is after 3 outer iterations")
        .contains("train --resume " + run)
        .contains("stopped has no policy yet, because the run has not finished.");
  }

  @Test
  void finiteMdpHasTokenTablesByAction() throws IOException {
    MdpFile.write(cli.path("mdp.safetensors"), MdpFixture.random(new Random(2L), 4, 3, 0.9), null);
    Path config =
        cli.file(
            "mdp.yaml",
            "problem: {kind: mdp, discount: 0.9, import: %s}\nobjective: {lambda: 0.5}\n"
                .formatted(cli.path("mdp.safetensors")));
    assertThat(cli.run("train", config, "--out", cli.path("mdp"))).as(cli.err()).isZero();
    assertThat(cli.run("report", cli.path("mdp"))).as(cli.err()).isZero();
    assertThat(cli.out()).doesNotContain("note:");
    assertThat(Files.readString(cli.path("mdp").resolve("report.html"))).contains("action 2");
  }

  @Test
  void sequenceHasTokenTablesByContext() throws IOException {
    Path run = new SequenceRunFixture(cli).train("sequence", "");
    assertThat(cli.run("report", run)).as(cli.err()).isZero();
    assertThat(cli.out()).doesNotContain("note:");
    assertThat(page(run.resolve("report.html"))).contains("Search contexts and tokens");
  }

  @Test
  void missingInputsCostTheTokenTablesOnly() throws IOException {
    Path run = train("moved", "");
    Files.delete(cli.path("bandit.safetensors"));
    assertThat(cli.run("report", run)).as(cli.err()).isZero();
    assertThat(cli.out()).contains("note: No tokens of moved: ");
    assertThat(page(run.resolve("report.html"))).contains("No tokens of moved: ");
  }

  @Test
  void hostileTextsAreEscapedEverywhere() throws IOException {
    WordRuns runs = new WordRuns(folder, 0);
    Path prompts = runs.prompts("prompts.jsonl", List.of("so kind", WordRuns.HOSTILE));
    Path run = runs.train("<b>&'run", prompts, "");
    assertThat(cli.run("report", run)).as(cli.err()).isZero();
    String html = Files.readString(run.resolve("report.html"));
    assertThat(html)
        .doesNotContain("<b>", "<img", "alert(1)</script>")
        .contains("&lt;b&gt;&amp;&#39;run");
    assertThat(html.split("<script", -1)).hasSize(3);
    assertThat(html.split("</script", -1)).hasSize(3);
    assertThat(xml(run.resolve("charts").resolve("gap.svg"))).isNotNull();
  }

  @Test
  void onlyItsOwnPageIsReplaced() throws IOException {
    Path run = train("one", "");
    assertThat(cli.run("report", run)).as(cli.err()).isZero();
    assertThat(cli.run("report", run)).as("again: " + cli.err()).isZero();
    Path diary = cli.file("diary.html", "<p>mine</p>");
    cli.refuses(
        "--out: %s exists already; choose another file, or replace it with --force"
            .formatted(diary),
        "report",
        run,
        "--out",
        diary);
    assertThat(diary).hasContent("<p>mine</p>");
    assertThat(cli.run("report", run, "--out", diary, "--force")).as(cli.err()).isZero();
    cli.refuses(
        "--out must end in .html or .htm, got page.txt", "report", run, "--out", "page.txt");
  }

  @Test
  void wrongInputIsOneLine() throws IOException {
    Path empty = Files.createDirectory(cli.path("empty"));
    cli.refuses(
        "%s holds no run and no comparison, expected a folder with a config.yaml or a comparison.json"
            .formatted(empty),
        "report",
        empty);
    cli.refuses(
        "%s: expected a run's directory".formatted(cli.path("none")), "report", cli.path("none"));
    Path run = train("one", "");
    cli.refuses("%s is named twice".formatted(run), "report", run, run);
  }
}
