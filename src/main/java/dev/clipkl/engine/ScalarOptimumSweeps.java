package dev.clipkl.engine;

import dev.clipkl.objective.Divergence;

/** The sweeps of a row optimum as their equations read: the oracle of the vectorised ones. */
public final class ScalarOptimumSweeps implements OptimumSweeps {
  private final Divergence divergence;
  private final double lambda;
  private final boolean hasSupremum;
  private final double[] reference;
  private final double[] distance;

  /**
   * Sweeps over rows of this many actions.
   *
   * @param lambda above 0
   */
  public ScalarOptimumSweeps(Divergence divergence, double lambda, int columns) {
    this.divergence = divergence;
    this.lambda = lambda;
    hasSupremum = divergence.derivativeSupremum() < Double.POSITIVE_INFINITY;
    reference = new double[columns];
    distance = new double[columns];
  }

  @Override
  public RowExtent load(double[] logReference, double[] actionValues) {
    double largest = Double.NEGATIVE_INFINITY;
    double least = Double.POSITIVE_INFINITY;
    double check = 0.0;
    for (int a = 0; a < reference.length; a++) {
      largest = Math.max(largest, actionValues[a]);
      least = Math.min(least, actionValues[a]);
      check += 0.0 * actionValues[a] + 0.0 * logReference[a];
    }
    if (!(check == 0.0)) {
      throw new ArithmeticException("a row optimum needs finite rewards and log-probabilities");
    }
    double mass = 0.0;
    double meanDistance = 0.0;
    for (int a = 0; a < reference.length; a++) {
      distance[a] = largest - actionValues[a];
      reference[a] = Math.exp(logReference[a]);
      mass += reference[a];
      meanDistance += reference[a] * distance[a];
    }
    return new RowExtent(largest, largest - least, mass, meanDistance);
  }

  @Override
  public double loneActionOffset() {
    if (!hasSupremum) {
      throw new UnsupportedOperationException(divergence.name() + " has no supremum of f'");
    }
    double offset = Double.NEGATIVE_INFINITY;
    for (int a = 0; a < reference.length; a++) {
      double alone = lambda * divergence.belowSupremum(-Math.log(reference[a]));
      offset = Math.max(offset, alone - distance[a]);
    }
    return offset;
  }

  private double argument(int action, double offset) {
    double below = (distance[action] + offset) / lambda;
    return hasSupremum ? below : -below;
  }

  @Override
  public OptimumMass measure(double offset) {
    double mass = 0.0;
    double slope = 0.0;
    for (int a = 0; a < reference.length; a++) {
      double logRatio = divergence.logInverseDerivative(argument(a, offset));
      if (logRatio > Double.NEGATIVE_INFINITY) {
        double probability = reference[a] * Math.exp(logRatio);
        mass += probability;
        slope += probability / (lambda * divergence.curvature(logRatio));
      }
    }
    return new OptimumMass(mass, slope);
  }

  @Override
  public void probabilities(double offset, double[] destination) {
    for (int a = 0; a < reference.length; a++) {
      destination[a] =
          reference[a] * Math.exp(divergence.logInverseDerivative(argument(a, offset)));
    }
  }

  @Override
  public OptimumSums certify(double offset) {
    CompensatedSum mass = new CompensatedSum();
    CompensatedSum conjugate = new CompensatedSum();
    double slope = 0.0;
    double magnitude = 0.0;
    double reach = 0.0;
    double curvatures = 0.0;
    int zeros = 0;
    for (int a = 0; a < reference.length; a++) {
      double t = argument(a, offset);
      double logRatio = divergence.logInverseDerivative(t);
      double term = reference[a] * divergence.conjugate(t);
      conjugate.add(term);
      if (logRatio == Double.NEGATIVE_INFINITY) {
        zeros++;
        magnitude += Math.abs(term);
        continue;
      }
      double probability = reference[a] * Math.exp(logRatio);
      double curvature = divergence.curvature(logRatio);
      mass.add(probability);
      slope += probability / (lambda * curvature);
      magnitude += Math.abs(term) * (1.0 + Math.abs(logRatio));
      reach += probability * Math.abs(t);
      curvatures += probability * curvature;
    }
    return new OptimumSums(
        mass.value(), slope, conjugate.value(), magnitude, reach, curvatures, zeros);
  }
}
