package dev.clipkl.report;

import dev.clipkl.compare.ComparedPolicy;
import dev.clipkl.compare.Comparison;
import dev.clipkl.compare.Frontier;
import dev.clipkl.compare.FrontierPoint;
import dev.clipkl.compare.OptimumNumbers;
import dev.clipkl.compare.PolicyMatch;
import dev.clipkl.compare.PolicyShape;
import dev.clipkl.inspect.MetricHistory;
import dev.clipkl.inspect.RunFacts;
import dev.clipkl.inspect.StoredRun;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.report.PageView.Fact;
import dev.clipkl.report.PageView.FigureRow;
import dev.clipkl.report.PageView.FrontierRow;
import dev.clipkl.report.PageView.MatchRow;
import dev.clipkl.report.PageView.MatchTable;
import dev.clipkl.report.PageView.OverlapRow;
import dev.clipkl.report.PageView.RunSection;
import dev.clipkl.report.PageView.Summary;
import dev.clipkl.report.PageView.TokenSection;
import dev.clipkl.report.ReportSubject.Run;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Turns what was read into the texts of the page. */
final class PageViews {
  private final ReportSubject subject;
  private final List<@Nullable StoredCertificate> certificates = new ArrayList<>();

  PageViews(ReportSubject subject) {
    this.subject = subject;
    for (Run run : subject.runs()) {
      certificates.add(StoredCertificate.read(run.stored().directory()));
    }
  }

  PageView view(List<Chart> charts, TokenTables.Found tokens) {
    Comparison comparison = subject.comparison();
    boolean thinned =
        subject.runs().stream()
            .anyMatch(run -> run.stored().history().size() > Thinning.MOST_POINTS);
    String version = PageViews.class.getPackage().getImplementationVersion();
    return new PageView(
        subject.title(),
        subtitle(),
        version == null ? "development" : version,
        Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
        summaries(),
        figures(),
        !charts.isEmpty(),
        thinned,
        Numbers.count(Thinning.MOST_POINTS),
        comparison == null
            ? List.of()
            : comparison.matches().stream().map(PageViews::match).toList(),
        comparison == null ? List.of() : frontier(comparison.frontier()),
        tokens.tables().isEmpty() ? null : section(tokens.tables()),
        tokens.notes(),
        runSections());
  }

  private String subtitle() {
    Comparison comparison = subject.comparison();
    if (comparison != null) {
      return comparison.problem().isEmpty() ? "" : comparison.problem().getFirst();
    }
    // The first line says what the rows and columns are; the others stand with each run.
    List<String> problems =
        subject.runs().stream()
            .flatMap(run -> run.stored().facts().problem().stream().limit(1))
            .distinct()
            .toList();
    return String.join(" · ", problems);
  }

  private List<Summary> summaries() {
    List<Summary> summaries = new ArrayList<>();
    Comparison comparison = subject.comparison();
    if (comparison != null) {
      summaries.add(new Summary(null, ComparisonWords.sentences(comparison)));
      return summaries;
    }
    for (int i = 0; i < subject.runs().size(); i++) {
      Run run = subject.runs().get(i);
      summaries.add(
          new Summary(
              subject.runs().size() == 1 ? null : run.label(),
              new RunWords(run.stored(), certificates.get(i)).sentences()));
    }
    return summaries;
  }

  private List<FigureRow> figures() {
    List<FigureRow> rows = new ArrayList<>();
    for (int i = 0; i < subject.runs().size(); i++) {
      Run run = subject.runs().get(i);
      MetricHistory history = run.stored().history();
      RunFacts facts = run.stored().facts();
      rows.add(
          new FigureRow(
              run.label(),
              i % 7,
              run.stored().config().objective().divergence().name(),
              Numbers.of(run.stored().config().objective().lambda()),
              Numbers.fixed(history.last(MetricNames.REWARD), 4),
              Numbers.fixed(history.last(MetricNames.KL_POLICY_TO_REFERENCE), 4),
              Numbers.fixed(history.last(MetricNames.KL_REFERENCE_TO_POLICY), 4),
              Numbers.fixed(history.last(MetricNames.VALUE), 6),
              Numbers.small(history.last(MetricNames.GAP)),
              history.size() == 0
                  ? Numbers.NONE
                  : Numbers.count((long) history.outerIterations()[history.size() - 1]),
              Numbers.seconds(history.last(MetricNames.SECONDS)),
              facts.isFinished() ? "finished" : facts.status()));
    }
    return rows;
  }

  private static MatchTable match(PolicyMatch match) {
    List<MatchRow> rows = new ArrayList<>();
    for (ComparedPolicy policy : match.policies()) {
      rows.add(trained(policy));
      rows.add(optimum(policy));
    }
    return new MatchTable(
        Measures.matched(match),
        rows,
        match.overlaps().stream()
            .map(overlap ->
                new OverlapRow(
                    overlap.first(),
                    overlap.second(),
                    Numbers.count(overlap.count()),
                    Numbers.percent(overlap.share())))
            .toList());
  }

  private static MatchRow trained(ComparedPolicy policy) {
    return row(
        policy.divergence(),
        false,
        policy,
        ComparisonWords.metric(policy, MetricNames.REWARD),
        ComparisonWords.metric(policy, MetricNames.KL_POLICY_TO_REFERENCE),
        ComparisonWords.metric(policy, MetricNames.KL_REFERENCE_TO_POLICY),
        Numbers.small(ComparisonWords.metric(policy, MetricNames.GAP)),
        policy.shape(),
        Numbers.of(policy.measuredRate()),
        Numbers.of(policy.predictedRate()),
        Numbers.count(policy.outerIterations()));
  }

