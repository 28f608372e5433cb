package dev.clipkl.comparison;

import dev.clipkl.bench.MemoryBandwidth;
import dev.clipkl.bench.Spread;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The report: complete as it is written, so that nobody has to edit numbers by hand. */
final class ComparisonReport {
  private final Comparison.Results results;

  ComparisonReport(Comparison.Results results) {
    this.results = results;
  }

  String markdown() {
    Timings first = results.timings().getFirst();
    StringBuilder text = new StringBuilder();
    text.append(
        """
        # clipkl beside LibTorch and ND4J

        Written by `%s` on %s. Do not edit: run it again.

        - Machine: %s; %d threads for everyone.
        - JDK %s; LibTorch by JavaCPP %s; ND4J %s.
        - Problem: %,d rows (states) of V actions, float32; reference by Zipf's law in random order, standard normal rewards, lambda 0.1, clip epsilon 0.2, constant step 1.
        - One sample is one outer iteration from the reference: p_old and advantages, then K inner steps on every row. Two begin later: clipkl with K = 1 after one iteration, since each of its visits sums up what the next one begins with, and "clipkl, practical" after two, in which backtracking finds its step sizes. Times are nanoseconds per entry and inner step: median (least to most) of %d rounds or more, all contenders by turns in one process.
        - The memory limit is a bare sweep of 4 reads and 1 write of float32, %d bytes an entry, in the same rounds: what an inner step moves whose row does not stay in cache.

        ![ns per entry and inner step](comparison.png)

        ## Times
        """
            .formatted(
                results.command(),
                LocalDate.now(ZoneOffset.UTC),
                machine(),
                results.threads(),
                Runtime.version(),
                version("pytorch"),
                version("nd4j-native"),
                first.rows(),
                results.timings().stream()
                    .mapToInt(timings -> timings.memory().samples())
                    .min()
                    .orElseThrow(),
                MemoryBandwidth.BYTES_PER_ENTRY));
    results.timings().forEach(timings -> appendTimes(timings, text));
    appendTargets(text);
    appendMemory(text);
    appendAgreement(text);
    appendSetUp(text);
    return text.toString();
  }

  private static void appendTimes(Timings timings, StringBuilder text) {
    appendTable(
        text,
        "### V = %,d, %s".formatted(timings.columns(), timings.divergence()),
        List.of("", "K = 1, ns", "times clipkl", "K = 16, ns", "times clipkl", "rows at a time"),
        contenderRows(timings));
  }

  private static List<List<String>> contenderRows(Timings timings) {
    List<List<String>> rows = new ArrayList<>();
    for (ContenderKind contender : ContenderKind.values()) {
      List<String> row = new ArrayList<>(List.of(contender.label()));
      for (int innerSteps : Comparison.INNER_STEPS) {
        addTime(timings, timings.line(contender, innerSteps).seconds(), innerSteps, row);
      }
      row.add(chunk(timings.line(contender, 1).chunk(), timings.rows()));
      rows.add(row);
    }
    List<String> memory = new ArrayList<>(List.of("memory limit"));
    for (int innerSteps : Comparison.INNER_STEPS) {
      addTime(timings, timings.memory(), innerSteps, memory);
    }
    memory.add("");
    rows.add(memory);
    return rows;
  }

  private static void addTime(Timings timings, Spread seconds, int innerSteps, List<String> row) {
    Spread clipkl = timings.line(ContenderKind.CLIPKL, innerSteps).seconds();
    row.add(
        "%s (%s to %s)"
            .formatted(
                number(seconds.median() * 1e9),
                number(seconds.least() * 1e9),
                number(seconds.largest() * 1e9)));
    row.add(number(seconds.median() / clipkl.median()));
  }

  private static String chunk(int chunk, int rows) {
    return chunk == 0 ? "1 a thread" : chunk == rows ? "all" : Integer.toString(chunk);
  }

  private void appendTargets(StringBuilder text) {
    List<List<String>> rows = new ArrayList<>();
    for (Target target : Target.of(results)) {
      rows.add(
          List.of(
              target.divergence(),
              target.goal(),
              number(target.measured()) + target.unit(),
              (target.atLeast() ? ">= " : "<= ") + number(target.bound()) + target.unit(),
              target.isMet() ? "met" : "**missed**"));
    }
    appendTable(
        text,
        "## Targets\n\nBy the medians above, at the first vocabulary. They were set for V = 128,256"
            + " and N = 256.",
        List.of("divergence", "target", "measured", "wanted", "verdict"),
        rows);
    int columns = results.timings().getFirst().columns();
    for (Timings timings : results.timings()) {
      if (timings.columns() == columns) {
        appendLimit(timings, text);
      }
    }
  }

