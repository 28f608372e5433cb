package dev.clipkl.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code clipkl reference}: where reference policies come from. */
@Command(
    name = "reference",
    subcommands = {ReferenceBuildCommand.class, ReferenceImportCommand.class},
    description = "Makes reference policies: from a corpus, or from rows that an LLM has given.",
    footer = "  ./run.sh reference build --help")
final class ReferenceCommand implements Runnable {
  @Spec private CommandSpec command;

  @Override
  public void run() {
    throw new MissingSubcommand(command);
  }
}