  private static MatchRow optimum(ComparedPolicy policy) {
    OptimumNumbers optimum = policy.optimum();
    return row(
        "its exact optimum",
        true,
        policy,
        optimum.reward(),
        optimum.klPolicyToReference(),
        optimum.klReferenceToPolicy(),
        "0",
        policy.optimalShape(),
        "",
        "",
        "");
  }

  private static MatchRow row(
      String name,
      boolean isOptimum,
      ComparedPolicy policy,
      double reward,
      double klPolicyToReference,
      double klReferenceToPolicy,
      String gap,
      PolicyShape shape,
      String measuredRate,
      String predictedRate,
      String iterations) {
    return new MatchRow(
        name,
        isOptimum,
        isOptimum ? "" : Numbers.of(policy.lambda()),
        Numbers.fixed(reward, 4),
        Numbers.fixed(klPolicyToReference, 4),
        Numbers.fixed(klReferenceToPolicy, 4),
        gap,
        Numbers.fixed(shape.entropy(), 3),
        Numbers.of(shape.effectiveTokens()),
        Numbers.percent(shape.referenceMassKept()),
        Numbers.small(shape.tailMass()),
        Numbers.small(shape.minProbability()),
        measuredRate,
        predictedRate,
        iterations);
  }

  private static List<FrontierRow> frontier(@Nullable Frontier frontier) {
    if (frontier == null) {
      return List.of();
    }
    return Stream.concat(
            frontier.trained().stream().map(point -> row(point, "trained")),
            frontier.optima().stream().map(point -> row(point, "exact")))
        .toList();
  }

  private static FrontierRow row(FrontierPoint point, String kind) {
    return new FrontierRow(
        point.divergence(),
        Numbers.of(point.lambda()),
        kind,
        Numbers.fixed(point.reward(), 4),
        Numbers.fixed(point.klPolicyToReference(), 4),
        Numbers.small(point.bestRewardPolicyToReference() - point.reward()),
        Numbers.fixed(point.klReferenceToPolicy(), 4),
        Numbers.small(point.bestRewardReferenceToPolicy() - point.reward()));
  }

  private TokenSection section(List<TokenTables> tables) {
    TokenTables first = tables.getFirst();
    boolean all = tables.stream().allMatch(table -> table.rows().size() == table.allRows());
    String shown =
        all
            ? "The %d tokens that gained most and the %d that lost most, for each policy."
                .formatted(TokenTables.TOKENS, TokenTables.TOKENS)
            : "The %d tokens that gained most and the %d that lost most, for each policy; the first %s of %s rows."
                .formatted(
                    TokenTables.TOKENS,
                    TokenTables.TOKENS,
                    Numbers.count(first.rows().size()),
                    Numbers.count(first.allRows()));
    List<String> problems =
        tables.stream()
            .map(table ->
                String.join(
                    ", ", table.runs().stream().map(i -> subject.runs().get(i).label()).toList()))
            .toList();
    return new TokenSection(first.rowKind(), shown, tables.size() > 1, problems);
  }

  private List<RunSection> runSections() {
    List<RunSection> sections = new ArrayList<>();
    for (int i = 0; i < subject.runs().size(); i++) {
      Run run = subject.runs().get(i);
      StoredRun stored = run.stored();
      String directory = ShellWords.quote(stored.directory().toString());
      sections.add(
          new RunSection(
              run.label(),
              subject.runs().size() <= 2,
              certificates.get(i),
              "./run.sh certify " + directory,
              provenance(stored),
              phases(stored.facts()),
              stored.facts().warnings(),
              stored.configuration(),
              "./run.sh train %s --out %s"
                  .formatted(
                      ShellWords.quote(stored.directory().resolve("config.yaml").toString()),
                      ShellWords.quote(again(stored.directory()).toString()))));
    }
    return sections;
  }

  private static Path again(Path directory) {
    Path absolute = directory.toAbsolutePath().normalize();
    return directory.resolveSibling(absolute.getFileName() + "-again");
  }

  private static List<Fact> provenance(StoredRun run) {
    RunFacts facts = run.facts();
    List<Fact> provenance = new ArrayList<>();
    provenance.add(new Fact("directory", run.directory().toString()));
    facts.problem().forEach(line -> provenance.add(new Fact("problem", line)));
    provenance.add(new Fact("fingerprint", facts.problemFingerprint()));
    provenance.add(new Fact("engine", facts.engine()));
    provenance.add(new Fact("why this engine", facts.engineReason()));
    provenance.add(new Fact("optimizer", facts.optimizer()));
    provenance.add(new Fact("clipkl", facts.clipkl()));
    provenance.add(new Fact("Java", facts.java()));
    provenance.add(new Fact("system", facts.system()));
    provenance.add(new Fact("last session began", facts.sessionStarted()));
    provenance.add(
        new Fact(
            "state",
            facts.stopReason() == null
                ? facts.status()
                : facts.status() + ": " + facts.stopReason()));
    return provenance;
  }

  private static List<Fact> phases(RunFacts facts) {
    List<Fact> phases = new ArrayList<>();
    for (Map.Entry<String, Double> phase : facts.phaseSeconds().entrySet()) {
      phases.add(
          new Fact(phase.getKey().replace('_', ' '), Numbers.fixed(phase.getValue(), 2) + " s"));
    }
    return phases;
  }
}
