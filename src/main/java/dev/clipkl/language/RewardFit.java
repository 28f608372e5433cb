package dev.clipkl.language;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.SafetensorsWriter;
import dev.clipkl.table.TensorType;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;

/** Learns a token reward from preference pairs and stores it as {@link DenseRewards}. */
public final class RewardFit {
  /**
   * What was learned.
   *
   * @param fit the model, with its accuracy and its gradient norm
   * @param rMax the largest reward; the smallest is 0
   * @param unseenReward the reward of every token that is in no training pair
   */
  public record Summary(Path path, PreferenceFit fit, double rMax, double unseenReward) {}

  private RewardFit() {}

  /**
   * Fits a {@link BradleyTerry} model, scales it to {@code [0, rMax]} and writes {@code rewards}
   * F32 {@code [vocabularySize]}, atomically.
   *
   * @param l2 the regularisation strength; chosen by the pairs themselves where empty
   * @throws InputException as {@link BradleyTerry#fit} and {@link PreferenceFit#rewards}
   */
  public static Summary run(
      List<PreferencePair> pairs,
      Tokenizer tokenizer,
      OptionalDouble l2,
      double tolerance,
      double rMax,
      Path path) {
    PreferenceFit fit = BradleyTerry.fit(pairs, tokenizer, l2, tolerance);
    float[] rewards = fit.rewards(rMax);
    Map<String, String> metadata = new TreeMap<>();
    metadata.put("kind", "token-rewards");
    metadata.put("format_version", "1");
    metadata.put("r_max", Double.toString(rMax));
    metadata.put("unseen_reward", Double.toString(fit.unseenReward(rMax)));
    metadata.put("l2", Double.toString(fit.l2()));
    metadata.put("gradient_norm", Double.toString(fit.gradientNorm()));
    metadata.put("training_pairs", Integer.toString(fit.trainingPairs()));
    metadata.put("held_out_pairs", Integer.toString(fit.heldOutPairs()));
    metadata.put("held_out_accuracy", Double.toString(fit.heldOutAccuracy()));
    metadata.put("held_out_log_loss", Double.toString(fit.heldOutLogLoss()));
    StoredTokenizer.write(metadata, tokenizer);
    var declaration =
        new SafetensorsWriter.Declaration(DenseRewards.TENSOR, TensorType.F32, rewards.length);
    try (SafetensorsWriter writer = SafetensorsWriter.open(path, metadata, List.of(declaration))) {
      writer.writeFloats(rewards, rewards.length);
      writer.commit();
    }
    return new Summary(path, fit, rMax, fit.unseenReward(rMax));
  }
}