  /** By how much a single step that moves no more than the memory limit could beat LibTorch. */
  private static void appendLimit(Timings timings, StringBuilder text) {
    double limit = timings.memory().median();
    text.append(
        "\nWith K = 1 and %s, no step that moves 20 bytes an entry can be more than %sx faster than"
            .formatted(
                timings.divergence(),
                number(timings.line(ContenderKind.TORCH_IN_PLACE, 1).seconds().median() / limit)));
    text.append(
        " LibTorch by hand, or %sx faster than its autograd, by the memory limit above.\n"
            .formatted(
                number(timings.line(ContenderKind.TORCH_AUTOGRAD, 1).seconds().median() / limit)));
  }

  private void appendMemory(StringBuilder text) {
    List<List<String>> rows = new ArrayList<>();
    for (PeakMemory peak : results.memory()) {
      rows.add(
          List.of(
              peak.contender().label(),
              "%,d".formatted(Math.round(peak.bytes() / 1e6)),
              number((double) peak.bytes() / peak.tableBytes())));
    }
    appendTable(
        text,
        "## Peak memory\n\nVmHWM of a process that runs this contender alone as it was timed, at"
            + " the first vocabulary; JVM and native libraries included. The tables (logits,"
            + " reference, rewards; for clipkl also what rounding has taken from the logits, which"
            + " its gradient steps keep) take %,d and %,d MB."
                .formatted(
                    Math.round(results.memory().getLast().tableBytes() / 1e6),
                    Math.round(results.memory().getFirst().tableBytes() / 1e6)),
        List.of("", "MB", "times the tables"),
        rows);
  }

  private void appendAgreement(StringBuilder text) {
    List<List<String>> rows = new ArrayList<>();
    for (Timings timings : results.timings()) {
      for (Timings.Line line : timings.lines()) {
        Agreement agreement = line.agreement();
        if (agreement != null) {
          rows.add(
              List.of(
                  "%,d".formatted(timings.columns()),
                  timings.divergence(),
                  line.contender().label(),
                  Integer.toString(line.innerSteps()),
                  "%.1e".formatted(agreement.distance()),
                  "%.1e".formatted(agreement.movement()),
                  Long.toString(agreement.clippedActions())));
        }
      }
    }
    appendTable(
        text,
        ("## The same mathematics\n\nBefore anything was timed, each contender's policy after two"
                + " outer iterations was compared with the scalar float64 engine's, on three rows:"
                + " largest total variation between the two, at most %.0e or the run ends with an"
                + " error. Beside it, how far the policy had moved, and how many actions the clip"
                + " held at the last step.")
            .formatted(Agreement.LARGEST_DISTANCE),
        List.of("V", "divergence", "contender", "K", "distance", "moved", "clipped"),
        rows);
  }

  private static void appendSetUp(StringBuilder text) {
    text.append("\n## How each was set up\n\n");
    for (ContenderKind contender : ContenderKind.values()) {
      text.append("- %s: %s.\n".formatted(contender.label(), contender.description()));
    }
    text.append(
        """
        - LibTorch and ND4J: `THP_MEM_ALLOC_ENABLE=1`, `OMP_NUM_THREADS` and `OPENBLAS_NUM_THREADS` as above, `OMP_WAIT_POLICY=passive`, JavaCPP's memory limits off. They take as many rows at a time through all K steps as was fastest in a trial (1, 4, 16, 64 and all were tried).
        - By hand, what an inner step does not change is computed once per outer iteration, and the first step knows that all ratios are 1. Autograd reuses its first forward pass for p_old, as TRL does.

        Limits: one machine, one run; other programs and the machine's own memory speed change the times. The ratios are steadier than the times.
        """);
  }

  private static void appendTable(
      StringBuilder text, String heading, List<String> head, List<List<String>> rows) {
    text.append("\n").append(heading).append("\n\n");
    text.append(head.stream().collect(Collectors.joining(" | ", "| ", " |\n")));
    text.append(head.stream().map(_ -> "---").collect(Collectors.joining("|", "|", "|\n")));
    for (List<String> row : rows) {
      text.append(row.stream().collect(Collectors.joining(" | ", "| ", " |\n")));
    }
  }

  /** Three digits or so, without an exponent. */
  private static String number(double value) {
    return (value >= 100.0 ? "%,.0f" : value >= 10.0 ? "%.1f" : "%.2f").formatted(value);
  }

  private static String version(String library) {
    Matcher jar =
        Pattern.compile("/" + library + "-([0-9][^/:]*?)\\.jar")
            .matcher(System.getProperty("java.class.path"));
    return jar.find() ? jar.group(1) : "unknown";
  }

  private static String machine() {
    Path cpuInfo = Path.of("/proc/cpuinfo");
    String model = System.getProperty("os.arch");
    if (Files.isReadable(cpuInfo)) {
      try {
        model =
            Files.readAllLines(cpuInfo).stream()
                .filter(line -> line.startsWith("model name"))
                .map(line -> line.replaceFirst(".*:\\s*", ""))
                .findFirst()
                .orElse(model);
      } catch (IOException e) {
        model += " (" + e.getMessage() + ")";
      }
    }
    return "%s, %d processors, %s"
        .formatted(
            model, Runtime.getRuntime().availableProcessors(), System.getProperty("os.name"));
  }
}
