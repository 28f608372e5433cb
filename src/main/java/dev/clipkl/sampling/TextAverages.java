package dev.clipkl.sampling;

/**
 * What texts of a policy are like on average.
 *
 * @param tokens tokens per text, the end-of-text token included
 * @param reward the sum of rewards per text
 * @param discountedReward the discounted sum of rewards per text
 * @param klPerText {@code KL(p || q)} per text: of texts, not of single tokens; nats
 * @param klPerToken KL per text over tokens per text, nats
 * @param ended the share of texts that end by themselves
 */
public record TextAverages(
    TextAverage tokens,
    TextAverage reward,
    TextAverage discountedReward,
    TextAverage klPerText,
    TextAverage klPerToken,
    TextAverage ended) {

  static TextAverages of(SampledPolicy policy, double[] start, SampledTexts texts) {
    double tokens = ExactTexts.expected(policy, start, 1.0, _ -> 1.0);
    double kl = ExactTexts.expected(policy, start, 1.0, policy::divergence);
    double discount = policy.mdp().discount();
    int ended = 0;
    for (boolean end : texts.ended()) {
      ended += end ? 1 : 0;
    }
    return new TextAverages(
        TextAverage.ofMean(tokens, texts.lengths()),
        TextAverage.ofMean(
            ExactTexts.expected(policy, start, 1.0, policy::reward), texts.rewards()),
        TextAverage.ofMean(
            ExactTexts.expected(policy, start, discount, policy::reward),
            texts.discountedRewards()),
        TextAverage.ofMean(kl, texts.logRatios()),
        TextAverage.ofRatio(kl / tokens, texts.logRatios(), texts.lengths()),
        TextAverage.ofShare(
            ExactTexts.expected(policy, start, 1.0, policy::end), ended, texts.size()));
  }
}
