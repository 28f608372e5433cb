package dev.clipkl.cli;

import dev.clipkl.compare.Comparison;
import dev.clipkl.compare.ComparisonChecks;
import dev.clipkl.compare.ComparisonRun;
import dev.clipkl.config.RunConfig;
import dev.clipkl.failure.CheckFailedException;
import dev.clipkl.report.Report;
import dev.clipkl.training.TrainingListener;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code clipkl compare}: several divergences, or any settings, on one problem. */
@Command(
    name = "compare",
    description =
        "Trains several divergences at the same lambda, at the same KL of either direction, and"
            + " along the frontier of reward against KL, each beside its exact optimum; or sweeps"
            + " over any settings. Section compare of the configuration says what. The folder then"
            + " holds comparison.json, results.csv, results.jsonl, report.html, its charts as SVG and"
            + " PNG files, and a directory per run. Exit code 1 when a policy lies above the exact"
            + " frontier.",
    footer = {
      "  ./run.sh compare examples/compare.yaml",
      "  ./run.sh compare examples/sweep.yaml --set compare.parallel=2 --out runs/sweep",
      "  ./run.sh compare --resume runs/compare"
    })
final class CompareCommand implements Callable<Integer> {
  @Spec private CommandSpec command;

  @Mixin private final ResultOutput output = new ResultOutput();

  @Parameters(
      arity = "0..1",
      paramLabel = "CONFIG.yaml",
      description = "A run's configuration with a section compare; examples/compare.yaml is one.")
  private @Nullable Path configuration;

  @Option(
      names = "--set",
      paramLabel = "PATH=VALUE",
      description = "Overrides one key, for instance compare.parallel=2; may be repeated.")
  private List<String> overrides = new ArrayList<>();

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "The comparison's folder, new or empty (default: the configuration's run.out).")
  private @Nullable Path out;

  @Option(
      names = "--resume",
      paramLabel = "DIR",
      description = "Continues the comparison in this folder: finished runs are kept.")
  private @Nullable Path resume;

  @Override
  public Integer call() {
    if (resume != null && configuration == null) {
      if (!overrides.isEmpty() || out != null) {
        throw new ParameterException(
            command.commandLine(),
            "--resume takes the comparison's own configuration: --set and --out cannot change it");
      }
      try (StopSignal signal = new StopSignal()) {
        return report(resume, ComparisonRun.resume(resume, listener(signal)));
      }
    }
    if (configuration == null || resume != null) {
      throw new ParameterException(
          command.commandLine(), "expected either CONFIG.yaml or --resume DIR");
    }
    List<String> settings = new ArrayList<>(overrides);
    if (out != null) {
      settings.add("run.out=" + out);
    }
    RunConfig config = RunConfig.read(configuration, settings);
    String name = String.valueOf(configuration.getFileName()).replaceFirst("(?i)\\.ya?ml$", "");
    try (StopSignal signal = new StopSignal()) {
      return report(config.run().out(), ComparisonRun.start(config, name, listener(signal)));
    }
  }

  private TrainingListener listener(StopSignal signal) {
    PrintWriter narration = output.narration();
    return new TrainingListener() {
      @Override
      public synchronized void note(String line) {
        narration.println(line);
        narration.flush();
      }

      @Override
      public boolean stopRequested() {
        return signal.requested();
      }
    };
  }

  private int report(Path folder, Optional<Comparison> result) {
    PrintWriter narration = output.narration();
    if (result.isEmpty()) {
      narration.println(
          Files.isDirectory(folder)
              ? "continue it with: clipkl compare --resume " + folder
              : "interrupted before any run had started");
      narration.flush();
      return CommandRunner.INTERRUPTED;
    }
    Comparison comparison = result.get();
    ComparisonChecks.warnings(comparison)
        .forEach(warning -> narration.println("warning: " + warning));
    Optional<Path> page = writePage(comparison, folder, narration);
    output.print(
        comparison,
        text -> {
          new CompareTable(comparison).print(text);
          text.println();
          text.println("results: " + folder.resolve("results.csv"));
          page.ifPresent(file -> text.println("report:  " + file));
        });
    List<String> violations = ComparisonChecks.violations(comparison);
    if (!violations.isEmpty()) {
      throw new CheckFailedException(String.join("\n", violations));
    }
    return CommandRunner.DONE;
  }

  /** The comparison as a page; a sweep alone has nothing side by side that it could show. */
  private static Optional<Path> writePage(
      Comparison comparison, Path folder, PrintWriter narration) {
    if (comparison.matches().isEmpty() && comparison.frontier() == null) {
      return Optional.empty();
    }
    Path page = Report.defaultFile(List.of(folder));
    Report report = Report.of(List.of(folder));
    report.writePage(page).forEach(note -> narration.println("note: " + note));
    report.writeCharts(page.resolveSibling(Report.CHARTS));
    return Optional.of(page);
  }
}
