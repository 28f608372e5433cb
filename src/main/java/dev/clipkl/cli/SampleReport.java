package dev.clipkl.cli;

import dev.clipkl.config.RunConfig;
import dev.clipkl.engine.RowThreads;
import dev.clipkl.failure.InputException;
import dev.clipkl.inspect.PolicySource;
import dev.clipkl.language.Tokenizer;
import dev.clipkl.sampling.SampledTexts;
import dev.clipkl.sampling.SamplingSettings;
import dev.clipkl.sampling.TextAverages;
import dev.clipkl.sampling.TextSampling;
import dev.clipkl.sampling.TextSampling.PolicyTexts;
import dev.clipkl.table.ColumnGroups;
import dev.clipkl.training.SequenceProblem;
import dev.clipkl.training.StoredPolicy;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Texts of a run's reference and of its policy, drawn with common random numbers.
 *
 * @param policy the policy's file
 * @param settings how they were drawn
 * @param referenceAverages over the reference's texts, beside the exact expectations
 * @param policyAverages the same of the policy
 * @param samples pairs of texts that began with the same prompt
 */
record SampleReport(
    Path policy,
    SamplingSettings settings,
    TextAverages referenceAverages,
    TextAverages policyAverages,
    List<Pair> samples) {
  /**
   * What one policy appended to a prompt.
   *
   * @param text without the end-of-text token
   * @param tokens with it
   * @param ended whether it ended by itself
   * @param kl the text's {@code log p - log q} against the reference, nats
   */
  @SuppressWarnings("ArrayRecordComponent") // Many texts, and never compared.
  record Text(
      String text,
      int[] tokens,
      boolean ended,
      double reward,
      double discountedReward,
      double kl) {}

  /** Two texts with the same random numbers. */
  record Pair(String prompt, Text reference, Text policy) {}

  /** The reference's part. */
  SampleTable.Policy referenceTexts() {
    return new SampleTable.Policy(
        "reference", samples.stream().map(Pair::reference).toList(), referenceAverages);
  }

  /** The trained policy's part. */
  SampleTable.Policy policyTexts(String name) {
    return new SampleTable.Policy(
        name, samples.stream().map(Pair::policy).toList(), policyAverages);
  }

  /** What is to be drawn: settings that depend on the run are made once it is known. */
  @FunctionalInterface
  interface Settings {
    /** The settings for a run. */
    SamplingSettings of(RunConfig.Problem problem);
  }

  /**
   * Draws texts.
   *
   * @param prompts what texts begin with, in turn; none for the run's prompts by their weights
   * @throws InputException if it is no finished sequence run of prompts, its inputs have changed,
   *     or a prompt has no token that a text could go on from
   */
  static SampleReport of(PolicySource run, List<String> prompts, Settings settingsFor) {
    run.requireRun();
    Path file = run.policyFile();
    RunConfig config = run.configuration();
    SamplingSettings settings = settingsFor.of(config.problem());
    try (StoredPolicy policy = StoredPolicy.open(file);
        SequenceProblem problem = SequenceProblem.ofRun(config);
        RowThreads threads = new RowThreads(config.run().threadCount())) {
      requireSameProblem(file, policy, problem);
      TextSampling sampling = sampling(problem, prompts, settings);
      PolicyTexts reference = sampling.texts(problem.mdp().reference(), threads);
      PolicyTexts trained = sampling.texts(policy.table(), threads);
      List<String> promptTexts =
          prompts.isEmpty()
              ? problem.prompts().stream().map(prompt -> prompt.text()).toList()
              : prompts;
      List<Pair> samples =
          IntStream.range(0, settings.samples())
              .mapToObj(i ->
                  new Pair(
                      promptTexts.get(sampling.prompt(i)),
                      text(reference.texts(), i, problem.tokenizer()),
                      text(trained.texts(), i, problem.tokenizer())))
              .toList();
      return new SampleReport(file, settings, reference.averages(), trained.averages(), samples);
    }
  }

  private static void requireSameProblem(Path file, StoredPolicy policy, SequenceProblem problem) {
    String trainedOn = policy.metadata().get("problem_fingerprint");
    if (!problem.mdp().fingerprint().equals(trainedOn)) {
      throw new InputException(
          "%s: the run's inputs have changed since it was trained: their fingerprint was %s, is %s"
              .formatted(file, trainedOn, problem.mdp().fingerprint()));
    }
  }

  private static TextSampling sampling(
      SequenceProblem problem, List<String> prompts, SamplingSettings settings) {
    if (prompts.isEmpty()) {
      return TextSampling.drawn(
          problem.mdp(), problem.startClasses(), problem.promptWeights(), settings);
    }
    int[] classOf = new int[prompts.size()];
    for (int i = 0; i < classOf.length; i++) {
      classOf[i] = problem.classes().classAfter(prompts.get(i));
      if (classOf[i] == ColumnGroups.NONE) {
        throw new InputException("--prompt: expected at least one token, got an empty text");
      }
    }
    return TextSampling.inTurn(problem.mdp(), classOf, settings);
  }

  private static Text text(SampledTexts texts, int index, Tokenizer tokenizer) {
    int[] tokens = texts.tokens()[index];
    boolean ended = texts.ended()[index];
    // Token by token, since decode refuses the vocabulary's holes, which have a probability too.
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 0; i < tokens.length - (ended ? 1 : 0); i++) {
      bytes.writeBytes(tokenizer.tokenBytes(tokens[i]));
    }
    return new Text(
        bytes.toString(StandardCharsets.UTF_8),
        tokens,
        ended,
        texts.rewards()[index],
        texts.discountedRewards()[index],
        texts.logRatios()[index]);
  }
}
