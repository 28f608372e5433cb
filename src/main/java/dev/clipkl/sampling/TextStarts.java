package dev.clipkl.sampling;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Where texts begin, and the random numbers that each is drawn with: the same ones whatever the
 * policy, so that two policies' texts differ only by what the policies differ in (common random
 * numbers). A text's numbers do not depend on how many texts there are.
 *
 * @param promptOf each text's prompt, {@code [samples]}
 * @param share of each prompt among the texts: its probability where prompts are drawn
 * @param seeds of each text's own generator, {@code [samples]}
 */
@SuppressWarnings("ArrayRecordComponent") // Read by one owner, never compared.
record TextStarts(int[] promptOf, double[] share, long[] seeds) {
  private static final RandomGeneratorFactory<RandomGenerator> GENERATORS =
      RandomGeneratorFactory.of("L64X128MixRandom");

  /** Prompts drawn by their weights. */
  static TextStarts drawn(SamplingSettings settings, double[] weights) {
    double total = Arrays.stream(weights).sum();
    double[] share = Arrays.stream(weights).map(weight -> weight / total).toArray();
    RandomGenerator random = GENERATORS.create(settings.seed());
    int[] promptOf = new int[settings.samples()];
    long[] seeds = new long[settings.samples()];
    for (int i = 0; i < promptOf.length; i++) {
      promptOf[i] = draw(random.nextDouble(), share);
      seeds[i] = random.nextLong();
    }
    return new TextStarts(promptOf, share, seeds);
  }

  /** Prompts that take turns. */
  static TextStarts inTurn(SamplingSettings settings, int prompts) {
    TextStarts drawn = drawn(settings, new double[] {1.0});
    double[] share = new double[prompts];
    for (int i = 0; i < drawn.promptOf.length; i++) {
      drawn.promptOf[i] = i % prompts;
      share[i % prompts] += 1.0 / settings.samples();
    }
    return new TextStarts(drawn.promptOf, share, drawn.seeds);
  }

  /** The first prompt whose cumulative share is above a number; the last one that has any. */
  private static int draw(double uniform, double[] share) {
    double sum = 0.0;
    int last = 0;
    for (int prompt = 0; prompt < share.length; prompt++) {
      if (share[prompt] > 0.0) {
        last = prompt;
        sum += share[prompt];
        if (sum > uniform) {
          return prompt;
        }
      }
    }
    return last;
  }

  /** Each text's generator, at its beginning: one number in [0, 1) per token. */
  RandomGenerator[] generators() {
    return Arrays.stream(seeds).mapToObj(GENERATORS::create).toArray(RandomGenerator[]::new);
  }

  /**
   * The distribution of the class that a text begins in, {@code [classes]}.
   *
   * @param classOf each prompt's class
   */
  double[] classes(int[] classOf, int classes) {
    double[] start = new double[classes];
    for (int prompt = 0; prompt < share.length; prompt++) {
      start[classOf[prompt]] += share[prompt];
    }
    return start;
  }
}
