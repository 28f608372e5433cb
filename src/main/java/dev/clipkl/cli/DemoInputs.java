package dev.clipkl.cli;

import dev.clipkl.config.RunConfig;
import dev.clipkl.language.Preferences;
import dev.clipkl.language.ReferenceBuild;
import dev.clipkl.language.RewardFit;
import dev.clipkl.language.Tokenizer;
import dev.clipkl.language.WordNetCorpus;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * Where the demos' inputs are; run.sh names the project's folder.
 *
 * @param examples the folder of example configurations
 */
record DemoInputs(Path prompts, Path preferences, Path reference, Path reward, Path examples) {
  static final String TOKENIZER = "cl100k_base";

  private static final double FIT_TOLERANCE = 1e-6;
  private static final int NGRAM_ORDER = 3;

  static DemoInputs find() {
    Path home = Path.of(System.getProperty("clipkl.home", ""));
    Path models = home.resolve("models");
    return new DemoInputs(
        home.resolve("data/prompts.jsonl"),
        home.resolve("data/preferences.jsonl"),
        models.resolve("wordnet-" + TOKENIZER + ".safetensors"),
        models.resolve("kindness-" + TOKENIZER + ".safetensors"),
        home.resolve("examples"));
  }

  /**
   * An example's configuration with these inputs.
   *
   * @param example the file's name
   * @param settings more keys, {@code path=value}
   */
  RunConfig config(String example, String divergence, Path directory, List<String> settings) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "problem.prompts=" + prompts,
                "problem.reference=" + reference,
                "problem.reward=" + reward,
                "objective.divergence=" + divergence,
                "run.out=" + directory));
    all.addAll(settings);
    return RunConfig.read(examples.resolve(example), all);
  }

  /** Builds the two models unless they are there. */
  void build(Tokenizer tokenizer, PrintWriter narration) {
    if (!Files.exists(reference)) {
      narration.println("building the reference: a trigram model of WordNet's glosses ...");
      narration.flush();
      ReferenceBuild.Summary built =
          ReferenceBuild.run(new WordNetCorpus(), tokenizer, NGRAM_ORDER, reference);
      narration.printf(
          Locale.ROOT,
          "  %,d tokens, held-out perplexity %.0f (unigram %,.0f), min probability %.1e, %.1f s%n",
          built.tokens(),
          built.heldOutPerplexity(),
          built.unigramPerplexity(),
          built.minProbability(),
          built.seconds());
    }
    if (!Files.exists(reward)) {
      narration.println("fitting the reward: Bradley-Terry on preference pairs ...");
      RewardFit.Summary fitted =
          RewardFit.run(
              Preferences.read(preferences),
              tokenizer,
              OptionalDouble.empty(),
              FIT_TOLERANCE,
              1.0,
              reward);
      narration.printf(
          Locale.ROOT,
          "  %d pairs, accuracy on %d held-out pairs %.1f %%%n",
          fitted.fit().trainingPairs(),
          fitted.fit().heldOutPairs(),
          100.0 * fitted.fit().heldOutAccuracy());
    }
    narration.flush();
  }
}
