package dev.clipkl.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.compare.ComparedPolicy;
import dev.clipkl.compare.Comparison;
import dev.clipkl.compare.ComparisonFile;
import dev.clipkl.compare.Frontier;
import dev.clipkl.compare.FrontierPoint;
import dev.clipkl.compare.OptimumNumbers;
import dev.clipkl.compare.PolicyMatch;
import dev.clipkl.compare.PolicyShape;
import dev.clipkl.compare.TopOverlap;
import dev.clipkl.endtoend.BanditFile;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.problem.MdpFile;
import dev.clipkl.problem.MdpFixture;
import dev.clipkl.report.WordRuns;
import dev.clipkl.table.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.jspecify.annotations.Nullable;
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
      factory.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
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
  void comparisonHasItsTablesAndItsFrontier() throws IOException {
    Path one = train("forward-kl", "objective: {divergence: forward-kl}");
    Path two = train("reverse-kl", "");
    Path comparison = Files.createDirectory(cli.path("comparison"));
    ComparisonFile.write(
        comparison.resolve(ComparisonFile.NAME),
        new Comparison(
            ComparisonFile.FORMAT_VERSION,
            "directions",
            List.of("3 states, 50 actions"),
            "fingerprint",
            List.of(
                match(null, 0.1, one, two),
                match(MetricNames.KL_POLICY_TO_REFERENCE, 1.5, one, two)),
            new Frontier(
                List.of(
                    new FrontierPoint("forward-kl", 0.1, null, 0.8, 1.0, 0.5, 0.8125, 0.8),
                    new FrontierPoint("forward-kl", 0.2, null, 0.7, 0.5, 0.25, 0.7, 0.7)),
                List.of(
                    new FrontierPoint(
                        "forward-kl", 0.1, "../forward-kl", 0.79, 1.0, 0.5, 0.8, 0.8)))));
    assertThat(cli.run("report", comparison)).as(cli.err()).isZero();
    assertThat(page(comparison.resolve("report.html")))
        .contains("<h1>directions</h1>")
        .contains("<h3>Same λ = 0.1</h3>")
        .contains("<h3>Same budget: KL(policy ‖ reference) = 1.5 nats</h3>")
        .contains(
            "Same λ = 0.1: expected reward 0.75 (forward-kl) and 0.75 (reverse-kl), at 1.5 and 1.5"
                + " nats of KL(p‖q) and 0.8 and 0.8 of KL(q‖p).")
        .contains(
            "They keep 80.0% and 90.0% of the mass on the reference’s main tokens, and spread over"
                + " 20 and 10 effective tokens on average.")
        .contains("No policy is further than 1e-7 from its exact optimum.")
        .contains("its exact optimum")
        .contains(">25.0%<")
        .contains(">0.012<")
        .contains(
            "Trained along the frontier, forward-kl stays below the most possible reward by at most"
                + " 0.01 at the same KL(p‖q), and by at most 0.01 at the same KL(q‖p).");
    assertThat(comparison.resolve("charts").resolve("frontier.svg")).exists();
    cli.refuses(
        "a comparison's report is its own: expected one folder with a comparison.json, got 2 folders",
        "report",
        comparison,
        one);
  }

  @Test
  void comparisonWithoutPoliciesSideBySideSaysSo() throws IOException {
    Path comparison = Files.createDirectory(cli.path("sweep"));
    ComparisonFile.write(
        comparison.resolve(ComparisonFile.NAME),
        new Comparison(
            ComparisonFile.FORMAT_VERSION, "sweep", List.of(), "fingerprint", List.of(), null));
    assertThat(cli.run("report", comparison)).as(cli.err()).isZero();
    assertThat(page(comparison.resolve("report.html")))
        .contains("This comparison has no policies side by side")
        .doesNotContain("<table>");
  }

  private static PolicyMatch match(@Nullable String measure, double target, Path one, Path two) {
    return new PolicyMatch(
        measure,
        target,
        List.of(policy("forward-kl", one, 20.0, 0.8), policy("reverse-kl", two, 10.0, 0.9)),
        List.of(new TopOverlap("forward-kl", "reverse-kl", 20, 0.25)));
  }

  private static ComparedPolicy policy(
      String divergence, Path run, double effectiveTokens, double massKept) {
    PolicyShape shape = new PolicyShape(2.0, effectiveTokens, massKept, 1e-7, 1e-8, 1e-9);
    return new ComparedPolicy(
        "../" + run.getFileName(),
        divergence,
        0.1,
        new OptimumNumbers(0.6, 0.76, 1.6, 1.6, 0.9),
        Map.of(
            MetricNames.REWARD,
            0.75,
            MetricNames.KL_POLICY_TO_REFERENCE,
            1.5,
            MetricNames.KL_REFERENCE_TO_POLICY,
            0.8,
            MetricNames.GAP,
            1e-7),
        shape,
        shape,
        0.5,
        Double.NaN,
        30,
        1e6,
        "the exact gap reached the tolerance");
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
