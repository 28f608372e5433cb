package dev.clipkl.training;

import dev.clipkl.config.Mode;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.metrics.MetricRecord;
import dev.clipkl.metrics.MetricSink;
import dev.clipkl.table.RowTable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What a user should know about a run, each once, with its number and its remedy: what the
 * configuration already shows, and what only the course of the gap shows.
 */
final class RunWarnings implements MetricSink {
  /** Gaps below this share of the values are rounding, and rounding goes in circles. */
  private static final double ROUNDING = 1e-12;

  /** A value that falls by less than this share of the gap is rounding, in float32 too. */
  private static final double FALL = 1e-5;

  /**
   * A circling gap whose least value falls by less than this, a quarter of the run on, is stuck.
   */
  private static final double PROGRESS = 5e-2;

  /** The same per outer iteration for a gap that does not circle: slow is not stuck. */
  private static final double STANDSTILL = 1e-6;

  /** Values of a gap this close to one another are said to be one value. */
  private static final double ONE_VALUE = 1e-2;

  private static final int FEWEST_ITERATIONS = 20;

  /** The share of the optimum's value within which its bounds should lie. */
  private static final double KNOWN = 1e-9;

  /** What a smaller step is, where no bound says it. */
  private static final double SMALLER = 0.1;

  /** Backtracking takes longer steps than 1 / L, up to a hundred times. */
  private static final double HOPELESS = 100.0;

  private final RowProgram program;
  private final Mode mode;
  private final List<Double> gaps = new ArrayList<>();
  private int falls;
  private double largestFall;
  private double clipFraction;
  private double scale;

  RunWarnings(RowProgram program, Mode mode) {
    this.program = program;
    this.mode = mode;
    scale = program.lambda();
  }

  /** What is known before the first step. */
  static List<String> before(LoadedRun run) {
    SampledRows sample = new SampledRows(run);
    return Stream.of(
            zeros(run),
            unknownOptimum(run),
            tooLongStep(run),
            floatFloor(run, sample),
            slowGradient(run, sample))
        .flatMap(Optional::stream)
        .toList();
  }

  /** Small lambda, large logits: float32 numbers lie too far apart there. */
  private static Optional<String> floatFloor(LoadedRun run, SampledRows sample) {
    double tolerance = run.program().tolerance();
    if (run.engine().kind().precision() != RowTable.Precision.FLOAT32 || tolerance == 0.0) {
      return Optional.empty();
    }
    double floor = sample.floatGapFloor();
    // Written so that NaN is told, too.
    return floor <= tolerance
        ? Optional.empty()
        : Optional.of(
            String.format(
                Locale.ROOT,
                "objective.lambda %s is so small that logits in float32 cannot hold a gap below about"
                    + " %.1e, and optimizer.tolerance is %.1e; use run.engine reference (float64), a"
                    + " larger lambda or a larger tolerance",
                run.program().lambda(),
                floor,
                tolerance));
  }

  private static Optional<String> slowGradient(LoadedRun run, SampledRows sample) {
    RowProgram program = run.program();
    double tolerance = program.tolerance();
    // Of a step that is too long the user is told that first.
    if (program.optimizer() != OptimizerKind.GRADIENT || tolerance == 0.0 || isTooLong(program)) {
      return Optional.empty();
    }
    double steps = sample.gradientSteps(tolerance);
    double given = (double) program.innerSteps() * run.config().optimizer().outerIterations();
    return steps <= HOPELESS * given
        ? Optional.empty()
        : Optional.of(
            String.format(
                Locale.ROOT,
                "optimizer.kind gradient would need about %.1e steps of 1 / L to a gap of %.1e, and has"
                    + " %.0f: a theorem here, not a tool; use optimizer.kind auto",
                steps,
                tolerance,
                given));
  }

  private static Optional<String> zeros(LoadedRun run) {
    RowOptimum[] optima = run.coupling().optima();
    long rows = Arrays.stream(optima).filter(optimum -> optimum.zeros() > 0).count();
    if (rows == 0) {
      return Optional.empty();
    }
    return Optional.of(
        ("the optimum gives probability 0 to %d actions in %d of %d rows (%s has no barrier):"
                + " logits would have to go to -infinity, so the gap closes sublinearly; stop at a"
                + " gap that is good enough, raise objective.lambda, or use a divergence with a"
                + " barrier such as reverse-kl")
            .formatted(
                Arrays.stream(optima).mapToLong(RowOptimum::zeros).sum(),
                rows,
                optima.length,
                run.program().divergence().name()));
  }

  private static Optional<String> unknownOptimum(LoadedRun run) {
    if (!run.coupling().rowsMeet()) {
      return Optional.empty();
    }
    double width = run.coupling().optimumWidth();
    // Written so that NaN is told, too.
    return width <= Math.max(run.program().tolerance(), KNOWN * Math.abs(run.coupling().optimum()))
        ? Optional.empty()
        : Optional.of(
            String.format(
                Locale.ROOT,
                "the optimum is known within %.1e only, and so is the gap: float64 has no more digits"
                    + " this near to problem.discount 1; use a smaller one",
                width));
  }

  private static Optional<String> tooLongStep(LoadedRun run) {
    if (!isTooLong(run.program())) {
      return Optional.empty();
    }
    return Optional.of(
        ("optimizer.step-size %s with step-rule fixed is beyond 1 unit step, where the theory ends:"
                + " the value may fall and the run may never settle; use 1 or less, or %s")
            .formatted(
                run.program().stepSize(),
                run.config().mode() == Mode.FAITHFUL
                    ? "mode practical"
                    : "step-rule backtracking"));
  }

