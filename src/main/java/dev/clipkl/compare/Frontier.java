package dev.clipkl.compare;

import java.util.List;

/**
 * The exact trade of reward against divergence, and how near trained policies come to it.
 *
 * @param optima of every divergence over the grid of lambda, in this order
 * @param trained policies trained at some of these lambda
 */
public record Frontier(List<FrontierPoint> optima, List<FrontierPoint> trained) {
  public Frontier {
    optima = List.copyOf(optima);
    trained = List.copyOf(trained);
  }
}
