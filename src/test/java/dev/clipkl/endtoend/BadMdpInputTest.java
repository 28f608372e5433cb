package dev.clipkl.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.cli.CommandLineProbe;
import dev.clipkl.table.SafetensorsWriter;
import dev.clipkl.table.SafetensorsWriter.Declaration;
import dev.clipkl.table.TensorType;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Processes that cannot be used: one line that says where, exit code 2, and no file touched. */
class BadMdpInputTest {
  private static final int BAD_INPUT = 2;
  private static final int ENVIRONMENT = 3;

  @TempDir Path folder;

  /** A tensor with its numbers, row by row. */
  @SuppressWarnings("ArrayRecordComponent") // Written once, never compared.
  record Numbers(long[] shape, double[] values) {
    static Numbers of(List<Integer> shape, double... values) {
      return new Numbers(shape.stream().mapToLong(n -> n).toArray(), values);
    }
  }

  /**
   * What replaces a sound process's tensors (null: takes away), its configuration, what is said.
   */
  record Case(
      String name,
      int exitCode,
      Map<String, Numbers> changed,
      List<String> missing,
      String problem,
      String more,
      String... said) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static final String DISCOUNTED = "kind: mdp, discount: 0.9";

  private static Case changed(String tensor, String name, Numbers numbers, String... said) {
    return new Case(name, BAD_INPUT, Map.of(tensor, numbers), List.of(), DISCOUNTED, "", said);
  }

  private static Case missing(String tensor) {
    return new Case(
        "no " + tensor,
        BAD_INPUT,
        Map.of(),
        List.of(tensor),
        DISCOUNTED,
        "",
        "mdp.safetensors",
        "no tensor named " + tensor);
  }

  private static Case configured(String name, String problem, String more, String... said) {
    return new Case(name, BAD_INPUT, Map.of(), List.of(), problem, more, said);
  }

