package dev.clipkl.cli;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** A command that only groups others was given without one of them. */
final class MissingSubcommand extends ParameterException {
  private static final long serialVersionUID = 1;

  MissingSubcommand(CommandSpec group) {
    super(
        group.commandLine(),
        "a command is missing, expected one of " + String.join(", ", group.subcommands().keySet()));
  }
}
