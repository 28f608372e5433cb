package dev.clipkl.cli;

import dev.clipkl.sampling.SamplingSettings;
import dev.clipkl.sampling.TextAverage;
import dev.clipkl.sampling.TextAverages;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.apache.commons.text.WordUtils;

/** Sampled texts for a reader: some of them side by side, and the table of averages. */
final class SampleTable {
  private static final int INDENT = 13;

  private record Line(String name, Function<TextAverages, TextAverage> average) {}

  private static final List<Line> LINES =
      List.of(
          new Line("tokens per text", TextAverages::tokens),
          new Line("reward per text", TextAverages::reward),
          new Line("  discounted", TextAverages::discountedReward),
          new Line("KL(p||q) per text", TextAverages::klPerText),
          new Line("  per token", TextAverages::klPerToken),
          new Line("ends by itself", TextAverages::ended));

  private final SampleReport report;
  private final String policyName;

  /**
   * @param policyName what the trained policy is called
   */
  SampleTable(SampleReport report, String policyName) {
    this.report = report;
    this.policyName = policyName;
  }

  /** Prints the first pairs of texts. */
  void printTexts(int most, PrintWriter out) {
    for (SampleReport.Pair pair : report.samples().stream().limit(most).toList()) {
      out.println();
      out.println("\"" + onOneLine(pair.prompt()) + " ...\"");
      printText("reference", pair.reference(), out);
      printText(policyName, pair.policy(), out);
    }
  }

  private static void printText(String name, SampleReport.Text text, PrintWriter out) {
    String shown =
        String.format(
            Locale.ROOT,
            "%s%s  [%d tokens, reward %.2f, KL %.2f]",
            onOneLine(text.text()).strip(),
            text.ended() ? "" : " ...",
            text.tokens().size(),
            text.reward(),
            text.kl());
    String continued = System.lineSeparator() + " ".repeat(INDENT);
    out.printf(
        Locale.ROOT,
        "  %-11s%s%n",
        name,
        WordUtils.wrap(shown, FieldTable.WIDTH - INDENT, continued, false));
  }

  /** Line ends and what else could disturb a terminal. */
  private static String onOneLine(String text) {
    return text.replaceAll("\\R", "⏎").replaceAll("[\\p{Cntrl}\\p{Cf}\u2028\u2029]", "\uFFFD");
  }

  /** Prints exact expectations beside sampled averages. */
  void printAverages(PrintWriter out) {
    out.println();
    out.printf(Locale.ROOT, "%-18s%14s%s%14s%n", "", "reference", " ".repeat(27), policyName);
    out.printf(
        Locale.ROOT, "%-18s%s%s%n", "", columns("exact", "sampled"), columns("exact", "sampled"));
    for (Line line : LINES) {
      out.printf(
          Locale.ROOT,
          "%-18s%s%s%n",
          line.name(),
          columns(line.average().apply(report.referenceAverages())),
          columns(line.average().apply(report.policyAverages())));
    }
    SamplingSettings settings = report.settings();
    out.printf(
        Locale.ROOT,
        "%,d texts each, broken off after %,d tokens, temperature %s, top-p %s, seed %d; intervals at"
            + " 95%%, * excludes the exact number%n",
        settings.samples(),
        settings.maxLength(),
        settings.temperature(),
        settings.topP(),
        settings.seed());
  }

  private static String columns(TextAverage average) {
    String mark = Double.isNaN(average.low()) || average.covers() ? " " : "*";
    return columns(
        String.format(Locale.ROOT, "%.4f", average.exact()),
        Double.isNaN(average.low())
            ? String.format(Locale.ROOT, "%.4f", average.sampled())
            : String.format(
                Locale.ROOT,
                "%.4f [%.4f, %.4f]%s",
                average.sampled(),
                average.low(),
                average.high(),
                mark));
  }

  private static String columns(String exact, String sampled) {
    return String.format(Locale.ROOT, "%11s  %-28s", exact, sampled);
  }
}
