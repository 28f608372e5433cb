package dev.clipkl.compare;

import dev.clipkl.engine.RowOptimum;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.RowTable;

/**
 * The exact optimum of one objective, as the numbers that its rows follow from.
 *
 * @param divergence f
 * @param lambda its weight
 * @param rows the row optima for {@code actionValues}, {@code [states]}
 * @param actionValues Q, {@code [states, actions]}; in a bandit the rewards
 * @param visitation {@code d(s)} of the optimal policy, {@code [states]}; in a bandit the start
 *     distribution
 * @param value {@code u . V*}, the certified upper end
 */
@SuppressWarnings("ArrayRecordComponent") // Results to read, never compared.
record SolvedObjective(
    Divergence divergence,
    double lambda,
    RowOptimum[] rows,
    RowTable actionValues,
    double[] visitation,
    double value) {}
