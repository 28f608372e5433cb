package dev.clipkl.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.config.RunConfig;
import dev.clipkl.failure.InputException;
import dev.clipkl.objective.Divergence;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RunPlannerTest {
  private static RunPlanner planner(String yaml) {
    return new RunPlanner(
        RunConfig.parse(
            "problem: {prompts: p, tokenizer: t, reference: q, reward: r}\n" + yaml,
            "test",
            "test",
            List.of()));
  }

  @Test
  void sweepHasEveryCombinationOnEverySampleUnderANameThatSaysIt() {
    RunPlanner planner =
        planner(
            """
            compare:
              sweep: {objective.divergence: [js, alpha(-1)], optimizer.inner-steps: [1, 2]}
              prompt-sample: {count: 2, seeds: [4, 5]}
            """);
    planner.addSweep(Map.of(4, Path.of("/four")));
    assertThat(planner.runs())
        .extracting(PlannedRun::id)
        .containsExactly(
            "divergence-js_inner-steps-1_prompts-4",
            "divergence-js_inner-steps-2_prompts-4",
            "divergence-alpha--1.0_inner-steps-1_prompts-4",
            "divergence-alpha--1.0_inner-steps-2_prompts-4");
    PlannedRun last = planner.runs().getLast();
    assertThat(last.config().objective().divergence().name()).isEqualTo("alpha(-1.0)");
    assertThat(last.config().optimizer().innerSteps()).isEqualTo(2);
    assertThat(last.config().problem().prompts()).contains(Path.of("/four"));
    assertThat(last.settings())
        .containsEntry("optimizer.inner-steps", "2")
        .containsEntry("prompt-sample.seed", "4");
  }

  @Test
  void whatIsWantedTwiceIsTrainedOnce() {
    RunPlanner planner =
        planner("compare: {sweep: {objective.divergence: [js, chi2], objective.lambda: [0.2]}}");
    PlannedRun first = planner.objective(Divergence.parse("js"), 0.2);
    assertThat(planner.objective(Divergence.parse("js"), 0.2)).isSameAs(first);
    planner.addSweep(Map.of());
    assertThat(planner.runs())
        .extracting(PlannedRun::id)
        .containsExactly("js_lambda-0.2", "divergence-chi2_lambda-0.2");
  }

  @Test
  void valuesThatContradictOneAnotherAreOneLineWithTheCombination() {
    RunPlanner planner =
        planner("mode: faithful\ncompare: {sweep: {optimizer.kind: [gradient, adam]}}");
    assertThatThrownBy(() -> planner.addSweep(Map.of()))
        .isInstanceOf(InputException.class)
        .hasMessage(
            "compare.sweep: optimizer.kind=adam: optimizer.kind adam contradicts mode faithful,"
                + " which means gradient");
  }

  @Test
  void tooManyRunsAreRefused() {
    String values =
        "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22]";
    RunPlanner planner =
        planner(
            "compare: {sweep: {objective.lambda: %s, optimizer.inner-steps: %s, optimizer.step-size: %s}}"
                .formatted(values, values, values));
    assertThatThrownBy(() -> planner.addSweep(Map.of()))
        .hasMessage("compare.sweep: expected at most 10000 runs, got 10648 or more");
  }
}
