package dev.clipkl.cli;

import dev.clipkl.config.ConfigReference;
import dev.clipkl.config.RunConfig;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code clipkl config}: what can be configured, or what a configuration comes to. */
@Command(
    name = "config",
    description =
        "Without a file: describes every configuration key. With one: checks it, all problems at"
            + " once, and prints it with every default filled in, as a run would use it; nothing is"
            + " trained and no other file is opened.",
    footer = {
      "  ./run.sh config",
      "  ./run.sh config examples/demo.yaml --set objective.lambda=0.05",
      "  ./run.sh config --markdown"
    })
final class ConfigCommand implements Runnable {
  @Spec private CommandSpec command;

  @Parameters(
      arity = "0..1",
      paramLabel = "CONFIG.yaml",
      description = "The configuration to check and complete.")
  private @Nullable Path configuration;

  @Option(
      names = "--set",
      paramLabel = "PATH=VALUE",
      description = "Overrides one key of the file; may be repeated.")
  private List<String> overrides = new ArrayList<>();

  @Option(
      names = "--markdown",
      description = "Print the keys' description as docs/configuration.md has it.")
  private boolean markdown;

  @Override
  public void run() {
    PrintWriter out = command.commandLine().getOut();
    if (configuration != null) {
      if (markdown) {
        throw new ParameterException(
            command.commandLine(), "--markdown describes the keys, without CONFIG.yaml");
      }
      out.print(RunConfig.read(configuration, overrides).toYaml());
    } else if (!overrides.isEmpty()) {
      throw new ParameterException(
          command.commandLine(), "--set needs the CONFIG.yaml whose keys it overrides");
    } else if (markdown) {
      out.print(ConfigReference.markdown());
    } else {
      print(out);
    }
    out.flush();
  }

  private static void print(PrintWriter out) {
    FieldTable table = new FieldTable();
    for (ConfigReference.Entry entry : ConfigReference.entries()) {
      table.add(
          entry.key(),
          "%s It is %s; the default is %s."
              .formatted(entry.meaning(), entry.allowed(), entry.defaultValue()));
    }
    table.print(out);
  }
}
