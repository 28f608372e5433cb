package dev.clipkl.gpu;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.clipkl.config.EngineChoice;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.engine.reference.ReferenceEngine;
import dev.clipkl.engine.vector.VectorEngine;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.RowTable;
import dev.clipkl.training.EngineSelection;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Holds the engine {@code cuda} to the float64 oracle on this machine's GPU: every divergence,
 * optimizer and step rule; the same bits again and in other portions; and the CPU's objective after
 * a hundred outer iterations.
 */
@Command(name = "contract", mixinStandardHelpOptions = true, usageHelpAutoWidth = true)
final class GpuContract implements Callable<Integer> {
  /** The float32 engines' tolerances of the unit tests: on probabilities, and on metrics. */
  private static final double PROBABILITY = 1e-6;

  private static final double METRIC = 1e-5;

  /** Relative, after {@link #OBJECTIVE_ITERATIONS}. */
  private static final double OBJECTIVE = 1e-6;

  private static final int OBJECTIVE_ITERATIONS = 100;
  private static final List<String> DIVERGENCES =
      List.of("reverse-kl", "forward-kl", "js", "chi2", "hellinger2", "alpha(0.5)", "alpha(3)");

  @Option(
      names = "--vocabulary",
      split = ",",
      defaultValue = "77,4099,50257",
      description =
          "Lengths of rows that are compared with the oracle (default: ${DEFAULT-VALUE}).")
  private List<Integer> vocabularies = List.of();

  @Option(
      names = "--large",
      defaultValue = "128256",
      description =
          "Length of the rows whose bits and objective are compared; 0 for none (default:"
              + " ${DEFAULT-VALUE}).")
  private int large;

  @Option(names = "--threads", defaultValue = "8", description = "Threads of the CPU engines.")
  private int threads;

  @Option(names = "--out", description = "Writes the results as JSON.")
  private Path out = Path.of("contract.json");

  private final List<Line> lines = new ArrayList<>();

