package dev.clipkl.engine;

/**
 * The policy that an offset stands for, as far as a root finder needs it: {@code w_a = g(t_a)},
 * {@code g = (f')^{-1}} (THEORY 2.1).
 *
 * @param mass {@code S = sum_a q_a w_a}, 1 at the optimum
 * @param slope {@code -dS / d offset = sum_a q_a w_a / (lambda w_a f''(w_a))}, over {@code w_a > 0}
 */
public record OptimumMass(double mass, double slope) {}
