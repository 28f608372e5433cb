package dev.clipkl.engine;

/**
 * The sums from which an optimum and its error bound follow, at one offset; {@code w_a = g(t_a)}
 * and {@code g = (f')^{-1}} (THEORY 2.1). Mass and conjugate are compensated sums: their error does
 * not grow with the number of actions.
 *
 * @param mass {@code sum_a q_a w_a}
 * @param slope {@code sum_a q_a w_a / (lambda w_a f''(w_a))}, over {@code w_a > 0}
 * @param conjugate {@code sum_a q_a f*(t_a)}
 * @param magnitude at least {@code sum_a q_a |f*(t_a)|}, and {@code 1 + |log w_a|} times a term
 *     whose power was taken by logarithms: what the rounding of the conjugate is measured by
 * @param reach {@code sum_a q_a w_a |t_a|}, or with the distance below the supremum of f' for t:
 *     what the rounding of the arguments is measured by
 * @param curvature {@code sum_a q_a w_a (w_a f''(w_a))}
 * @param zeros number of actions with {@code w_a = 0} because {@code t_a <= f'(0+)}
 */
public record OptimumSums(
    double mass,
    double slope,
    double conjugate,
    double magnitude,
    double reach,
    double curvature,
    int zeros) {}
