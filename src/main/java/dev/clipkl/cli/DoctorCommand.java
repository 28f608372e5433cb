package dev.clipkl.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Column;
import picocli.CommandLine.Help.Column.Overflow;
import picocli.CommandLine.Help.TextTable;
import picocli.CommandLine.Mixin;

/** {@code clipkl doctor}: what this machine offers and what to change. */
@Command(
    name = "doctor",
    description =
        "Reports what this machine offers clipkl: the JDK, the processor, memory, disk space and"
            + " libraries, and for everything that is not right what to change.",
    footer = {"  ./run.sh doctor", "  ./run.sh doctor --json"})
final class DoctorCommand implements Callable<Integer> {
  @Mixin private final ResultOutput output = new ResultOutput();

  /**
   * The result of an examination.
   *
   * @param usable whether clipkl can run here
   * @param version the version of clipkl
   * @param findings in the order in which they are printed
   */
  record Diagnosis(boolean usable, String version, List<Finding> findings) {}

  @Override
  public Integer call() {
    Diagnosis diagnosis = examine();
    output.print(diagnosis, out -> print(diagnosis, out));
    return diagnosis.usable() ? CommandRunner.DONE : CommandRunner.ENVIRONMENT;
  }

  /** All findings: a new examination is one more line here. */
  private static Diagnosis examine() {
    List<Finding> findings =
        Stream.of(
                HostFindings.all(),
                EngineFindings.all(),
                DiskFindings.of(Path.of("")),
                LibraryFindings.of(System.getProperty("java.class.path")))
            .flatMap(List::stream)
            .toList();
    return diagnose(findings);
  }

  static Diagnosis diagnose(List<Finding> findings) {
    return new Diagnosis(
        findings.stream().allMatch(Finding::usable), Version.clipkl(), List.copyOf(findings));
  }

  static void print(Diagnosis diagnosis, PrintWriter out) {
    TextTable table =
        TextTable.forColumns(
            Help.defaultColorScheme(Help.Ansi.OFF),
            new Column(18, 0, Overflow.SPAN),
            new Column(13, 0, Overflow.SPAN),
            new Column(81, 0, Overflow.WRAP));
    for (Finding finding : diagnosis.findings()) {
      String status = finding.status().name().toLowerCase(Locale.ROOT);
      table.addRowValues(finding.name(), status, finding.detail());
      if (finding.remedy() != null) {
        table.addRowValues("", "", "-> " + finding.remedy());
      }
    }
    out.println("clipkl " + diagnosis.version());
    out.print(table);
    out.println(diagnosis.usable() ? "clipkl can run here." : "clipkl cannot run here.");
  }
}
