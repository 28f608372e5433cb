package dev.clipkl.language;

import de.bwaldvogel.liblinear.Feature;
import de.bwaldvogel.liblinear.FeatureNode;
import de.bwaldvogel.liblinear.Linear;
import de.bwaldvogel.liblinear.Model;
import de.bwaldvogel.liblinear.Parameter;
import de.bwaldvogel.liblinear.Problem;
import de.bwaldvogel.liblinear.SolverType;
import dev.clipkl.failure.CheckFailedException;
import dev.clipkl.failure.InputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/**
 * A Bradley-Terry reward on single tokens, {@code P(chosen > rejected) = sigmoid(w . x)} with
 * {@code x = counts(chosen) - counts(rejected)} (Bradley and Terry 1952).
 *
 * <p>The weights minimise {@code l2/2 |w|^2 + sum_i log(1 + exp(-w . x_i))} over the training
 * pairs, without a bias. The loss is strictly convex, so there is one minimiser; liblinear's
 * trust-region Newton method (L2R_LR; Lin, Weng and Keerthi 2008) finds it, and the gradient norm
 * is checked here. Deterministic.
 */
public final class BradleyTerry {
  /** The {@code l2} values tried where none is given, from weak to strong. */
  public static final List<Double> L2_GRID = List.of(0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0);

  /** The gradient norm at which a fit counts as solved, where the caller names none. */
  public static final double DEFAULT_TOLERANCE = 1e-6;

  private static final int MOST_NEWTON_STEPS = 10_000;
  private static final int MOST_POLISHING_STEPS = 20;
  private static final double CLOSE_ENOUGH_TO_POLISH = 1e-4;

  static {
    Linear.disableDebugOutput();
  }

  private BradleyTerry() {}

  /**
   * Fits the weights on four fifths of the prompts and measures them on the rest; see {@link
   * PreferenceFit}.
   *
   * @param l2 the regularisation strength {@code > 0}; where empty, the value of {@link #L2_GRID}
   *     with the least log-loss on a fifth of the training prompts, the stronger one on a tie
   * @param tolerance the largest Euclidean norm of the gradient accepted, {@code > 0}
   * @throws InputException if there are too few prompts to split, if no completion differs from its
   *     rival in its token counts, or if {@code l2} or {@code tolerance} isn't finite and {@code >
   *     0}
   * @throws CheckFailedException if the solver stops short of the tolerance
   */
  public static PreferenceFit fit(
      List<PreferencePair> pairs, Tokenizer tokenizer, OptionalDouble l2, double tolerance) {
    requirePositive("l2", l2.orElse(1));
    requirePositive("tolerance", tolerance);
    PreferenceSplit split = PreferenceSplit.of(pairs);
    PreferenceSplit inner = PreferenceSplit.of(split.training());
    int parts = l2.isPresent() ? 2 : 3;
    if (split.training().isEmpty() || (l2.isEmpty() && inner.training().isEmpty())) {
      throw new InputException(
          "preference pairs need at least %d different prompts (to fit%s and to hold out), got %d"
              .formatted(
                  parts,
                  l2.isPresent() ? "" : ", to choose l2",
                  pairs.stream().map(PreferencePair::prompt).distinct().count()));
    }
    int vocabularySize = tokenizer.vocabularySize();
    var training = TokenCountDifference.of(split.training(), tokenizer);
    var heldOut = TokenCountDifference.of(split.heldOut(), tokenizer);
    List<PreferenceFit.GridPoint> grid =
        l2.isPresent()
            ? List.of()
            : tryGrid(
                TokenCountDifference.of(inner.training(), tokenizer),
                TokenCountDifference.of(inner.heldOut(), tokenizer),
                vocabularySize,
                tolerance);
    double chosen = l2.orElseGet(() -> best(grid));
    double[] weights = solve(training, vocabularySize, chosen, tolerance);
    return new PreferenceFit(weights, chosen, tolerance, grid, training, heldOut);
  }