  /** Whether a step is beyond what any proof covers. */
  private static boolean isTooLong(RowProgram program) {
    return program.stepSize() > 1.0
        && program.stepRule() == StepRuleKind.FIXED
        && program.optimizer() != OptimizerKind.NESTEROV
        && program.optimizer() != OptimizerKind.ADAM;
  }

  @Override
  public void write(MetricRecord metrics) {
    gaps.add(metrics.get(MetricNames.GAP));
    scale = Math.max(scale, Math.abs(metrics.get(MetricNames.OPTIMUM)));
    clipFraction = metrics.get(MetricNames.CLIPFRAC_BINDING);
    if (isFall(gaps.size() - 1)) {
      falls++;
      largestFall = Math.max(largestFall, gaps.getLast() - gaps.get(gaps.size() - 2));
    }
  }

  /** Whether the value fell in an outer iteration by more than rounding: the gap rose. */
  private boolean isFall(int iteration) {
    double gap = gaps.get(iteration);
    return iteration > 0 && gap > ROUNDING * scale && gap - gaps.get(iteration - 1) > FALL * gap;
  }

  /** The same metrics for another sink after this one. */
  MetricSink andThen(MetricSink next) {
    return metrics -> {
      write(metrics);
      next.write(metrics);
    };
  }

  /** A run in float32 that ended above its tolerance because no row found a step. */
  static Optional<String> stalled(LoadedRun run, TrainingResult result) {
    double gap = result.progress().latest().get(MetricNames.GAP);
    if (result.reason() != StopReason.STALLED
        || run.engine().kind().precision() != RowTable.Precision.FLOAT32) {
      return Optional.empty();
    }
    return Optional.of(
        String.format(
            Locale.ROOT,
            "float32 cannot hold a smaller gap than %.1e here, and optimizer.tolerance is %.1e: no"
                + " step rises above the rounding of the surrogate (objective.lambda %s); use"
                + " run.engine reference (float64), a larger lambda or a larger tolerance",
            gap,
            run.program().tolerance(),
            run.program().lambda()));
  }

  /** What the course of the gap shows, once the run has ended. */
  List<String> after() {
    List<String> warnings = new ArrayList<>();
    if (program.stepRule() == StepRuleKind.BACKTRACKING) {
      // Its steps are certified: what is left are rounding and an honest end, which is reported.
      return warnings;
    }
    if (isStuck()) {
      warnings.add(stuck());
    }
    if (falls > 0) {
      warnings.add(
          String.format(
              Locale.ROOT,
              "the value fell in %d of %d outer iterations, by %.2e at most: step-rule %s is not"
                  + " certified at optimizer.step-size %s; %s",
              falls,
              gaps.size() - 1,
              largestFall,
              program.stepRule().configName(),
              program.stepSize(),
              remedy()));
    }
    return warnings;
  }

  /**
   * Whether the run has stopped to get anywhere: its last quarter comes no closer to the optimum
   * than the quarter before. A slow run is none: its gap falls without a rise.
   */
  private boolean isStuck() {
    int count = gaps.size();
    int window = count / 4;
    double latest = least(count - window, count);
    if (count < FEWEST_ITERATIONS || !(latest > Math.max(program.tolerance(), ROUNDING * scale))) {
      return false;
    }
    double progress = 1.0 - latest / least(count - 2 * window, count - window);
    long rises = IntStream.range(count - window, count).filter(this::isFall).count();
    boolean isUncertified = falls > 0 || clipFraction > 0.0 || isTooLong(program);
    return (rises >= 2 && progress < PROGRESS) || (isUncertified && progress < STANDSTILL * window);
  }

  private String stuck() {
    int count = gaps.size();
    int window = count / 4;
    double least = least(count - window, count);
    double largest = largest(count - window, count);
    String course =
        largest > (1.0 + ONE_VALUE) * least
            ? String.format(
                Locale.ROOT, "the gap goes in circles between %.2e and %.2e", least, largest)
            : String.format(Locale.ROOT, "the gap stays at %.2e", largest);
    return String.format(
        Locale.ROOT,
        "%s over the last %d outer iterations%s; %s",
        course,
        window,
        clipFraction > 0.0 ? ": " + overshoot() : "",
        remedy());
  }

  /** Why a step that is sound without a clip is not with it (THEORY 5.4). */
  private String overshoot() {
    return String.format(
        Locale.ROOT,
        "clipped actions (clip fraction %.2g with clip-epsilon %s) lose their advantage but keep the"
            + " divergence's pull, which overshoots in %d inner steps",
        clipFraction,
        program.clip().clipEpsilon(),
        program.innerSteps());
  }

  /** What a configuration may choose instead of its step rule: a faithful one has no other. */
  static String otherRules(Mode mode, StepRuleKind rule) {
    return mode == Mode.FAITHFUL
        ? "mode practical"
        : rule == StepRuleKind.SAFE ? "step-rule backtracking" : "step-rule backtracking or safe";
  }

  private String remedy() {
    return String.format(
        Locale.ROOT,
        "use %s, or a smaller optimizer.step-size, %.2g for instance",
        otherRules(mode, program.stepRule()),
        smallerStep());
  }

  /** One unit step is certified without a clip; with it, a step should not leave the band. */
  private double smallerStep() {
    if (clipFraction > 0.0) {
      return Math.min(SMALLER * program.stepSize(), program.clip().logUpper());
    }
    return isTooLong(program) ? 1.0 : SMALLER * program.stepSize();
  }

  private double least(int from, int to) {
    return gaps.subList(from, to).stream().mapToDouble(x -> x).min().orElse(Double.NaN);
  }

  private double largest(int from, int to) {
    return gaps.subList(from, to).stream().mapToDouble(x -> x).max().orElse(Double.NaN);
  }
}
