package dev.clipkl.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The root command: all subcommands are registered here, and inherit its options and its texts. */
@Command(
    name = "clipkl",
    subcommands = {
      DoctorCommand.class,
      DemoCommand.class,
      ReferenceCommand.class,
      RewardCommand.class,
      TrainCommand.class,
      CompareCommand.class,
      ExportCommand.class,
      SampleCommand.class,
      CertifyCommand.class,
      ReportCommand.class,
      AuditCommand.class,
      BenchCommand.class,
      ConfigCommand.class,
      CompletionCommand.class,
      HelpCommand.class
    },
    scope = ScopeType.INHERIT,
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    usageHelpAutoWidth = true,
    synopsisSubcommandLabel = "COMMAND",
    description =
        "Trains softmax token policies over large vocabularies with deterministic PPO-Clip,"
            + " regularised towards a reference policy, and reports the exact distance to the"
            + " best possible policy.",
    descriptionHeading = "%n",
    parameterListHeading = "%nArguments:%n",
    optionListHeading = "%nOptions:%n",
    commandListHeading = "%nCommands:%n",
    footerHeading = "%nExamples:%n",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:The command is done.",
      "1:A check or a claim failed.",
      "2:The usage or the input is wrong.",
      "3:The environment cannot do it: memory, disk or a demanded device is missing.",
      "130:The command was interrupted; a training run has written its checkpoint."
    },
    footer = {"  ./run.sh demo", "  ./run.sh train examples/demo.yaml", "  ./run.sh help train"})
final class ClipklCommand implements Runnable {
  @Spec private CommandSpec command;

  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      description = "Print the stack trace when the command fails.")
  boolean debug;

  @Override
  public void run() {
    throw new MissingSubcommand(command);
  }
}
