package dev.clipkl.cli;

import java.io.PrintWriter;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code clipkl completion}: lets the shell complete commands and options. */
@Command(
    name = "completion",
    description =
        "Prints a script that lets bash and zsh complete the commands and options of run.sh and"
            + " clipkl. Load it in your shell, or from its start-up file.",
    footer = "  source <(./run.sh completion)")
final class CompletionCommand implements Runnable {
  /** What users type, besides the name that the script is made for. */
  private static final String START_SCRIPT = "run.sh";

  @Spec private CommandSpec command;

  @Override
  public void run() {
    CommandLine root = command.root().commandLine();
    String name = root.getCommandName();
    PrintWriter out = root.getOut();
    out.print(AutoComplete.bash(name, root));
    // Bash looks completions up by the base name, so this serves ./run.sh and any other path to it.
    out.printf("complete -F _complete_%s -o default %s%n", name, START_SCRIPT);
    out.flush();
  }
}
