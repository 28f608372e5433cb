package dev.clipkl.engine.vector;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import dev.clipkl.engine.GroupMasses;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.exact.RowOptima;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.ColumnGroups;
import dev.clipkl.table.RowTable;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.platform.launcher.TestPlan;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/**
 * The main class of a JVM whose vectors {@code clipkl.vector-bits} sets: prints their lanes, a
 * digest of many row programs and optima, and what the engine's contract says.
 */
final class LaneWidthProbe {
  private static final int[] COLUMNS = {1, 17, 1024, 3001};

  private LaneWidthProbe() {}

  public static void main(String[] arguments) throws NoSuchAlgorithmException {
    System.out.println("lanes " + FloatLanes.LANES);
    System.out.println("digest " + digest());
    TestExecutionSummary contract = runContract();
    System.out.println("contract " + contract.getTestsSucceededCount());
    System.out.println("failures " + contract.getTestsFailedCount());
    contract.getFailures().forEach(failure -> failure.getException().printStackTrace());
  }

  private static TestExecutionSummary runContract() {
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    var launcher = LauncherFactory.create();
    TestPlan plan =
        launcher.discover(
            LauncherDiscoveryRequestBuilder.request()
                .selectors(selectClass(VectorEngineTest.class))
                .build());
    launcher.execute(plan, listener);
    return listener.getSummary();
  }

  static String digest() throws NoSuchAlgorithmException {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    Random random = new Random(5L);
    for (int columns : COLUMNS) {
      for (Divergence divergence : RowFixture.divergences().toList()) {
        double[][] reference = {RowFixture.zipfLogReference(random, columns)};
        double[][] values = {RowFixture.normal(random, columns, 0.5, 0.2)};
        for (OptimizerKind optimizer : OptimizerKind.values()) {
          add(digest, divergence, optimizer, reference, values);
        }
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static void add(
      MessageDigest digest,
      Divergence divergence,
      OptimizerKind optimizer,
      double[][] reference,
      double[][] values) {
    try (VectorEngine engine = new VectorEngine(1)) {
      for (StepRuleKind rule : StepRuleKind.values()) {
        RowProgram program =
            new RowProgram(divergence, 0.3, ClippedSurrogate.of(0.2), optimizer, rule, 0.5, 3, 0.0);
        RowBlock block = RowFixture.block(engine.kind(), program, reference, reference, values);
        RowResults results = new RowResults(2, 1, 3);
        engine.run(block, program, 2, results);
        add(digest, RowFixture.row(block.actor().logits(), 0));
        for (RowMetric metric : RowMetric.values()) {
          add(digest, results.metric(1, metric));
        }
      }
      addOneStepVisits(digest, engine, divergence, optimizer, reference, values);
      for (double[] masses : groupMasses(engine, divergence, reference, values)) {
        add(digest, masses);
      }
      RowTable referenceTable = RowFixture.table(RowTable.Precision.FLOAT32, reference);
      RowTable valueTable = RowFixture.table(RowTable.Precision.FLOAT32, values);
      for (RowOptimum optimum :
          RowOptima.solve(engine, divergence, 0.3, referenceTable, valueTable)) {
        add(digest, optimum.offset(), optimum.value(), optimum.errorBound());
      }
    }
  }

  private static void addOneStepVisits(
      MessageDigest digest,
      VectorEngine engine,
      Divergence divergence,
      OptimizerKind optimizer,
      double[][] reference,
      double[][] values) {
    RowProgram program =
        new RowProgram(
            divergence, 0.3, ClippedSurrogate.of(0.2), optimizer, StepRuleKind.FIXED, 0.5, 1, 0.0);
    RowBlock block = RowFixture.block(engine.kind(), program, reference, reference, values);
    for (int n = 0; n < 3; n++) {
      engine.run(block, program, 1, null);
    }
    add(digest, RowFixture.row(block.actor().logits(), 0));
  }

  /** Of runs that are long enough for vectors and of single columns, with some of no group. */
  private static double[][] groupMasses(
      VectorEngine engine, Divergence divergence, double[][] reference, double[][] values) {
    RowProgram program =
        new RowProgram(
            divergence,
            0.3,
            ClippedSurrogate.of(0.2),
            OptimizerKind.GRADIENT,
            StepRuleKind.FIXED,
            0.5,
            3,
            0.0);
    int columns = reference[0].length;
    double[][] masses = new double[1][5];
    ColumnGroups groups =
        new ColumnGroups(
            5,
            IntStream.range(0, columns)
                .map(a -> a < columns / 3 ? 1 : a < columns / 2 ? 4 : a % 6 - 1)
                .toArray());
    RowBlock block = RowFixture.block(engine.kind(), program, reference, reference, values);
    engine.evaluate(block, program, new RowResults(1, 1, 3), new GroupMasses(groups, masses));
    return masses;
  }

  private static void add(MessageDigest digest, double... values) {
    for (double value : values) {
      digest.update(ByteBuffer.allocate(Double.BYTES).putDouble(value).flip());
    }
  }
}
