package dev.clipkl.engine.vector;

import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.Random;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The vector engine's innermost loops over one chunk in the first-level cache, for benchmarks. Each
 * method is one loop over {@link #ENTRIES} entries.
 */
public final class VectorLoops {
  /** Entries of a chunk. */
  public static final int ENTRIES = RowChunk.CAPACITY;

  private static final float LAMBDA = 0.1f;
  private static final float STEP = 1e-3f;

  private final float[] logits = new float[ENTRIES];
  private final float[] masses = new float[ENTRIES];
  private final float[] values = new float[ENTRIES];
  private final LaneSum sum = new LaneSum();
  private final RowMemory row = new RowMemory();
  private final StreamedSweep sweep;
  private final PolicyScratch policy = new PolicyScratch(ENTRIES, true);
  private final FusedSweep fused;

  /** Fills a chunk with logits of some 10 nats and values of order 1. */
  public VectorLoops(Divergence divergence) {
    sweep = Objects.requireNonNull(StreamedSweep.of(divergence, OptimizerKind.GRADIENT));
    sweep.lambda = LAMBDA;
    fused = Objects.requireNonNull(FusedSweep.of(divergence, OptimizerKind.GRADIENT));
    fused.lambda = LAMBDA;
    fused.logReference = new float[ENTRIES];
    fused.reference = new float[ENTRIES];
    long bytes = (long) ENTRIES * Float.BYTES;
    Arena arena = Arena.ofAuto();
    row.logits = arena.allocate(bytes, RowTable.ROW_ALIGNMENT);
    row.lost = arena.allocate(bytes, RowTable.ROW_ALIGNMENT);
    row.logReference = arena.allocate(bytes, RowTable.ROW_ALIGNMENT);
    row.actionValue = arena.allocate(bytes, RowTable.ROW_ALIGNMENT);
    Random random = new Random(1L);
    for (int i = 0; i < ENTRIES; i++) {
      logits[i] = (float) (-10.0 + random.nextGaussian());
      values[i] = (float) random.nextGaussian();
    }
    for (int i = 0; i < ENTRIES; i += FloatLanes.LANES) {
      long at = (long) i * Float.BYTES;
      ByteOrder order = ByteOrder.LITTLE_ENDIAN;
      FloatVector logit = FloatVector.fromArray(FloatLanes.SPECIES, logits, i);
      logit.intoMemorySegment(row.logits, at, order);
      logit.intoMemorySegment(row.logReference, at, order);
      FloatVector.fromArray(FloatLanes.SPECIES, values, i)
          .intoMemorySegment(row.actionValue, at, order);
    }
    exponential();
    System.arraycopy(logits, 0, policy.logits, 0, ENTRIES);
    System.arraycopy(logits, 0, fused.logReference, 0, ENTRIES);
    System.arraycopy(masses, 0, fused.reference, 0, ENTRIES);
    System.arraycopy(masses, 0, policy.mass, 0, ENTRIES);
    policy.inverseNormalizer = 1f;
  }

  /** Own exponential, from array to array. */
  public float exponential() {
    FloatLanes.offsetExp(logits, 0, masses, 0, ENTRIES);
    return masses[0];
  }

  /** The Vector API's, whose bits are not the same everywhere. */
  public float exponentialOfTheVectorApi() {
    for (int i = 0; i < ENTRIES; i += FloatLanes.LANES) {
      FloatVector.fromArray(FloatLanes.SPECIES, logits, i)
          .lanewise(VectorOperators.EXP)
          .intoArray(masses, i);
    }
    return masses[0];
  }

  /** Float32 terms, 16 float64 accumulators. */
  public double sum() {
    sum.clear();
    sum.add(masses, 0, ENTRIES);
    return sum.total();
  }

  /** The same of products. */
  public double sumOfProducts() {
    sum.clear();
    sum.addProducts(masses, 0, values, 0, ENTRIES);
    return sum.total();
  }

  /** A streamed step's first loop: direction and move, with what rounding takes. */
  public void streamedMove() {
    sweep.move(row, 1f, 0.0, STEP, 0, ENTRIES);
  }

  /** Its second: masses and both sums. */
  public double streamedMeasure() {
    sweep.masses.clear();
    sweep.first.clear();
    sweep.measure(row, 0f, 0, ENTRIES);
    return sweep.masses.total() + sweep.first.total();
  }

  /** The first loop of a step of a row in hand. */
  public void inHandMove() {
    fused.move(policy, policy, values, STEP, 0, ENTRIES);
  }

  /** Its second. */
  public void inHandMeasure() {
    fused.measureInBlocks(policy, values, 0f, 0, ENTRIES);
  }
}
