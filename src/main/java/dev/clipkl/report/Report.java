package dev.clipkl.report;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import dev.clipkl.table.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A report of runs or of a comparison: one HTML file, and its charts as SVG and PNG files. */
public final class Report {
  /** The folder beside a page that its charts' files go to. */
  public static final String CHARTS = "charts";

  /** What the page says of itself, so that a later report may replace it. */
  private static final String GENERATOR = "<meta name=\"generator\" content=\"clipkl report\">";

  private static final int HEAD = 2048;

  private final ReportSubject subject;
  private final List<Chart> charts;

  private Report(ReportSubject subject, List<Chart> charts) {
    this.subject = subject;
    this.charts = charts;
  }

  /**
   * Reads what the report is about.
   *
   * @param directories of runs, or the one of a comparison; at least one
   * @throws InputException when one holds neither, or a file in it is unsound
   */
  public static Report of(List<Path> directories) {
    ReportSubject subject = ReportSubject.read(directories);
    List<Chart> charts = new ArrayList<>();
    if (subject.comparison() != null && subject.comparison().frontier() != null) {
      charts.addAll(FrontierCharts.of(subject.comparison().frontier()));
    }
    charts.addAll(RunCharts.of(subject.runs()));
    return new Report(subject, charts.stream().filter(Chart::hasPoints).toList());
  }

  /**
   * Where a report goes if nobody says: into the run's or the comparison's folder; of several runs
   * beside the first.
   */
  public static Path defaultFile(List<Path> directories) {
    Path first = directories.getFirst();
    boolean within = directories.size() == 1;
    return within ? first.resolve("report.html") : first.resolveSibling("report.html");
  }

  /**
   * Whether a file was written by this program, so that nothing of anybody's is lost with it.
   *
   * @throws EnvironmentException when it cannot be read
   */
  public static boolean isReport(Path file) {
    try (var stream = Files.newInputStream(file)) {
      String head = new String(stream.readNBytes(HEAD), UTF_8);
      return head.contains(GENERATOR);
    } catch (IOException e) {
      throw new EnvironmentException("cannot read %s: %s".formatted(file, e.getMessage()), e);
    }
  }

  /** Number of runs that it is about. */
  public int runs() {
    return subject.runs().size();
  }

  /**
   * Writes the page, atomically.
   *
   * @return what the reader should know: runs without tokens, and why
   */
  public List<String> writePage(Path file) {
    TokenTables.Found tokens = TokenTables.of(subject.runs());
    PageView view = new PageViews(subject).view(charts, tokens);
    PageData data =
        new PageData(
            subject.runs().stream().map(ReportSubject.Run::label).toList(),
            subject.groups(),
            charts,
            tokens.tables());
    AtomicFile.writeString(file, ReportPage.html(view, data));
    return tokens.notes();
  }

  /**
   * Writes every chart as SVG and PNG, named by what it shows; files of these names are replaced.
   *
   * @return the files
   */
  public List<Path> writeCharts(Path folder) {
    return ChartFiles.write(charts, folder);
  }
}