  /** One line of the table. */
  record Line(String what, double worst, double allowed, String unit) {
    boolean holds() {
      return worst <= allowed;
    }
  }

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new GpuContract()).execute(arguments));
  }

  @Override
  public Integer call() throws IOException {
    try (EngineSelection selection = EngineSelection.open(EngineChoice.CUDA, threads)) {
      Engine cuda = selection.engine();
      System.out.println(cuda.description());
      for (int columns : vocabularies) {
        for (String divergence : DIVERGENCES) {
          compareWithOracle(cuda, Divergence.parse(divergence), columns);
        }
      }
      if (large > 0) {
        for (String divergence : List.of("reverse-kl", "forward-kl")) {
          compareBits(cuda, Divergence.parse(divergence));
          compareObjective(cuda, Divergence.parse(divergence));
        }
      }
      new ObjectMapper()
          .writerWithDefaultPrettyPrinter()
          .writeValue(out.toFile(), Map.of("engine", cuda.description(), "lines", lines));
    }
    long broken = lines.stream().filter(line -> !line.holds()).count();
    System.out.printf("%d of %d hold%n", lines.size() - broken, lines.size());
    return broken == 0 ? 0 : 1;
  }

  private void add(String what, double worst, double allowed, String unit) {
    Line line = new Line(what, worst, allowed, unit);
    lines.add(line);
    System.out.printf(
        Locale.ROOT,
        "%-60s %9.2e, allowed %.0e %s: %s%n",
        what,
        worst,
        allowed,
        unit,
        line.holds() ? "holds" : "BROKEN");
  }

  private void compareWithOracle(Engine cuda, Divergence divergence, int columns) {
    double probability = 0.0;
    double metric = 0.0;
    int clips = 0;
    int programs = 0;
    for (OptimizerKind optimizer : OptimizerKind.values()) {
      for (StepRuleKind rule : StepRuleKind.values()) {
        if (optimizer == OptimizerKind.NEWTON && rule == StepRuleKind.FIXED) {
          continue; // Divides by a curvature that may vanish: no fixed step is sound.
        }
        RowProgram program =
            new RowProgram(divergence, 0.3, ClippedSurrogate.of(0.2), optimizer, rule, 0.5, 2, 0.0);
        Comparison worst = compareWithOracle(cuda, program, columns);
        probability = Math.max(probability, worst.probability);
        metric = Math.max(metric, worst.metric);
        clips += worst.clips;
        programs++;
      }
    }
    String what = "%s, V = %,d, %d programs".formatted(divergence.name(), columns, programs);
    add(what + ", probabilities", probability, PROBABILITY, "absolute");
    add(what + ", metrics", metric, METRIC, "relative to max(1, |x|)");
    add(what + ", clipped actions that differ", clips, 0.0, "actions");
  }

  private record Comparison(double probability, double metric, int clips) {}

  private Comparison compareWithOracle(Engine cuda, RowProgram program, int columns) {
    int rows = 3;
    int outerIterations = 2;
    try (Arena arena = Arena.ofShared();
        Engine oracle = new ReferenceEngine(threads)) {
      Rows problem = Rows.create(arena, rows, rows, columns, 0.5f, 0.2f);
      RowOptimum[] optima = problem.optima(oracle, program);
      RowBlock block = problem.block(arena, cuda, program, optima);
      RowBlock exact = problem.block(arena, oracle, program, optima);
      RowResults results = new RowResults(outerIterations, rows, program.innerSteps());
      RowResults expected = new RowResults(outerIterations, rows, program.innerSteps());
      cuda.run(block, program, outerIterations, results);
      oracle.run(exact, program, outerIterations, expected);
      double probability = 0.0;
      double metric = 0.0;
      int clips = 0;
      for (int row = 0; row < rows; row++) {
        double[] got = softmax(block.actor().logits(), row);
        double[] want = softmax(exact.actor().logits(), row);
        for (int a = 0; a < columns; a++) {
          probability = larger(probability, Math.abs(got[a] - want[a]));
        }
        for (int n = 0; n < outerIterations; n++) {
          for (int k = 0; k < program.innerSteps(); k++) {
            clips +=
                Math.abs(results.clippedActions(n, k)[row] - expected.clippedActions(n, k)[row]);
          }
          for (RowMetric m : RowMetric.values()) {
            double wanted = expected.metric(n, m)[row];
            double error = Math.abs(results.metric(n, m)[row] - wanted);
            metric = larger(metric, error / Math.max(1.0, Math.abs(wanted)));
          }
        }
      }
      return new Comparison(probability, metric, clips);
    }
  }

  /** NaN counts as infinitely large. */
  private static double larger(double a, double b) {
    return b <= a ? a : Double.isNaN(b) ? Double.POSITIVE_INFINITY : b;
  }

  private static double[] softmax(RowTable logits, int row) {
    double[] values = new double[logits.columns()];
    logits.readRow(row, values);
    double largest = Double.NEGATIVE_INFINITY;
    for (double value : values) {
      largest = Math.max(largest, value);
    }
    double sum = 0.0;
    for (int a = 0; a < values.length; a++) {
      values[a] = Math.exp(values[a] - largest);
      sum += values[a];
    }
    for (int a = 0; a < values.length; a++) {
      values[a] /= sum;
    }
    return values;
  }

  private RowProgram practical(Divergence divergence) {
    return new RowProgram(
        divergence,
        0.1,
        ClippedSurrogate.of(0.2),
        OptimizerKind.recommendedFor(divergence),
        StepRuleKind.BACKTRACKING,
        1.0,
        2,
        0.0);
  }

  /** Two runs, and one whose outer iterations come one by one on a kept block. */
  private void compareBits(Engine cuda, Divergence divergence) {
    RowProgram program = practical(divergence);
    int rows = 40;
    int outerIterations = 4;
    try (Arena arena = Arena.ofShared()) {
      Rows problem = Rows.create(arena, rows, rows, large, 0.0f, 1.0f);
      RowBlock first = problem.block(arena, cuda, program, null);
      RowBlock second = problem.block(arena, cuda, program, null);
      RowBlock kept = problem.block(arena, cuda, program, null);
      cuda.run(first, program, outerIterations, null);
      cuda.run(second, program, outerIterations, null);
      cuda.keep(kept, program);
      for (int n = 0; n < outerIterations; n++) {
        cuda.run(kept, program, 1, null);
      }
      cuda.fetch(kept);
      cuda.release(kept);
      String what = "%s, V = %,d, %d rows".formatted(divergence.name(), large, rows);
      add(what + ", logits that differ in a second run", different(first, second), 0.0, "logits");
      add(what + ", logits that differ one by one, kept", different(first, kept), 0.0, "logits");
    }
  }

  private static double different(RowBlock one, RowBlock other) {
    int columns = one.columns();
    float[] a = new float[columns];
    float[] b = new float[columns];
    double count = 0.0;
    for (int row = one.firstRow(); row < one.endRow(); row++) {
      one.actor().logits().readRow(row, a);
      other.actor().logits().readRow(row, b);
      for (int i = 0; i < columns; i++) {
        if (Float.floatToRawIntBits(a[i]) != Float.floatToRawIntBits(b[i])) {
          count++;
        }
      }
    }
    return count;
  }

  private void compareObjective(Engine cuda, Divergence divergence) {
    RowProgram program = practical(divergence);
    int rows = 16;
    try (Arena arena = Arena.ofShared();
        Engine cpu = new VectorEngine(threads)) {
      Rows problem = Rows.create(arena, rows, rows, large, 0.0f, 1.0f);
      double onGpu = objective(arena, cuda, problem, program);
      double onCpu = objective(arena, cpu, problem, program);
      add(
          "%s, V = %,d, objective after %d outer iterations, GPU and CPU"
              .formatted(divergence.name(), large, OBJECTIVE_ITERATIONS),
          Math.abs(onGpu - onCpu) / Math.abs(onCpu),
          OBJECTIVE,
          "relative");
    }
  }

  private static double objective(Arena arena, Engine engine, Rows problem, RowProgram program) {
    RowBlock block = problem.block(arena, engine, program, null);
    int rows = block.endRow();
    RowResults results = new RowResults(OBJECTIVE_ITERATIONS, rows, program.innerSteps());
    engine.run(block, program, OBJECTIVE_ITERATIONS, results);
    double sum = 0.0;
    for (double value : results.latest(RowMetric.VALUE)) {
      sum += value;
    }
    return sum / rows;
  }
}
