package dev.clipkl.cli;

import dev.clipkl.certify.Certificate;
import dev.clipkl.certify.Check;
import dev.clipkl.certify.Rate;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A certificate for a reader: the numbers, the rates, then a line per claim. */
final class CertificateTable {
  private static final int NAME = 42;
  private static final String LINE = "%-" + NAME + "s  %10s %2s %-10s  %8s  %s%n";

  private final Certificate certificate;

  CertificateTable(Certificate certificate) {
    this.certificate = certificate;
  }

  void print(PrintWriter out) {
    FieldTable head =
        new FieldTable()
            .add("problem", certificate.problem())
            .add("objective", certificate.objective())
            .add("method", certificate.method())
            .add("value", number("%.12g", certificate.value()))
            .add(
                "optimum",
                number("between %.12g and ", certificate.optimumLower())
                    + number("%.12g", certificate.optimumUpper()))
            .add("exact gap", number("%.6g", certificate.gap()))
            .add(
                "smallest",
                number("reference probability %.3g, ", certificate.minReference())
                    + number("policy probability %.3g", certificate.minPolicy()));
    addRates(head, certificate.rate());
    head.print(out);
    out.println();
    out.printf(Locale.ROOT, LINE, "claim", "measured", "", "bound", "slack", "standing");
    for (Check check : certificate.checks()) {
      out.printf(
          Locale.ROOT,
          LINE,
          check.name(),
          plain(check.measured()),
          check.relation(),
          plain(check.bound()),
          plain(check.slack()),
          verdict(check));
      out.printf(
          Locale.ROOT,
          "    %s%s%n",
          check.equation(),
          check.where() == null
              ? ""
              : "; least slack of %,d cases: %s".formatted(check.cases(), check.where()));
      if (check.note() != null) {
        out.println("    " + check.note());
      }
    }
    printNotes(out, "note", certificate.rate().notes());
    printNotes(out, "warning", certificate.warnings());
    List<Check> failures = certificate.failures();
    out.println();
    out.println(
        failures.isEmpty()
            ? "Every proven claim holds, over %d replayed outer iterations."
                .formatted(certificate.replayed())
            : failures.size() == 1 ? "1 claim fails." : failures.size() + " claims fail.");
  }

  private static void addRates(FieldTable head, Rate rate) {
    head.add(
        "tail rate",
        (rate.predictedPerStep() == null
                ? "no prediction"
                : "predicted " + plain(rate.predictedPerStep()))
            + ", "
            + (rate.measuredPerStep() == null || rate.measuredLower() == null
                ? "none measured"
                : number("measured %.6g", rate.measuredPerStep())
                    + number(" (95 %%: %.6g", rate.measuredLower())
                    + number(" to %.6g)", rate.measuredUpper()))
            + ", the gap's factor per inner step");
    head.add(
        "curvature",
        number("eigenvalues from %.4g ", rate.muMin())
            + number("to %.4g at the optimum", rate.muMax()));
    head.add(
        "raw gradient",
        number("%.3g steps of 1 / L would be needed", rate.predictedRawGradientSteps())
            + number(" to a gap of %.0e", rate.tolerance()));
    head.add("guarantee", rate.guarantee());
  }

  private static String verdict(Check check) {
    if (check.holds()) {
      return check.standing();
    }
    return "%s, FAILS in %,d of %,d".formatted(check.standing(), check.violations(), check.cases());
  }

  private static void printNotes(PrintWriter out, String kind, List<String> lines) {
    if (!lines.isEmpty()) {
      out.println();
    }
    lines.forEach(line -> out.println(kind + ": " + line));
  }

  /** Four digits, without zeros that say nothing. */
  private static String plain(double value) {
    if (!Double.isFinite(value)) {
      return value > 0.0 ? "infinite" : value < 0.0 ? "-infinite" : "NaN";
    }
    if (Math.abs(value) < Double.MIN_NORMAL * 2.0) {
      return "0";
    }
    double magnitude = Math.abs(value);
    return magnitude >= 1e-3 && magnitude < 1e6
        ? String.format(Locale.ROOT, "%.4g", value)
            .replaceFirst("(\\.\\d*?)0+$", "$1")
            .replaceFirst("\\.$", "")
        : String.format(Locale.ROOT, "%.2e", value);
  }

  private static String number(String format, @Nullable Double value) {
    return value == null ? "none" : String.format(Locale.ROOT, format, value);
  }
}
