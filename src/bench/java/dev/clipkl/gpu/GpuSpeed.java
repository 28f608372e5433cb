package dev.clipkl.gpu;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.clipkl.bench.BenchMethod;
import dev.clipkl.bench.Spread;
import dev.clipkl.config.EngineChoice;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.reference.ReferenceEngine;
import dev.clipkl.objective.Divergence;
import dev.clipkl.training.EngineSelection;
import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Times row programs on this machine's GPU, and writes the same problem, with the oracle's answer,
 * for {@code peers.py}. A sample is one call of {@code Engine.run} on a kept block: launch,
 * computation and synchronisation.
 */
@Command(name = "speed", mixinStandardHelpOptions = true, usageHelpAutoWidth = true)
final class GpuSpeed implements Callable<Integer> {
  private static final int DISTINCT_ROWS = 64;

  /** Rows whose policies peers are compared with. */
  private static final int ORACLE_ROWS = 2;

  private static final int ORACLE_INNER_STEPS = 4;
  private static final int WARM_UP = 3;
  private static final List<String> DIVERGENCES = List.of("reverse-kl", "forward-kl");

  @Option(names = "--vocabulary", defaultValue = "128256", description = "Actions of a row.")
  private int columns;

  @Option(names = "--rows", defaultValue = "8192", description = "Rows of every table.")
  private int rows;

  @Option(names = "--samples", defaultValue = "15", description = "Timed calls of each.")
  private int samples;

  @Option(names = "--threads", defaultValue = "8", description = "Threads of the CPU.")
  private int threads;

  @Option(names = "--out", defaultValue = "speed.json", description = "Takes the times.")
  private Path out = Path.of("speed.json");

  @Option(names = "--problem", defaultValue = "problem.bin", description = "For peers.py.")
  private Path problemFile = Path.of("problem.bin");

  /** Nanoseconds per entry and inner step. */
  record Time(String divergence, String method, int innerSteps, boolean reports, Spread spread) {}

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new GpuSpeed()).execute(arguments));
  }

  @Override
  public Integer call() throws IOException {
    writeProblem();
    List<Time> times = new ArrayList<>();
    String description;
    try (EngineSelection selection = EngineSelection.open(EngineChoice.CUDA, threads);
        Arena arena = Arena.ofShared()) {
      Engine cuda = selection.engine();
      description = cuda.description();
      System.out.println(description);
      Rows problem = Rows.create(arena, rows, DISTINCT_ROWS, columns, 0.0f, 1.0f);
      for (String divergence : DIVERGENCES) {
        for (BenchMethod method : BenchMethod.values()) {
          RowBlock block =
              problem.block(arena, cuda, method.program(Divergence.parse(divergence), 1), null);
          for (int innerSteps : new int[] {1, 16}) {
            RowProgram program = method.program(Divergence.parse(divergence), innerSteps);
            for (boolean reports : new boolean[] {false, true}) {
              if (reports || method == BenchMethod.FIXED) {
                times.add(
                    new Time(
                        divergence,
                        method.label(),
                        innerSteps,
                        reports,
                        time(cuda, problem, block, program, reports)));
                System.out.println(times.getLast());
              }
            }
          }
        }
      }
    }
    new ObjectMapper()
        .writerWithDefaultPrettyPrinter()
        .writeValue(
            out.toFile(),
            Map.of("engine", description, "rows", rows, "columns", columns, "times", times));
    return 0;
  }

  private Spread time(
      Engine cuda, Rows problem, RowBlock block, RowProgram program, boolean reports) {
    problem.reset(block.actor());
    cuda.keep(block, program);
    try {
      RowResults results = reports ? new RowResults(1, rows, program.innerSteps()) : null;
      double[] nanoseconds = new double[samples];
      for (int i = -WARM_UP; i < samples; i++) {
        long start = System.nanoTime();
        cuda.run(block, program, 1, results);
        long end = System.nanoTime();
        if (i >= 0) {
          nanoseconds[i] = (end - start) / ((double) rows * columns * program.innerSteps());
        }
      }
      return Spread.of(nanoseconds);
    } finally {
      cuda.release(block);
    }
  }

  /**
   * The distinct rows and the oracle's policies after one outer iteration of fixed steps, little
   * endian: columns, rows, oracle rows, inner steps as int32; lambda, clip epsilon, step as
   * float64; references and rewards as float32 {@code [rows, columns]}; then for either KL the
   * logits as float64 {@code [oracle rows, columns]}.
   */
  private void writeProblem() throws IOException {
    try (Arena arena = Arena.ofShared();
        Engine oracle = new ReferenceEngine(threads);
        DataOutputStream output =
            new DataOutputStream(
                new BufferedOutputStream(Files.newOutputStream(problemFile), 1 << 20))) {
      int distinct = Math.min(DISTINCT_ROWS, rows);
      Rows problem = Rows.create(arena, distinct, distinct, columns, 0.0f, 1.0f);
      ByteBuffer header = ByteBuffer.allocate(40).order(ByteOrder.LITTLE_ENDIAN);
      header.putInt(columns).putInt(distinct).putInt(ORACLE_ROWS).putInt(ORACLE_INNER_STEPS);
      header.putDouble(BenchMethod.LAMBDA).putDouble(BenchMethod.CLIP_EPSILON);
      header.putDouble(BenchMethod.STEP);
      output.write(header.array());
      float[] row = new float[columns];
      ByteBuffer bytes = ByteBuffer.allocate(columns * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      for (int r = 0; r < distinct; r++) {
        problem.reference().readRow(r, row);
        bytes.asFloatBuffer().put(row);
        output.write(bytes.array());
      }
      for (int r = 0; r < distinct; r++) {
        problem.rewards().readRow(r, row);
        bytes.asFloatBuffer().put(row);
        output.write(bytes.array());
      }
      Rows few = Rows.create(arena, ORACLE_ROWS, ORACLE_ROWS, columns, 0.0f, 1.0f);
      for (String divergence : DIVERGENCES) {
        RowProgram program =
            BenchMethod.FIXED.program(Divergence.parse(divergence), ORACLE_INNER_STEPS);
        RowBlock block = few.block(arena, oracle, program, null);
        oracle.run(block, program, 1, null);
        double[] logits = new double[columns];
        ByteBuffer wide =
            ByteBuffer.allocate(columns * Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int r = 0; r < ORACLE_ROWS; r++) {
          block.actor().logits().readRow(r, logits);
          wide.asDoubleBuffer().put(logits);
          output.write(wide.array());
        }
      }
    }
  }
}
