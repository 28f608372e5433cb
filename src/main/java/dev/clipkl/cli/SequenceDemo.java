package dev.clipkl.cli;

import dev.clipkl.config.RunConfig;
import dev.clipkl.inspect.PolicySource;
import dev.clipkl.sampling.SamplingSettings;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What the demo of texts shows.
 *
 * @param runs one per divergence
 * @param lambdas each divergence's weight
 * @param texts some texts of every policy's more probable tokens
 * @param averages of every policy's texts
 */
record SequenceDemo(
    List<DemoTable.Run> runs,
    Map<String, Double> lambdas,
    SampleTable texts,
    SampleTable averages) {
  private static final int TEXTS = 10_000;
  private static final int SHOWN = 6;
  private static final int LENGTH = 64;

  /** Texts read better without the many improbable tokens that a whole vocabulary has. */
  private static final double SHOWN_TOP_P = 0.7;

  private static final long SEED = 1;

  /**
   * Forward KL's own weight: at the example's, nearly all tokens would be one word, since forward
   * KL's optimum moves its mass to the best token where the span of the rewards exceeds lambda.
   */
  private static final String FORWARD_KL_LAMBDA = "0.45";

  static RunConfig config(DemoInputs inputs, String divergence, Path directory) {
    List<String> settings =
        divergence.equals("forward-kl")
            ? List.of("objective.lambda=" + FORWARD_KL_LAMBDA)
            : List.of();
    return inputs.config("sequence.yaml", divergence, directory, settings);
  }

  /** Draws texts of the runs' policies and of their reference, all with the same numbers. */
  static SequenceDemo of(List<DemoTable.Run> runs) {
    Map<String, Double> lambdas = new LinkedHashMap<>();
    List<PolicySource> sources = new ArrayList<>();
    for (DemoTable.Run run : runs) {
      PolicySource source = new PolicySource(Path.of(run.directory()));
      sources.add(source);
      lambdas.put(run.divergence(), source.configuration().objective().lambda());
    }
    return new SequenceDemo(
        runs,
        lambdas,
        table(runs, sources, new SamplingSettings(SHOWN, SEED, 1.0, SHOWN_TOP_P, LENGTH)),
        table(runs, sources, new SamplingSettings(TEXTS, SEED, 1.0, 1.0, LENGTH)));
  }

  private static SampleTable table(
      List<DemoTable.Run> runs, List<PolicySource> sources, SamplingSettings settings) {
    List<SampleTable.Policy> policies = new ArrayList<>();
    List<String> prompts = List.of();
    for (int i = 0; i < sources.size(); i++) {
      SampleReport report = SampleReport.of(sources.get(i), List.of(), _ -> settings);
      if (policies.isEmpty()) {
        prompts = report.samples().stream().limit(SHOWN).map(SampleReport.Pair::prompt).toList();
        policies.add(shown(report.referenceTexts()));
      }
      policies.add(shown(report.policyTexts(runs.get(i).divergence())));
    }
    return new SampleTable(prompts, policies, settings);
  }

  /** The JSON document holds no more texts than the terminal. */
  private static SampleTable.Policy shown(SampleTable.Policy policy) {
    return new SampleTable.Policy(
        policy.name(), policy.texts().subList(0, SHOWN), policy.averages());
  }

  void print(PrintWriter text) {
    DemoTable.printRuns(runs, text);
    String weights =
        lambdas.entrySet().stream()
            .map(entry -> entry.getKey() + " " + entry.getValue())
            .collect(Collectors.joining(", "));
    text.println("(the reward is discounted; lambda: " + weights + ")");
    text.println();
    text.println(
        "Texts, three at a time with the same random numbers, at top-p " + SHOWN_TOP_P + ":");
    texts.printTexts(SHOWN, text);
    averages.printAverages(text);
    text.println();
    for (DemoTable.Run run : runs) {
      text.println("more texts: clipkl sample " + run.directory());
    }
  }
}