  private static void requirePositive(String name, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new InputException("%s must be finite and > 0, got %s".formatted(name, value));
    }
  }

  private static List<PreferenceFit.GridPoint> tryGrid(
      List<TokenCountDifference> training,
      List<TokenCountDifference> validation,
      int vocabularySize,
      double tolerance) {
    List<PreferenceFit.GridPoint> grid = new ArrayList<>();
    for (double l2 : L2_GRID) {
      double[] weights = solve(training, vocabularySize, l2, tolerance);
      grid.add(new PreferenceFit.GridPoint(l2, LogisticObjective.logLoss(validation, weights)));
    }
    return List.copyOf(grid);
  }

  static double best(List<PreferenceFit.GridPoint> grid) {
    PreferenceFit.GridPoint best = grid.getFirst();
    for (PreferenceFit.GridPoint point : grid) {
      if (point.validationLogLoss() <= best.validationLogLoss()) {
        best = point;
      }
    }
    return best.l2();
  }

  /** The minimiser over all tokens, {@code [vocabularySize]}; tokens in no pair get exactly 0. */
  static double[] solve(
      List<TokenCountDifference> pairs, int vocabularySize, double l2, double tolerance) {
    List<TokenCountDifference> informative = pairs.stream().filter(p -> p.size() > 0).toList();
    double[] weights = new double[vocabularySize];
    if (informative.isEmpty()) {
      throw new InputException(
          "no preference pair's completions differ in their token counts; nothing can be learned");
    }
    LogisticObjective objective = new LogisticObjective(informative, l2);
    double target = tolerance / 2;
    double start = objective.gradientNorm(weights);
    if (start > target) {
      int[] tokens =
          informative.stream()
              .flatMapToInt(pair -> IntStream.range(0, pair.size()).map(pair::token))
              .sorted()
              .distinct()
              .toArray();
      double[] solution = newton(problem(informative, tokens), l2, target / start);
      for (int i = 0; i < tokens.length; i++) {
        weights[tokens[i]] = solution[i];
      }
    }
    double reached = objective.gradientNorm(weights);
    // liblinear gives up where the loss no longer changes in 12 digits; the gradient is then near
    // 1e-7 of its start, and Newton steps without a line search take it to rounding. They are not
    // meant to do its work.
    boolean close = reached <= start * CLOSE_ENOUGH_TO_POLISH;
    for (int step = 0; close && step < MOST_POLISHING_STEPS && reached > tolerance; step++) {
      double[] polished = objective.newtonStep(weights);
      double norm = objective.gradientNorm(polished);
      if (!(norm < reached)) {
        break;
      }
      weights = polished;
      reached = norm;
    }
    if (!(reached <= tolerance)) {
      throw new CheckFailedException(
          "the Bradley-Terry fit (l2 %s) stopped at gradient norm %.3g, tolerance %.3g; raise l2 or"
                  .formatted(l2, reached, tolerance)
              + " the tolerance");
    }
    return weights;
  }

  /** Features numbered from 1 over the tokens that occur. */
  private static Problem problem(List<TokenCountDifference> pairs, int[] tokens) {
    // A second row of zeros would do no harm; liblinear only insists on both classes being there.
    int rows = Math.max(2, pairs.size());
    Problem problem = new Problem();
    problem.l = rows;
    problem.n = tokens.length;
    problem.bias = -1;
    problem.x = new Feature[rows][];
    problem.y = new double[rows];
    for (int row = 0; row < rows; row++) {
      // log(1 + exp(-y w.x)) is the same for (x, 1) and (-x, -1), so every second pair is turned
      // round to have both classes; the first pair keeps 1, which is the sign of the weights.
      int sign = row % 2 == 0 ? 1 : -1;
      problem.y[row] = sign;
      problem.x[row] = row < pairs.size() ? features(pairs.get(row), tokens, sign) : new Feature[0];
    }
    return problem;
  }

  private static Feature[] features(TokenCountDifference pair, int[] tokens, int sign) {
    Feature[] features = new Feature[pair.size()];
    for (int i = 0; i < features.length; i++) {
      int index = Arrays.binarySearch(tokens, pair.token(i)) + 1;
      features[i] = new FeatureNode(index, sign * pair.difference(i));
    }
    return features;
  }

  /**
   * liblinear minimises {@code 1/2 |w|^2 + C sum ...}, which is the objective over {@code l2}; it
   * stops where the gradient norm is {@code eps min(positives, negatives)/rows} of the first one.
   */
  private static double[] newton(Problem problem, double l2, double relativeGradient) {
    int smallerClass = Math.max(1, problem.l / 2);
    double eps = relativeGradient * problem.l / smallerClass;
    Model model =
        Linear.train(problem, new Parameter(SolverType.L2R_LR, 1 / l2, eps, MOST_NEWTON_STEPS));
    return model.getFeatureWeights();
  }
}
