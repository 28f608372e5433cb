package dev.clipkl.cli;

import dev.clipkl.sampling.SamplingSettings;
import dev.clipkl.sampling.TextAverage;
import dev.clipkl.sampling.TextAverages;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.apache.commons.text.WordUtils;

/**
 * Sampled texts for a reader: some of them side by side, and the table of averages.
 *
 * @param prompts of the texts
 * @param policies whose texts they are
 * @param settings how they were drawn
 */
record SampleTable(List<String> prompts, List<Policy> policies, SamplingSettings settings) {
  private static final int INDENT = 13;

  /** From fewer texts the intervals are too rough to tell anything by. */
  private static final int MARKED_FROM = 30;

  private static final String LINE_END = "\u23CE";

  private record Line(String name, Function<TextAverages, TextAverage> average) {}

  private static final List<Line> LINES =
      List.of(
          new Line("tokens per text", TextAverages::tokens),
          new Line("reward per text", TextAverages::reward),
          new Line("  discounted", TextAverages::discountedReward),
          new Line("KL(p||q) per text", TextAverages::klPerText),
          new Line("  per token", TextAverages::klPerToken),
          new Line("ends by itself", TextAverages::ended));

  /** A policy's texts, one per prompt, and its averages. */
  record Policy(String name, List<SampleReport.Text> texts, TextAverages averages) {}

  /** A run's reference and its policy. */
  static SampleTable of(SampleReport report) {
    return new SampleTable(
        report.samples().stream().map(SampleReport.Pair::prompt).toList(),
        List.of(report.referenceTexts(), report.policyTexts("policy")),
        report.settings());
  }

  /** Prints the texts of the first prompts. */
  void printTexts(int most, PrintWriter out) {
    for (int i = 0; i < Math.min(most, prompts.size()); i++) {
      out.println();
      out.println("\"" + onOneLine(prompts.get(i)) + " ...\"");
      for (Policy policy : policies) {
        printText(policy.name(), policy.texts().get(i), out);
      }
    }
  }

  private static void printText(String name, SampleReport.Text text, PrintWriter out) {
    String shown =
        String.format(
            Locale.ROOT,
            "%s%s [%d tokens, reward %.2f, KL %.2f]",
            onOneLine(text.text()).strip(),
            text.ended() ? "" : " ...",
            text.tokens().length,
            text.reward(),
            withoutMinusZero(text.kl()));
    String continued = System.lineSeparator() + " ".repeat(INDENT);
    out.printf(
        Locale.ROOT,
        "  %-11s%s%n",
        name,
        WordUtils.wrap(shown.strip(), FieldTable.WIDTH - INDENT, continued, false));
  }

  /** Rounded to two places, so that no small negative number is printed as -0.00. */
  private static double withoutMinusZero(double value) {
    return Math.rint(100.0 * value) / 100.0 + 0.0;
  }

  /** Without line ends and what else could disturb a terminal. */
  private static String onOneLine(String text) {
    return text.replaceAll("\\R", LINE_END).replaceAll("[\\p{Cntrl}\\p{Cf}]", "\uFFFD");
  }

  /** Prints exact expectations beside sampled averages. */
  void printAverages(PrintWriter out) {
    out.println();
    StringBuilder names = new StringBuilder(" ".repeat(18));
    StringBuilder headings = new StringBuilder(" ".repeat(18));
    for (Policy policy : policies) {
      names.append(String.format(Locale.ROOT, "%11s%-16s", "", policy.name()));
      headings.append(String.format(Locale.ROOT, "%9s  %-16s", "exact", "sampled"));
    }
    out.println(names.toString().stripTrailing());
    out.println(headings.toString().stripTrailing());
    for (Line line : LINES) {
      StringBuilder row = new StringBuilder(String.format(Locale.ROOT, "%-18s", line.name()));
      for (Policy policy : policies) {
        row.append(columns(line.average().apply(policy.averages())));
      }
      out.println(row.toString().stripTrailing());
    }
    out.printf(
        Locale.ROOT,
        "%,d texts each, broken off after %,d tokens, temperature %s, top-p %s, seed %d; 95%%"
            + " intervals%n",
        settings.samples(),
        settings.maxLength(),
        settings.temperature(),
        settings.topP(),
        settings.seed());
    if (settings.samples() >= MARKED_FROM) {
      out.println("*  the interval excludes the exact number: by chance, once in twenty");
    }
  }

  private String columns(TextAverage average) {
    double half = 0.5 * (average.high() - average.low());
    boolean misses = settings.samples() >= MARKED_FROM && !average.covers();
    String sampled =
        Double.isNaN(half)
            ? String.format(Locale.ROOT, "%.3f", average.sampled())
            : String.format(
                Locale.ROOT, "%.3f ± %.3f%s", average.sampled(), half, misses ? "*" : "");
    return String.format(Locale.ROOT, "%9.3f  %-16s", average.exact(), sampled);
  }
}
