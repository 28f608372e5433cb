package dev.clipkl.cli;

import dev.clipkl.audit.AuditResult;
import dev.clipkl.audit.AuditSettings;
import dev.clipkl.audit.GradientAudit;
import dev.clipkl.audit.KlAudit;
import dev.clipkl.audit.SampledEstimate;
import dev.clipkl.audit.TargetAudit;
import dev.clipkl.audit.ValueAudit;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/** An audit for a reader: per divergence a table of numbers and a table of gradients. */
final class AuditTable {
  /** More of them are written as powers of ten. */
  private static final double MOST_DECIMALS = 6.0;

  private final AuditCommand.Report report;

  AuditTable(AuditCommand.Report report) {
    this.report = report;
  }

  void print(PrintWriter out) {
    AuditResult result = report.result();
    printHeader(out);
    for (TargetAudit target : result.targets()) {
      out.println();
      printTarget(target, out);
    }
    out.println();
    printLegend(out);
  }

  private void printHeader(PrintWriter out) {
    AuditSettings settings = report.settings();
    AuditResult result = report.result();
    new FieldTable()
        .add("policy p", report.policy().toString())
        .add("reference q", report.reference())
        .add("sampler mu", sampler())
        .add(
            "rows",
            String.format(Locale.ROOT, "%,d of %,d tokens", report.rows(), report.actions()))
        .add(
            "exact KL",
            String.format(
                Locale.ROOT,
                "reverse KL(p||q) %.6f, forward KL(q||p) %.6f nats",
                result.klPolicyToReference(),
                result.klReferenceToPolicy()))
        .add(
            "intervals",
            String.format(
                Locale.ROOT,
                "at %s%%, seed %d; %d of %d miss their own exact expectation (by chance: %.1f)",
                number(100.0 * settings.confidence()),
                settings.seed(),
                result.missed(),
                result.intervals(),
                (1.0 - settings.confidence()) * result.intervals()))
        .print(out);
  }

  private String sampler() {
    Double distance = report.result().klSamplerToPolicy();
    return distance == null
        ? "the policy itself; --sampler OLDER_POLICY shows importance correction"
        : String.format(Locale.ROOT, "%s, KL(mu||p) %.6g", report.sampler(), distance);
  }

  private void printTarget(TargetAudit target, PrintWriter out) {
    out.println(
        String.format(
            Locale.ROOT,
            "%s from tokens x ~ %s, r = %s: exact %.6f nats, |gradient| %s",
            target.target().definition(),
            law(target),
            target.target().ratio(),
            target.exact(),
            number(target.gradientNorm())));
    out.print(
        String.format(
            Locale.ROOT, "  %-30s%11s%10s%10s", "as a number", "mean", "bias", "sd/sample"));
    printSizes("", out);
    for (ValueAudit value : target.values()) {
      out.print(
          String.format(
              Locale.ROOT,
              "  %-30s%11s%10s%10s",
              name(value.estimator(), value.weight().equals("k") ? "" : value.weight()),
              precise(value.expectation()),
              relativeToZero(value.bias(), target.exact()),
              number(Math.sqrt(value.variance()))));
      printEstimates(value.sampled(), out);
    }
    out.print(
        String.format(
            Locale.ROOT,
            "  %-30s%11s%10s%10s",
            "as a gradient",
            "rel. bias",
            "cosine",
            "noise/s."));
    printSizes("proj., ", out);
    for (GradientAudit gradient : target.gradients()) {
      out.print(
          String.format(
              Locale.ROOT,
              "  %-30s%11s%10s%10s",
              name(gradient.estimator(), gradient.placement()),
              relativeToZero(gradient.relativeBias(), 1.0),
              Double.isFinite(gradient.cosine())
                  ? String.format(Locale.ROOT, "%.4f", gradient.cosine())
                  : "-",
              number(gradient.relativeNoise())));
      printEstimates(gradient.sampled(), out);
    }
  }

  private String law(TargetAudit target) {
    return target.target().law().equals("p") && report.sampler() != null
        ? "mu"
        : target.target().law();
  }

  private static String name(String estimator, String use) {
    return String.format(Locale.ROOT, "%-15s %s", estimator, use);
  }

  private void printSizes(String what, PrintWriter out) {
    for (int size : report.settings().sampleSizes()) {
      out.print(
          String.format(Locale.ROOT, "%23s", what + String.format(Locale.ROOT, "n=%,d", size)));
    }
    out.println();
  }

  private static void printEstimates(List<SampledEstimate> estimates, PrintWriter out) {
    for (SampledEstimate estimate : estimates) {
      out.print(String.format(Locale.ROOT, "%20s %-2s", interval(estimate), marks(estimate)));
    }
    out.println();
  }

  /** Both numbers down to the second digit of the interval's half width. */
  private static String interval(SampledEstimate estimate) {
    double half = 0.5 * (estimate.high() - estimate.low());
    if (!Double.isFinite(half)) {
      return "n/a";
    }
    double decimals = 1.0 - Math.floor(Math.log10(half));
    if (!(decimals <= MOST_DECIMALS)) {
      return String.format(Locale.ROOT, "%.3g ± %.1g", estimate.estimate(), half);
    }
    String number = "%." + (int) Math.max(0.0, decimals) + "f";
    return String.format(Locale.ROOT, number + " ± " + number, estimate.estimate(), half);
  }

  private static String marks(SampledEstimate estimate) {
    String biased = Boolean.FALSE.equals(estimate.coversTarget()) ? "*" : "";
    return biased + (estimate.isHeavyTailed() ? "~" : "");
  }

  private void printLegend(PrintWriter out) {
    for (String line : LEGEND) {
      out.println(line);
    }
    if (report.sampler() != null) {
      OFF_POLICY_LEGEND.forEach(out::println);
    }
  }

  private static final List<String> LEGEND =
      List.of(
          "*  the interval excludes the exact answer: the bias shows in this sample",
          "~  heavy tail: the variance rests on fewer than 25 samples, do not trust the interval",
          "k1 = -log r   k2 = (log r)^2/2   k3 = (r-1) - log r   abs = |log r|",
          "t: the exact gradient over all logits, g: the sampled one; proj. <g,t>/|t|^2, 1 without bias",
          "rel. bias |E g - t|/|t|;  noise/s. sqrt(trace of one sample's covariance)/|t|, no baseline",
          "Per sample the gradient is c grad log p(x); k' = dk/d log p(x) with the samples held fixed:",
          "  reward          c = k          k is a constant in the reward",
          "  loss            c = k'         k is differentiated",
          "  rho*loss        c = rho(k'+k)  rho = p/mu is differentiated, too (rho = 1 where mu = p)");

  private static final List<String> OFF_POLICY_LEGEND =
      List.of(
          "  rho*reward      c = rho k",
          "  rho*reward(mu)  c = rho k_mu   k_mu: k with mu for p, frozen at generation, as in PPO",
          "  sg(rho)*loss    c = rho k'     rho is a constant",
          "Numbers: k from mu's samples as they are; rho*k; k_mu, as logged at generation.");

  /** Zero where it is rounding against {@code scale}. */
  private static String relativeToZero(double value, double scale) {
    return Math.abs(value) <= KlAudit.ROUNDING * Math.abs(scale) ? "0" : number(value);
  }

  private static String precise(double value) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, "%.5g", value) : "n/a";
  }

  private static String number(double value) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, "%.3g", value) : "n/a";
  }
}
