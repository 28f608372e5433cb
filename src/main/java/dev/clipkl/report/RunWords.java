package dev.clipkl.report;

import dev.clipkl.inspect.MetricHistory;
import dev.clipkl.inspect.RunFacts;
import dev.clipkl.inspect.StoredRun;
import dev.clipkl.metrics.MetricNames;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a run did, in sentences made from its numbers. */
final class RunWords {
  private final StoredRun run;
  private final RunFacts facts;
  private final MetricHistory history;
  private final @Nullable StoredCertificate certificate;

  RunWords(StoredRun run, @Nullable StoredCertificate certificate) {
    this.run = run;
    this.certificate = certificate;
    facts = run.facts();
    history = run.history();
  }

  /** The sentences in their order: what was trained, how it ended, what changed, what is proven. */
  List<String> sentences() {
    List<String> sentences = new ArrayList<>();
    sentences.add(task());
    sentences.add(ending());
    if (history.size() > 0) {
      sentences.add(distance());
      sentences.add(change());
    }
    sentences.add(proof());
    if (!facts.warnings().isEmpty()) {
      sentences.add(
          facts.warnings().size() == 1
              ? "The run left a warning: " + facts.warnings().getFirst() + "."
              : "The run left %d warnings, listed below.".formatted(facts.warnings().size()));
    }
    return sentences;
  }

  private String task() {
    return "Trained with %s at λ = %s: a softmax policy of %s over %s."
        .formatted(
            divergence(),
            Numbers.of(run.config().objective().lambda()),
            plural(facts.states(), "row"),
            plural(facts.actions(), "action"));
  }

  private String divergence() {
    return run.config().objective().divergence().name();
  }

  private String ending() {
    if (history.size() == 0) {
      return "It has not finished its first outer iteration.";
    }
    String effort =
        "%s in %s"
            .formatted(
                plural(Math.round(last(history.outerIterations())), "outer iteration"),
                Numbers.seconds(history.last(MetricNames.SECONDS)));
    if (facts.isFinished()) {
      return "It ended after %s: %s.".formatted(effort, facts.stopReason());
    }
    String continued =
        "clipkl train --resume %s goes on from its last checkpoint"
            .formatted(ShellWords.quote(run.directory().toString()));
    return facts.status().equals("interrupted")
        ? "It was interrupted after %s and has no policy yet; %s.".formatted(effort, continued)
        : "It has not ended: its last line of metrics is after %s, and there is no policy yet. If no process works on it, %s."
            .formatted(effort, continued);
  }

  private String distance() {
    double gap = history.last(MetricNames.GAP);
    double first = history.first(MetricNames.GAP);
    double tolerance = run.config().optimizer().tolerance();
    String words =
        "Its exact distance to the best possible policy is %s (value %s, optimum %s)"
            .formatted(
                Numbers.small(gap),
                Numbers.of(history.last(MetricNames.VALUE), 7),
                Numbers.of(history.last(MetricNames.OPTIMUM), 7));
    if (history.size() > 1 && first > 0.0 && gap <= first) {
      words +=
          "; it has closed %s of the distance that it began with"
              .formatted(Numbers.percent(1.0 - gap / first));
    } else if (history.size() > 1 && gap > first) {
      words += "; it has moved away from it: it began at %s".formatted(Numbers.small(first));
    }
    if (!(gap <= tolerance)) {
      return words + ". The tolerance of %s was not reached.".formatted(Numbers.small(tolerance));
    }
    return words + ", within the tolerance of %s.".formatted(Numbers.small(tolerance));
  }

  private String change() {
    double first = history.first(MetricNames.REWARD);
    double last = history.last(MetricNames.REWARD);
    return "The expected reward went from %s to %s, at %s nats from the reference by KL(policy ‖ reference) and %s by KL(reference ‖ policy); the entropy went from %s to %s nats."
        .formatted(
            Numbers.of(first),
            Numbers.of(last),
            Numbers.of(history.last(MetricNames.KL_POLICY_TO_REFERENCE)),
            Numbers.of(history.last(MetricNames.KL_REFERENCE_TO_POLICY)),
            Numbers.of(history.first(MetricNames.ENTROPY)),
            Numbers.of(history.last(MetricNames.ENTROPY)));
  }

  private String proof() {
    if (certificate == null) {
      return "All these numbers are exact sums, and the gap is measured against a solved optimum; no certificate has been made yet.";
    }
    return certificate.verdict();
  }

  private static double last(double[] numbers) {
    return numbers[numbers.length - 1];
  }

  private static String plural(long count, String noun) {
    return Numbers.count(count) + " " + noun + (count == 1 ? "" : "s");
  }
}
