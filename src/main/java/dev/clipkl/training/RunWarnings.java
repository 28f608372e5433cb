package dev.clipkl.training;

import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.metrics.MetricRecord;
import dev.clipkl.metrics.MetricSink;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What a user should know about a run, each once, with its number and its remedy: what the
 * configuration already shows, and what only the course of the gap shows.
 */
final class RunWarnings implements MetricSink {
  /** Gaps below this are rounding, and rounding goes in circles. */
  private static final double ROUNDING_GAP = 1e-12;

  /** A value that falls by less than this share of the gap is rounding. */
  private static final double FALL = 1e-6;

  private static final int FEWEST_ITERATIONS = 8;

  private final RowProgram program;
  private final List<Double> gaps = new ArrayList<>();
  private int falls;
  private double largestFall;
  private double clipFraction;

  RunWarnings(RowProgram program) {
    this.program = program;
  }

  /** What is known before the first step. */
  static List<String> before(LoadedRun run) {
    List<String> warnings = new ArrayList<>();
    RowOptimum[] optima = optima(run);
    long rows = 0;
    long zeros = 0;
    for (RowOptimum optimum : optima) {
      rows += optimum.zeros() > 0 ? 1 : 0;
      zeros += optimum.zeros();
    }
    RowProgram program = run.program();
    if (zeros > 0) {
      warnings.add(
          ("the optimum gives probability 0 to %d actions in %d of %d rows (%s has no barrier):"
                  + " logits would have to go to -infinity, so the gap closes sublinearly; stop at a"
                  + " gap that is good enough, raise objective.lambda, or use a divergence with a"
                  + " barrier such as reverse-kl")
              .formatted(zeros, rows, optima.length, program.divergence().name()));
    }
    if (isPlainFixed(program) && program.stepSize() > 1.0) {
      warnings.add(
          ("optimizer.step-size %s with step-rule fixed is beyond the certified range, which ends at"
                  + " 1 unit step: the value may fall or the run may never settle; use 1 or less, or"
                  + " step-rule backtracking")
              .formatted(program.stepSize()));
    }
    return warnings;
  }

  private static RowOptimum[] optima(LoadedRun run) {
    RowOptimum[] optima = run.coupling().block().optima();
    return optima == null ? ((MdpRows) run.coupling()).mdpOptimum().rows() : optima;
  }

  private static boolean isPlainFixed(RowProgram program) {
    return program.stepRule() == StepRuleKind.FIXED
        && program.optimizer() != OptimizerKind.NESTEROV
        && program.optimizer() != OptimizerKind.ADAM;
  }

  @Override
  public void write(MetricRecord metrics) {
    double gap = metrics.get(MetricNames.GAP);
    if (!gaps.isEmpty()) {
      double fall = gap - gaps.getLast();
      if (fall > FALL * gap && gap > ROUNDING_GAP) {
        falls++;
        largestFall = Math.max(largestFall, fall);
      }
    }
    gaps.add(gap);
    clipFraction = metrics.get(MetricNames.CLIPFRAC_BINDING);
  }

  /** The same metrics for another sink after this one. */
  MetricSink andThen(MetricSink next) {
    return metrics -> {
      write(metrics);
      next.write(metrics);
    };
  }

  /** What the course of the gap shows, once the run has ended. */
  List<String> after() {
    List<String> warnings = new ArrayList<>();
    if (program.stepRule() == StepRuleKind.BACKTRACKING) {
      // Its steps are certified: what is left are rounding and an honest end, which is reported.
      return warnings;
    }
    int count = gaps.size();
    int window = count / 4;
    double latest = least(count - window, count);
    double earlier = least(count - 2 * window, count - window);
    boolean circles =
        count >= FEWEST_ITERATIONS
            && latest >= earlier
            && latest > Math.max(program.tolerance(), ROUNDING_GAP);
    if (circles) {
      String clip =
          clipFraction > 0.0
              ? String.format(
                  Locale.ROOT,
                  ": clipped actions (clip fraction %.2g with clip-epsilon %s) lose their advantage"
                      + " but keep the divergence's pull, which overshoots in %d inner steps",
                  clipFraction,
                  program.clip().clipEpsilon(),
                  program.innerSteps())
              : "";
      warnings.add(
          String.format(
              Locale.ROOT,
              "the gap goes in circles between %.2e and %.2e over the last %d outer iterations%s;"
                  + " use step-rule backtracking or safe, or an optimizer.step-size of %s",
              latest,
              largest(count - window, count),
              window,
              clip,
              program.stepSize() / 10.0));
    }
    if (falls > 0) {
      warnings.add(
          String.format(
              Locale.ROOT,
              "the value fell in %d of %d outer iterations, by %.2e at most: step-rule %s is not"
                  + " certified at optimizer.step-size %s; use step-rule backtracking or a smaller"
                  + " step",
              falls,
              count - 1,
              largestFall,
              program.stepRule().configName(),
              program.stepSize()));
    }
    return warnings;
  }

  private double least(int from, int to) {
    return gaps.subList(from, to).stream().mapToDouble(x -> x).min().orElse(Double.NaN);
  }

  private double largest(int from, int to) {
    return gaps.subList(from, to).stream().mapToDouble(x -> x).max().orElse(Double.NaN);
  }
}