  static Stream<Case> cases() {
    return Stream.of(
        missing("transitions"),
        missing("rewards"),
        missing("reference"),
        missing("start"),
        changed(
            "transitions",
            "transitions of two dimensions",
            Numbers.of(List.of(2, 2), 1.0, 0.0, 0.0, 1.0),
            "transitions",
            "got [2, 2]"),
        changed(
            "transitions",
            "transitions to another number of states",
            Numbers.of(List.of(2, 2, 1), 1.0, 1.0, 1.0, 1.0),
            "transitions",
            "expected shape [2, 2, 2], got [2, 2, 1]"),
        changed(
            "transitions",
            "no states",
            Numbers.of(List.of(0, 2, 0)),
            "transitions",
            "expected 1 to 1048576 states and actions"),
        changed(
            "transitions",
            "transitions that do not sum to 1",
            Numbers.of(List.of(2, 2, 2), 0.9, 0.1, 0.2, 0.8, 0.5, 0.4, 0.1, 0.9),
            "transitions[1, 0, :] must sum to 1 within 1.0E-4, got 0.9"),
        changed(
            "transitions",
            "negative probability",
            Numbers.of(List.of(2, 2, 2), 0.9, 0.1, 1.2, -0.2, 0.5, 0.5, 0.1, 0.9),
            "transitions[0, 1, 1] must be a probability, got -0.2"),
        changed(
            "transitions",
            "probability that is no number",
            Numbers.of(List.of(2, 2, 2), 0.9, 0.1, 0.2, 0.8, 0.5, 0.5, Double.NaN, 0.9),
            "transitions[1, 1, 0] must be a probability, got NaN"),
        changed(
            "transitions",
            "infinite probability",
            Numbers.of(
                List.of(2, 2, 2), 0.9, 0.1, 0.2, Double.POSITIVE_INFINITY, 0.5, 0.5, 0.1, 0.9),
            "transitions[0, 1",
            "got Infinity"),
        changed(
            "reference",
            "zero reference probability",
            Numbers.of(List.of(2, 2), 0.7, 0.3, 1.0, 0.0),
            "reference[1, 1] must be a probability above 0, got 0.0"),
        changed(
            "reference",
            "log-probabilities where probabilities are due",
            Numbers.of(List.of(2, 2), Math.log(0.7), Math.log(0.3), Math.log(0.4), Math.log(0.6)),
            "reference[0, 0] must be a probability above 0, got -0.3566"),
        changed(
            "reference",
            "reference that does not sum to 1",
            Numbers.of(List.of(2, 2), 0.7, 0.3, 0.7, 0.6),
            "reference[1, :] must sum to 1",
            "got 1.29"),
        changed(
            "reference",
            "reference of another shape",
            Numbers.of(List.of(2, 3), 0.4, 0.3, 0.3, 0.4, 0.3, 0.3),
            "reference",
            "expected shape [2, 2], got [2, 3]"),
        changed(
            "rewards",
            "NaN reward",
            Numbers.of(List.of(2, 2), 1.0, 0.0, Double.NaN, 0.8),
            "rewards[1, 0] must be finite, got NaN"),
        changed(
            "rewards",
            "rewards for one state only",
            Numbers.of(List.of(2), 1.0, 0.0),
            "rewards",
            "expected shape [2, 2], got [2]"),
        changed(
            "start",
            "start with a zero",
            Numbers.of(List.of(2), 1.0, 0.0),
            "start[1] must be above 0 and finite, got 0.0"),
        changed(
            "start",
            "start of another length",
            Numbers.of(List.of(3), 0.4, 0.3, 0.3),
            "start",
            "expected shape [2], got [3]"),
        changed(
            "initial_logits",
            "infinite initial logit",
            Numbers.of(List.of(2, 2), 0.0, Double.NEGATIVE_INFINITY, 0.0, 0.0),
            "initial_logits[0, 1] must be finite, got -Infinity"),
        changed(
            "initial_logits",
            "initial logits of another shape",
            Numbers.of(List.of(4), 0.0, 0.0, 0.0, 0.0),
            "initial_logits",
            "expected shape [2, 2], got [4]"),
        configured(
            "discount of 1",
            "kind: mdp, discount: 1",
            "",
            "problem.discount must be below 1 for problem.kind mdp, got 1"),
        configured(
            "negative discount",
            "kind: mdp, discount: -0.1",
            "",
            "problem.discount must be in [0, 1], got -0.1"),
        configured(
            "engine in float32",
            DISCOUNTED,
            "run: {engine: vector}",
            "run.engine must be auto or reference for problem.kind mdp, got vector"),
        configured(
            "prompts of a process",
            DISCOUNTED + ", prompts: prompts.jsonl",
            "",
            "problem.prompts does not go with problem.kind mdp"),
        configured(
            "process taken for a bandit", "kind: bandit", "", "mdp.safetensors", "reference_log"),
        new Case(
            "process that does not fit",
            ENVIRONMENT,
            Map.of(),
            List.of(),
            DISCOUNTED,
            "run: {memory: 100B}",
            "transitions",
            "100 B are available (the given limit)",
            "fewer states or actions"));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void isRefusedInOneLineAndNothingIsWritten(Case bad) {
    CommandLineProbe.Outcome outcome = train(bad, true);
    assertThat(outcome.err()).startsWith("clipkl: ").hasLineCount(1).contains(bad.said());
    assertThat(outcome.err()).doesNotContain("Exception", "\tat ", "internal error");
    assertThat(outcome.exitCode()).isEqualTo(bad.exitCode());
  }

  /** The process that each case changes is a sound one. */
  @Test
  void soundProcessTrains() {
    CommandLineProbe.Outcome outcome =
        train(
            new Case("sound", 0, Map.of(), List.of(), DISCOUNTED, "objective: {lambda: 0.5}"),
            false);
    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    assertThat(outcome.out()).contains("the exact gap reached the tolerance", "optimum 7.712414");
  }

  private CommandLineProbe.Outcome train(Case bad, boolean writesNothing) {
    Map<String, Numbers> tensors = new LinkedHashMap<>();
    tensors.put(
        "transitions", Numbers.of(List.of(2, 2, 2), 0.9, 0.1, 0.2, 0.8, 0.5, 0.5, 0.1, 0.9));
    tensors.put("rewards", Numbers.of(List.of(2, 2), 1.0, 0.0, 0.3, 0.8));
    tensors.put("start", Numbers.of(List.of(2), 0.6, 0.4));
    tensors.put("reference", Numbers.of(List.of(2, 2), 0.7, 0.3, 0.4, 0.6));
    tensors.putAll(bad.changed());
    bad.missing().forEach(tensors::remove);
    Path file = folder.resolve("mdp.safetensors");
    write(file, tensors);
    Path config =
        RunFiles.write(
            folder.resolve("run.yaml"),
            "problem: {%s, import: %s}\n%s\n".formatted(bad.problem(), file, bad.more()));
    Map<String, String> before = RunFiles.content(folder);
    CommandLineProbe.Outcome outcome =
        CommandLineProbe.run("train", config.toString(), "--out", folder.resolve("new").toString());
    if (writesNothing) {
      assertThat(RunFiles.content(folder)).isEqualTo(before);
    }
    return outcome;
  }

  private static void write(Path file, Map<String, Numbers> tensors) {
    List<Declaration> declarations =
        tensors.entrySet().stream()
            .map(tensor ->
                new Declaration(tensor.getKey(), TensorType.F64, tensor.getValue().shape()))
            .toList();
    try (SafetensorsWriter writer = SafetensorsWriter.open(file, Map.of(), declarations)) {
      tensors
          .values()
          .forEach(numbers -> writer.writeDoubles(numbers.values(), numbers.values().length));
      writer.commit();
    }
  }
}
