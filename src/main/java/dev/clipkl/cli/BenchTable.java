package dev.clipkl.cli;

import dev.clipkl.bench.BenchLine;
import dev.clipkl.bench.BenchResult;
import dev.clipkl.bench.Spread;
import java.io.PrintWriter;
import java.util.Locale;

/** A benchmark for a reader: the machine's memory, then a line per row program. */
final class BenchTable {
  private static final String LINE = "%-10s %-12s %-10s %3s %6s %22s %10s %6s %8s  %s%n";

  private final BenchCommand.Report report;

  BenchTable(BenchCommand.Report report) {
    this.report = report;
  }

  void print(PrintWriter out) {
    BenchResult result = report.result();
    FieldTable head = new FieldTable();
    result.engines().forEach(engine -> head.add("engine", engine));
    report.notTimed().forEach((engine, reason) -> head.add("not timed", engine + ": " + reason));
    head.add("row", String.format(Locale.ROOT, "%,d actions, synthetic", result.vocabulary()))
        .add(
            "memory",
            String.format(
                Locale.ROOT,
                "%s GB/s: a bare sweep of 4 reads and 1 write takes %s ns per entry",
                number(result.memoryGigabytesPerSecond()),
                spread(result.memoryNanoseconds())))
        .add(
            "rounds",
            String.format(
                Locale.ROOT,
                "%d, after %d of warm-up; all lines by turns",
                result.rounds(),
                result.warmUpRounds()))
        .print(out);
    out.println();
    out.printf(
        Locale.ROOT,
        LINE,
        "engine",
        "divergence",
        "method",
        "K",
        "rows",
        "ns (least to most)",
        "entries/s",
        "GB/s",
        "of mem.",
        "steps +/-");
    for (BenchLine line : result.lines()) {
      out.printf(
          Locale.ROOT,
          LINE,
          line.engine(),
          line.divergence(),
          line.method(),
          line.innerSteps(),
          line.rows(),
          spread(line.nanoseconds()),
          String.format(Locale.ROOT, "%.3g", line.entriesPerSecond()),
          number(line.gigabytesPerSecond()),
          String.format(Locale.ROOT, "%.0f%%", 100.0 * line.shareOfBandwidth()),
          String.format(Locale.ROOT, "%.3g/%.3g", line.acceptedSteps(), line.rejectedSteps()));
    }
    out.println();
    out.println(
        "ns         per entry and accepted inner step: median, least and most of the rounds");
    out.println(
        "GB/s       20 bytes an entry and step; where rows stay in cache, more than memory could move");
    out.println("steps +/-  accepted and rejected inner steps of one visit, on average");
    out.println("fixed: raw gradient, constant step; practical: as train does by default");
  }

  private static String spread(Spread spread) {
    return "%s (%s to %s)"
        .formatted(number(spread.median()), number(spread.least()), number(spread.largest()));
  }

  /** Three digits, without an exponent. */
  private static String number(double value) {
    return String.format(
        Locale.ROOT, value >= 100.0 ? "%.0f" : value >= 10.0 ? "%.1f" : "%.3f", value);
  }
}
