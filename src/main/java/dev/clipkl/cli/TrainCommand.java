package dev.clipkl.cli;

import dev.clipkl.config.EngineChoice;
import dev.clipkl.config.RunConfig;
import dev.clipkl.dashboard.Dashboard;
import dev.clipkl.dashboard.RunFacts;
import dev.clipkl.failure.CommandException;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.metrics.MetricRecord;
import dev.clipkl.training.StopReason;
import dev.clipkl.training.TrainingListener;
import dev.clipkl.training.TrainingResult;
import dev.clipkl.training.TrainingRun;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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

/** {@code clipkl train}: from a configuration to an aligned policy. */
@Command(
    name = "train",
    description =
        "Trains a policy as a configuration says, or continues an interrupted run. The run directory"
            + " then holds the policy, the metrics of every outer iteration and the resolved"
            + " configuration. Ctrl-C writes a checkpoint first.")
final class TrainCommand implements Callable<Integer> {
  private static final int LAST_PORT = 65_535;

  @Spec private CommandSpec command;

  @Mixin private final ResultOutput output = new ResultOutput();

  @Parameters(
      arity = "0..1",
      paramLabel = "CONFIG.yaml",
      description = "The run's configuration; examples/ has some to start from.")
  private @Nullable Path configuration;

  @Option(
      names = "--set",
      paramLabel = "PATH=VALUE",
      description = "Overrides one key, for instance objective.lambda=0.05; may be repeated.")
  private List<String> overrides = new ArrayList<>();

  @Option(names = "--engine", paramLabel = "E", description = "The same as --set run.engine=E.")
  private @Nullable EngineChoice engine;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "The run directory, new or empty (default: the configuration's run.out).")
  private @Nullable Path out;

  @Option(
      names = "--resume",
      paramLabel = "DIR",
      description = "Continues the run in this directory from its latest checkpoint.")
  private @Nullable Path resume;

  @Option(
      names = "--dashboard",
      arity = "0..1",
      preprocessor = OptionalPort.class,
      paramLabel = "PORT",
      description =
          "Shows the run on a page of this machine while it lasts; the address is printed. Without"
              + " PORT on a free one.")
  private @Nullable Integer dashboard;

  /** One session of a run; empty when the run has already ended. */
  @FunctionalInterface
  private interface Session {
    Optional<TrainingResult> run(TrainingListener listener);
  }

  /**
   * The result.
   *
   * @param directory the run directory
   * @param stopReason why it ended
   * @param outerIterations outer iterations done
   * @param seconds seconds of training
   * @param phaseSeconds where all the time went
   * @param metrics after the last of them
   */
  record Summary(
      String directory,
      String stopReason,
      int outerIterations,
      double seconds,
      Map<String, Double> phaseSeconds,
      Map<String, Double> metrics) {}

  @Override
  public Integer call() {
    if (dashboard != null && (dashboard < 0 || dashboard > LAST_PORT)) {
      throw new ParameterException(
          command.commandLine(),
          "--dashboard must be a port in 0 to %d, got %d".formatted(LAST_PORT, dashboard));
    }
    if (resume != null && configuration == null) {
      if (!overrides.isEmpty() || out != null || engine != null) {
        throw new ParameterException(
            command.commandLine(),
            "--resume takes the run's own configuration: --set, --engine and --out cannot change"
                + " it");
      }
      return resume(resume);
    }
    if (configuration == null || resume != null) {
      throw new ParameterException(
          command.commandLine(), "expected either CONFIG.yaml or --resume DIR");
    }
    List<String> settings = new ArrayList<>(overrides);
    if (engine != null) {
      settings.add("run.engine=" + engine.name().toLowerCase(Locale.ROOT));
    }
    if (out != null) {
      settings.add("run.out=" + out);
    }
    RunConfig config = RunConfig.read(configuration, settings);
    return train(
        config, config.run().out(), listener -> Optional.of(TrainingRun.start(config, listener)));
  }

  private int resume(Path directory) {
    return train(
        TrainingRun.configuration(directory),
        directory,
        listener -> TrainingRun.resume(directory, listener));
  }

  private int train(RunConfig config, Path directory, Session session) {
    try (StopSignal signal = new StopSignal();
        ProgressView view = view(config, signal)) {
      Optional<TrainingResult> result =
          dashboard == null
              ? session.run(view)
              : watched(config, directory, dashboard, session, view);
      if (result.isEmpty()) {
        view.note(directory + " has already ended: its policy is in policy.safetensors");
        return CommandRunner.DONE;
      }
      return report(directory, result.get(), view);
    }
  }

  private Optional<TrainingResult> watched(
      RunConfig config, Path directory, int port, Session session, ProgressView view) {
    RunFacts facts =
        new RunFacts(
            String.valueOf(directory.toAbsolutePath().normalize().getFileName()),
            config.values(),
            config.optimizer().tolerance(),
            config.optimizer().outerIterations());
    try (Dashboard page = new Dashboard(port, facts)) {
      view.note("dashboard: " + page.address());
      try {
        Optional<TrainingResult> result = session.run(new WatchedTraining(view, page));
        page.end(result.map(ended -> ended.reason().sentence()).orElse("it had ended before"));
        return result;
      } catch (CommandException e) {
        page.end(String.valueOf(e.getMessage()));
        throw e;
      }
    }
  }

  private ProgressView view(RunConfig config, StopSignal signal) {
    return new ProgressView(
        "training",
        output.narration(),
        Terminal.isInteractive() && !output.json,
        config.optimizer().tolerance(),
        config.optimizer().outerIterations(),
        signal);
  }

  private int report(Path directory, TrainingResult result, ProgressView view) {
    view.close();
    MetricRecord latest = result.progress().latest();
    output.print(
        new Summary(
            directory.toString(),
            result.reason().name().toLowerCase(Locale.ROOT),
            result.progress().outerIteration(),
            result.progress().seconds(),
            result.spent().byKey(),
            latest.values()),
        text -> print(directory, result, text));
    PrintWriter err = command.commandLine().getErr();
    err.println("time: " + result.spent().line());
    err.flush();
    return result.reason() == StopReason.INTERRUPTED
        ? CommandRunner.INTERRUPTED
        : CommandRunner.DONE;
  }

  private static void print(Path directory, TrainingResult result, PrintWriter text) {
    MetricRecord latest = result.progress().latest();
    text.printf(
        Locale.ROOT,
        "stopped after %d outer iterations and %.1f s: %s%n",
        result.progress().outerIteration(),
        result.progress().seconds(),
        result.reason().sentence());
    text.printf(
        Locale.ROOT,
        "  value      %.6f, optimum %.6f, exact gap %.2e%n",
        latest.get(MetricNames.VALUE),
        latest.get(MetricNames.OPTIMUM),
        latest.get(MetricNames.GAP));
    text.printf(
        Locale.ROOT,
        "  reward     %.6f, was %.6f%n",
        latest.get(MetricNames.REWARD),
        result.first().get(MetricNames.REWARD));
    text.printf(
        Locale.ROOT,
        "  KL         %.4f nats policy to reference, %.4f nats reference to policy%n",
        latest.get(MetricNames.KL_POLICY_TO_REFERENCE),
        latest.get(MetricNames.KL_REFERENCE_TO_POLICY));
    text.println(
        result.reason() == StopReason.INTERRUPTED
            ? "  continue it with: clipkl train --resume " + directory
            : "  policy     " + directory.resolve("policy.safetensors"));
  }
}
