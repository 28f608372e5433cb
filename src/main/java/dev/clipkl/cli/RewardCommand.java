package dev.clipkl.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code clipkl reward}: where rewards come from. */
@Command(
    name = "reward",
    subcommands = {RewardFitCommand.class},
    description = "Makes token rewards.",
    footer = "  ./run.sh reward fit --help")
final class RewardCommand implements Runnable {
  @Spec private CommandSpec command;

  @Override
  public void run() {
    throw new MissingSubcommand(command);
  }
}
