package dev.clipkl.cli;

import java.util.Map;
import java.util.Stack;
import picocli.CommandLine.IParameterPreprocessor;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Lets an option for a port stand without one before any other argument, which picocli would take
 * for the port.
 */
final class OptionalPort implements IParameterPreprocessor {
  /** Any port that is free. */
  private static final String FREE = "0";

  @Override
  @SuppressWarnings("JdkObsolete") // picocli's own type.
  public boolean preprocess(
      Stack<String> arguments, CommandSpec command, ArgSpec option, Map<String, Object> info) {
    boolean attached = "=".equals(info.get("separator"));
    if (!attached && (arguments.isEmpty() || !arguments.peek().matches("\\d+"))) {
      arguments.push(FREE);
    }
    return false;
  }
}
