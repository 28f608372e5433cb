package dev.clipkl.sampling;

import dev.clipkl.engine.RowThreads;
import dev.clipkl.problem.TokenMdp;
import dev.clipkl.table.RowTable;

/**
 * Texts of several policies of one problem, drawn with common random numbers: text i begins with
 * the same prompt and its t-th token is drawn with the same uniform number, whatever the policy.
 */
public final class TextSampling {
  private final TokenMdp mdp;
  private final int[] classOf;
  private final SamplingSettings settings;
  private final TextStarts starts;

  /**
   * A policy's texts.
   *
   * @param texts one by one
   * @param averages over them, beside the exact expectations
   */
  public record PolicyTexts(SampledTexts texts, TextAverages averages) {}

  private TextSampling(TokenMdp mdp, int[] classOf, SamplingSettings settings, TextStarts starts) {
    this.mdp = mdp;
    this.classOf = classOf.clone();
    this.settings = settings;
    this.starts = starts;
  }

  /**
   * Texts whose prompts are drawn by weight.
   *
   * @param classOf the class that each prompt's last token is in, {@code [prompts]}
   * @param weights relative, {@code [prompts]}, {@code >= 0}, not all 0
   */
  public static TextSampling drawn(
      TokenMdp mdp, int[] classOf, double[] weights, SamplingSettings settings) {
    return new TextSampling(mdp, classOf, settings, TextStarts.drawn(settings, weights));
  }

  /**
   * Texts whose prompts take turns. Their averages' intervals are on the wide side: the variance
   * between prompts is in them.
   *
   * @param classOf the class that each prompt's last token is in, {@code [prompts]}
   */
  public static TextSampling inTurn(TokenMdp mdp, int[] classOf, SamplingSettings settings) {
    return new TextSampling(mdp, classOf, settings, TextStarts.inTurn(settings, classOf.length));
  }

  /** The prompt of a text. */
  public int prompt(int text) {
    return starts.promptOf()[text];
  }

  /**
   * Draws a policy's texts. The result does not depend on the threads.
   *
   * @param logits any that softmax turns into the policy, {@code [states, tokens]}
   */
  public PolicyTexts texts(RowTable logits, RowThreads threads) {
    SampledPolicy policy = SampledPolicy.of(mdp, logits, settings, threads);
    SampledTexts texts = TextSampler.draw(policy, starts, classOf, threads);
    double[] start = starts.classes(classOf, mdp.classes());
    return new PolicyTexts(texts, TextAverages.of(policy, start, texts));
  }
}
