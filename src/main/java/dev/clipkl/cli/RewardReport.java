package dev.clipkl.cli;

import dev.clipkl.language.PreferenceFit;
import dev.clipkl.language.RewardFit;
import dev.clipkl.language.Tokenizer;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * What {@code reward fit} learned. Accuracies are fractions, losses in nats.
 *
 * @param l2AtGridEnd whether {@code l2} is the first or last of the grid's values
 * @param l2Grid what was tried to choose {@code l2}; empty where it was given
 * @param unseenReward the reward of every token in no training pair
 * @param weightedTokens tokens with a reward of their own
 * @param bestTokens those above {@code unseenReward}, best first
 * @param worstTokens those below {@code unseenReward}, worst first
 */
record RewardReport(
    Path path,
    String tokenizer,
    int vocabularySize,
    int trainingPairs,
    int heldOutPairs,
    long uninformativePairs,
    double heldOutAccuracy,
    double heldOutLogLoss,
    double trainingAccuracy,
    double gradientNorm,
    double tolerance,
    double l2,
    boolean l2AtGridEnd,
    List<PreferenceFit.GridPoint> l2Grid,
    double rMax,
    double unseenReward,
    long weightedTokens,
    List<RewardedToken> bestTokens,
    List<RewardedToken> worstTokens) {

  /** Longest token shown in the table; the JSON has all of it. */
  private static final int TOKEN_WIDTH = 34;

  /** A token as it is displayed, and its reward. */
  record RewardedToken(int tokenId, String token, double reward) {}

  static RewardReport of(RewardFit.Summary fitted, Tokenizer tokenizer, int top) {
    PreferenceFit fit = fitted.fit();
    double[] weights = fit.weights();
    float[] rewards = fit.rewards(fitted.rMax());
    Comparator<RewardedToken> byReward = Comparator.comparingDouble(RewardedToken::reward);
    return new RewardReport(
        fitted.path(),
        tokenizer.name(),
        tokenizer.vocabularySize(),
        fit.trainingPairs(),
        fit.heldOutPairs(),
        fit.uninformativePairs(),
        fit.heldOutAccuracy(),
        fit.heldOutLogLoss(),
        fit.trainingAccuracy(),
        fit.gradientNorm(),
        fit.tolerance(),
        fit.l2(),
        fit.isL2AtGridEnd(),
        fit.grid(),
        fitted.rMax(),
        fitted.unseenReward(),
        fit.weightedTokens(),
        first(top, byReward.reversed(), id -> weights[id] > 0, rewards, tokenizer),
        first(top, byReward, id -> weights[id] < 0, rewards, tokenizer));
  }

  /** Of equal rewards the lower id comes first: the sort is stable. */
  private static List<RewardedToken> first(
      int count,
      Comparator<RewardedToken> order,
      IntPredicate included,
      float[] rewards,
      Tokenizer tokenizer) {
    return IntStream.range(0, rewards.length)
        .filter(included)
        .mapToObj(id -> new RewardedToken(id, tokenizer.display(id), rewards[id]))
        .sorted(order)
        .limit(count)
        .toList();
  }

  void print(PrintWriter out) {
    new FieldTable()
        .add("file", path.toString())
        .add("tokenizer", String.format(Locale.ROOT, "%s, %,d columns", tokenizer, vocabularySize))
        .add("pairs", pairs())
        .add("held-out accuracy", String.format(Locale.ROOT, "%.1f %%", 100 * heldOutAccuracy))
        .add(
            "held-out log-loss",
            String.format(Locale.ROOT, "%.4f nats (a coin's: %.4f)", heldOutLogLoss, Math.log(2)))
        .add("training accuracy", String.format(Locale.ROOT, "%.1f %%", 100 * trainingAccuracy))
        .add(
            "gradient norm",
            String.format(Locale.ROOT, "%.1e (tolerance %.1e)", gradientNorm, tolerance))
        .add("l2", strength())
        .add(
            "rewards",
            String.format(Locale.ROOT, "0 to %s for %,d tokens", number(rMax), weightedTokens))
        .add("unseen reward", String.format(Locale.ROOT, "%.4f for all other tokens", unseenReward))
        .print(out);
    printTokens(out);
  }

  private String pairs() {
    String counts =
        String.format(Locale.ROOT, "%,d to fit, %,d held out", trainingPairs, heldOutPairs);
    return uninformativePairs == 0
        ? counts
        : counts
            + String.format(
                Locale.ROOT,
                "; %,d of those to fit say nothing, as their token counts are equal",
                uninformativePairs);
  }

  private String strength() {
    if (l2Grid.isEmpty()) {
      return number(l2) + ", as given";
    }
    String chosen =
        String.format(
            Locale.ROOT,
            "%s, chosen among %d values from %s to %s",
            number(l2),
            l2Grid.size(),
            number(l2Grid.getFirst().l2()),
            number(l2Grid.getLast().l2()));
    return chosen + beyondTheGrid();
  }

  private String beyondTheGrid() {
    if (!l2AtGridEnd) {
      return "";
    }
    boolean smallest = l2 == l2Grid.getFirst().l2();
    return String.format(
        Locale.ROOT,
        ". The %s value tried was the best: a %s one, say --l2 %s, may do better.",
        smallest ? "smallest" : "largest",
        smallest ? "smaller" : "larger",
        number(smallest ? l2 / 10 : l2 * 10));
  }

  private void printTokens(PrintWriter out) {
    int lines = Math.max(bestTokens.size(), worstTokens.size());
    if (lines == 0) {
      return;
    }
    out.println();
    out.println(pair("reward  best tokens", "reward  worst tokens"));
    for (int line = 0; line < lines; line++) {
      out.println(pair(cell(bestTokens, line), cell(worstTokens, line)));
    }
  }

  private static String pair(String left, String right) {
    int width = "reward  ".length() + TOKEN_WIDTH;
    int padding = width - left.codePointCount(0, left.length());
    return (left + " ".repeat(padding + 2) + right).stripTrailing();
  }

  private static String cell(List<RewardedToken> tokens, int line) {
    if (line >= tokens.size()) {
      return "";
    }
    RewardedToken token = tokens.get(line);
    String text = token.token();
    int length = text.codePointCount(0, text.length());
    String shown =
        length <= TOKEN_WIDTH
            ? text
            : text.substring(0, text.offsetByCodePoints(0, TOKEN_WIDTH - 1)) + "…";
    return String.format(Locale.ROOT, "%6.4f  %s", token.reward(), shown);
  }

  private static String number(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e6
        ? String.format(Locale.ROOT, "%.0f", value)
        : Double.toString(value);
  }
}
