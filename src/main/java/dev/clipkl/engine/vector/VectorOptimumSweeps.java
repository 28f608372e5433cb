package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.DoubleLanes.LANES;
import static dev.clipkl.engine.vector.DoubleLanes.SPECIES;
import static dev.clipkl.engine.vector.DoubleLanes.WIDTH;
import static dev.clipkl.engine.vector.DoubleLanes.exp;

import dev.clipkl.engine.CompensatedSum;
import dev.clipkl.engine.OptimumMass;
import dev.clipkl.engine.OptimumSums;
import dev.clipkl.engine.OptimumSweeps;
import dev.clipkl.engine.RowExtent;
import dev.clipkl.objective.Divergence;
import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The sweeps of a row optimum on float64 lanes.
 *
 * <p>Rows are padded to {@link DoubleLanes#WIDTH} with the row's worst action at reference
 * probability 0: it changes no sum, and no ratio of it can overflow that the row's own do not.
 */
final class VectorOptimumSweeps implements OptimumSweeps {
  private final double lambda;
  private final OptimumRatios ratios;
  private final double zeroDistance;
  private final int columns;
  private final int padded;
  private final double[] reference;
  private final double[] distance;
  private final OptimumChunk chunk = new OptimumChunk();
  private final double[] lanes = new double[WIDTH];
  private final double[] lostLanes = new double[WIDTH];

  /** Lanes of sums over the whole row. */
  private final double[] magnitude = new double[WIDTH];

  private final double[] reach = new double[WIDTH];
  private final boolean hasUnitCurvature;
  private double largest;
  private double least;

  VectorOptimumSweeps(Divergence divergence, double lambda, int columns) {
    this.lambda = lambda;
    this.columns = columns;
    ratios = OptimumRatios.of(divergence);
    hasUnitCurvature = ratios.hasUnitCurvature();
    // t <= f'(0+), infinite where f is a barrier; then distances are below the supremum of f'.
    zeroDistance = -divergence.derivativeAtZero();
    padded = Math.ceilDiv(columns, WIDTH) * WIDTH;
    reference = new double[padded];
    distance = new double[padded];
  }

  @Override
  public RowExtent load(double[] logReference, double[] actionValues) {
    double mass = 0.0;
    largest = Double.NEGATIVE_INFINITY;
    least = Double.POSITIVE_INFINITY;
    for (int start = 0; start < padded; start += OptimumChunk.CAPACITY) {
      mass += loadPiece(logReference, actionValues, start);
    }
    double meanDistance = 0.0;
    for (int start = 0; start < padded; start += OptimumChunk.CAPACITY) {
      chunk.length = Math.min(OptimumChunk.CAPACITY, padded - start);
      for (int i = 0; i < chunk.length; i += LANES) {
        DoubleVector x =
            DoubleVector.broadcast(SPECIES, largest)
                .sub(DoubleVector.fromArray(SPECIES, distance, start + i));
        x.intoArray(distance, start + i);
        x.intoArray(chunk.distance, i);
      }
      meanDistance += dot(start, chunk.distance);
    }
    return new RowExtent(largest, largest - least, mass, meanDistance);
  }

  /** Fills q, and Q for a while in place of the distances; returns the piece's mass. */
  private double loadPiece(double[] logReference, double[] actionValues, int start) {
    chunk.length = Math.min(OptimumChunk.CAPACITY, padded - start);
    int count = Math.min(chunk.length, columns - start);
    System.arraycopy(actionValues, start, chunk.distance, 0, count);
    System.arraycopy(logReference, start, chunk.scratch, 0, count);
    Arrays.fill(chunk.scratch, count, chunk.length, 0.0);
    // No extreme, until the worst action is known.
    Arrays.fill(chunk.distance, count, chunk.length, chunk.distance[count - 1]);
    requireFinite();
    extend();
    exp(chunk.scratch, 1.0, chunk.ratio, chunk.length);
    Arrays.fill(chunk.ratio, count, chunk.length, 0.0);
    Arrays.fill(chunk.distance, count, chunk.length, least);
    System.arraycopy(chunk.ratio, 0, reference, start, chunk.length);
    System.arraycopy(chunk.distance, 0, distance, start, chunk.length);
    Arrays.fill(chunk.ratio, 0, chunk.length, 1.0);
    return dot(start, chunk.ratio);
  }

  private void requireFinite() {
    DoubleVector check = DoubleVector.zero(SPECIES);
    for (int i = 0; i < chunk.length; i += LANES) {
      // 0 times a number that is not finite is NaN.
      check =
          DoubleVector.fromArray(SPECIES, chunk.distance, i)
              .mul(0.0)
              .add(DoubleVector.fromArray(SPECIES, chunk.scratch, i).mul(0.0))
              .add(check);
    }
    check.intoArray(lanes, 0);
    for (int lane = 0; lane < LANES; lane++) {
      if (!(lanes[lane] == 0.0)) {
        throw new ArithmeticException("a row optimum needs finite rewards and log-probabilities");
      }
    }
  }

  /** Takes a piece of Q into its extremes. */
  private void extend() {
    DoubleVector high = DoubleVector.broadcast(SPECIES, largest);
    DoubleVector low = DoubleVector.broadcast(SPECIES, least);
    for (int i = 0; i < chunk.length; i += LANES) {
      DoubleVector x = DoubleVector.fromArray(SPECIES, chunk.distance, i);
      high = high.blend(x, x.compare(VectorOperators.GT, high));
      low = low.blend(x, x.lt(low));
    }
    largest = high.reduceLanes(VectorOperators.MAX);
    least = low.reduceLanes(VectorOperators.MIN);
  }

  @Override
  public double loneActionOffset() {
    DoubleVector largest = DoubleVector.broadcast(SPECIES, Double.NEGATIVE_INFINITY);
    for (int start = 0; start < padded; start += OptimumChunk.CAPACITY) {
      chunk.length = Math.min(OptimumChunk.CAPACITY, padded - start);
      System.arraycopy(reference, start, chunk.ratio, 0, chunk.length);
      ratios.loneDistances(chunk);
      for (int i = 0; i < chunk.length; i += LANES) {
        DoubleVector x =
            DoubleVector.fromArray(SPECIES, chunk.distance, i)
                .mul(lambda)
                .sub(DoubleVector.fromArray(SPECIES, distance, start + i));
        largest = largest.blend(x, x.compare(VectorOperators.GT, largest));
      }
    }
    return largest.reduceLanes(VectorOperators.MAX);
  }

  @Override
  public OptimumMass measure(double offset) {
    double mass = 0.0;
    double sensitivity = 0.0;
    for (int start = 0; start < padded; start += OptimumChunk.CAPACITY) {
      fillDistances(start, offset);
      ratios.measure(chunk);
      mass += dot(start, chunk.ratio);
      sensitivity += hasUnitCurvature ? 0.0 : dot(start, chunk.sensitivity);
    }
    return new OptimumMass(mass, (hasUnitCurvature ? mass : sensitivity) / lambda);
  }

  @Override
  public void probabilities(double offset, double[] destination) {
    for (int start = 0; start < padded; start += OptimumChunk.CAPACITY) {
      fillDistances(start, offset);
      ratios.measure(chunk);
      for (int i = 0; i < chunk.length; i += LANES) {
        DoubleVector.fromArray(SPECIES, chunk.ratio, i)
            .mul(DoubleVector.fromArray(SPECIES, reference, start + i))
            .intoArray(chunk.ratio, i);
      }
      int count = Math.min(chunk.length, columns - start);
      System.arraycopy(chunk.ratio, 0, destination, start, count);
    }
  }

  private void fillDistances(int start, double offset) {
    chunk.length = Math.min(OptimumChunk.CAPACITY, padded - start);
    for (int i = 0; i < chunk.length; i += LANES) {
      DoubleVector.fromArray(SPECIES, distance, start + i)
          .add(offset)
          .div(lambda)
          .intoArray(chunk.distance, i);
    }
  }

  @Override
  public OptimumSums certify(double offset) {
    CompensatedSum mass = new CompensatedSum();
    CompensatedSum conjugate = new CompensatedSum();
    double sensitivity = 0.0;
    double curvature = 0.0;
    int zeros = 0;
    Arrays.fill(magnitude, 0.0);
    Arrays.fill(reach, 0.0);
    for (int start = 0; start < padded; start += OptimumChunk.CAPACITY) {
      fillDistances(start, offset);
      ratios.certify(chunk);
      addProducts(mass, start, chunk.ratio);
      addProducts(conjugate, start, chunk.conjugate);
      if (!hasUnitCurvature) {
        sensitivity += dot(start, chunk.sensitivity);
        curvature += dot(start, chunk.curvature);
      }
      if (zeroDistance < Double.POSITIVE_INFINITY) {
        zeros += zeros(Math.min(chunk.length, columns - start));
      }
      addMagnitudes(start);
    }
    return new OptimumSums(
        mass.value(),
        (hasUnitCurvature ? mass.value() : sensitivity) / lambda,
        conjugate.value(),
        total(magnitude),
        total(reach),
        hasUnitCurvature ? mass.value() : curvature,
        zeros);
  }

  /**
   * Adds what the rounding of the conjugates is measured by, and that of the arguments: distances
   * times ratios.
   */
  private void addMagnitudes(int start) {
    for (int lane = 0; lane < WIDTH; lane += LANES) {
      DoubleVector conjugates = DoubleVector.fromArray(SPECIES, magnitude, lane);
      DoubleVector arguments = DoubleVector.fromArray(SPECIES, reach, lane);
      for (int i = lane; i < chunk.length; i += WIDTH) {
        DoubleVector q = DoubleVector.fromArray(SPECIES, reference, start + i);
        conjugates =
            DoubleVector.fromArray(SPECIES, chunk.conjugate, i)
                .abs()
                .mul(DoubleVector.fromArray(SPECIES, chunk.roundings, i))
                .fma(q, conjugates);
        arguments =
            DoubleVector.fromArray(SPECIES, chunk.distance, i)
                .abs()
                .mul(DoubleVector.fromArray(SPECIES, chunk.ratio, i))
                .fma(q, arguments);
      }
      conjugates.intoArray(magnitude, lane);
      arguments.intoArray(reach, lane);
    }
  }

  /** Only exact zeros count: a ratio may underflow where f is a barrier. */
  private int zeros(int length) {
    int zeros = 0;
    for (int i = 0; i < length; i++) {
      zeros += chunk.distance[i] >= zeroDistance ? 1 : 0;
    }
    return zeros;
  }

  /**
   * {@code sum q x} over the chunk, in one order at any vector width: entry i is added to lane
   * {@code i mod 8}, and the lanes first to last ({@code reduceLanes} leaves its order open).
   */
  private double dot(int start, double[] x) {
    for (int lane = 0; lane < WIDTH; lane += LANES) {
      DoubleVector sum = DoubleVector.zero(SPECIES);
      for (int i = lane; i < chunk.length; i += WIDTH) {
        sum =
            DoubleVector.fromArray(SPECIES, x, i)
                .fma(DoubleVector.fromArray(SPECIES, reference, start + i), sum);
      }
      sum.intoArray(lanes, lane);
    }
    return total(lanes);
  }

  private static double total(double[] sums) {
    double total = 0.0;
    for (double sum : sums) {
      total += sum;
    }
    return total;
  }

  /** Adds {@code sum q x} over the chunk, keeping what every addition loses. */
  private void addProducts(CompensatedSum total, int start, double[] x) {
    for (int lane = 0; lane < WIDTH; lane += LANES) {
      DoubleVector sum = DoubleVector.zero(SPECIES);
      DoubleVector lost = DoubleVector.zero(SPECIES);
      for (int i = lane; i < chunk.length; i += WIDTH) {
        DoubleVector term =
            DoubleVector.fromArray(SPECIES, x, i)
                .mul(DoubleVector.fromArray(SPECIES, reference, start + i));
        DoubleVector next = sum.add(term);
        DoubleVector added = next.sub(sum);
        lost = lost.add(sum.sub(next.sub(added)).add(term.sub(added)));
        sum = next;
      }
      sum.intoArray(lanes, lane);
      lost.intoArray(lostLanes, lane);
    }
    for (int lane = 0; lane < WIDTH; lane++) {
      total.add(lanes[lane]);
      total.add(lostLanes[lane]);
    }
  }
}
