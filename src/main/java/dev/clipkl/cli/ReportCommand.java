package dev.clipkl.cli;

import dev.clipkl.failure.InputException;
import dev.clipkl.report.Report;
import dev.clipkl.table.ByteSize;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code clipkl report}: runs or a comparison as one page. */
@Command(
    name = "report",
    description =
        "Writes one HTML file about runs or a comparison, which needs nothing else and opens"
            + " anywhere: summary, charts, token tables, certificates, configuration. The charts are"
            + " written as SVG and PNG files, too.",
    footer = {
      "  ./run.sh report runs/demo/reverse-kl",
      "  ./run.sh report runs/demo/reverse-kl runs/demo/forward-kl --out demo.html",
      "  ./run.sh report runs/compare"
    })
final class ReportCommand implements Runnable {
  private static final List<String> ENDINGS = List.of(".html", ".htm");

  @Mixin private final ResultOutput output = new ResultOutput();

  @Parameters(
      paramLabel = "DIR",
      arity = "1..*",
      description = "Directories of runs, finished or not; or the one of a comparison.")
  private List<Path> directories = new ArrayList<>();

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description =
          "The page (default: report.html in the run's or comparison's directory; of several runs"
              + " beside the first). A page that clipkl wrote is replaced.")
  private @Nullable Path out;

  @Option(
      names = "--charts",
      paramLabel = "DIR",
      description = "Where the charts' files go (default: charts beside the page).")
  private @Nullable Path charts;

  @Option(names = "--force", description = "Replace a file that clipkl did not write.")
  private boolean force;

  /**
   * What was written.
   *
   * @param page the HTML file
   * @param bytes its size
   * @param runs that it is about
   * @param charts the charts' files
   * @param notes what is missing in it, and why
   */
  record Written(Path page, long bytes, int runs, List<Path> charts, List<String> notes) {}

  @Override
  public void run() {
    Path page = page();
    Path folder = charts == null ? page.resolveSibling(Report.CHARTS) : charts;
    Report report = Report.of(directories);
    List<String> notes = report.writePage(page);
    List<Path> files = report.writeCharts(folder);
    try {
      Written written = new Written(page, Files.size(page), report.runs(), files, notes);
      output.print(written, text -> print(written, folder, text));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The page's file, after finding out that it may and can be written. */
  private Path page() {
    for (Path directory : directories) {
      if (!Files.isDirectory(directory)) {
        throw new InputException("%s: expected a run's directory".formatted(directory));
      }
    }
    Path page = out == null ? Report.defaultFile(directories) : out;
    if (!Files.exists(page)) {
      return OutputFile.require(page, ENDINGS, force);
    }
    boolean own = Files.isRegularFile(page) && Report.isReport(page);
    return OutputFile.require(page, ENDINGS, force || own);
  }

  private static void print(Written written, Path folder, PrintWriter text) {
    written.notes().forEach(note -> text.println("note: " + note));
    new FieldTable()
        .add("report", "%s, %s".formatted(written.page(), ByteSize.format(written.bytes())))
        .add(
            "charts", String.format(Locale.ROOT, "%d files in %s", written.charts().size(), folder))
        .print(text);
  }
}
