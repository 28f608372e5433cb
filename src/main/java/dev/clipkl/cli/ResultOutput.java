package dev.clipkl.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import dev.clipkl.metrics.FiniteNumber;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.function.Consumer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * How a command prints its result: as text or, with {@code --json}, as one JSON document. Add it to
 * a command with {@code @Mixin}.
 */
final class ResultOutput {
  /** Paths as they were given rather than as URIs, and null for what JSON has no number for. */
  private static final SimpleModule PLAIN_VALUES =
      FiniteNumber.module().addSerializer(Path.class, ToStringSerializer.instance);

  /** Writes records, maps and lists on one line, as they are printed with {@code --json}. */
  static final JsonMapper MAPPER =
      JsonMapper.builder()
          .addModule(PLAIN_VALUES)
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .build();

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--json",
      description =
          "Print the result as one JSON document on standard output; everything else goes to"
              + " standard error.")
  boolean json;

  /**
   * Prints the result; call it once per command.
   *
   * @param document a record, map or list that Jackson can write; its keys become snake_case
   * @param text prints the same result for a reader
   */
  void print(Object document, Consumer<PrintWriter> text) {
    PrintWriter out = command.commandLine().getOut();
    if (json) {
      out.println(toJson(document));
    } else {
      text.accept(out);
    }
    out.flush();
  }

  /** Where a command tells what it is doing: never among the result's JSON. */
  PrintWriter narration() {
    return json ? command.commandLine().getErr() : command.commandLine().getOut();
  }

  /** The document as {@code --json} prints it. */
  static String toJson(Object document) {
    try {
      return MAPPER.writer(SerializationFeature.INDENT_OUTPUT).writeValueAsString(document);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("the result cannot be written as JSON", e);
    }
  }
}
