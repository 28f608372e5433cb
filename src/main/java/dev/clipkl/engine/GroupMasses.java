package dev.clipkl.engine;

import dev.clipkl.table.ColumnGroups;

/**
 * How much of each row's probability every group of actions has: {@code m(s, g) = sum over a in g
 * of p_s(a)}. With the classes that tokens lead to as groups, that is a policy's transition matrix.
 *
 * @param groups of the actions
 * @param masses {@code [states, groups]}; written. What is missing from 1 belongs to no group
 */
public record GroupMasses(ColumnGroups groups, double[][] masses) {}
