package dev.clipkl.training;

import dev.clipkl.table.MemoryBudget.Item;
import java.util.List;

/**
 * What a problem of rows needs room for.
 *
 * @param states rows of the policy
 * @param ownRows rows of the reference and of the rewards
 * @param actions of a row
 * @param canComputeReference whether reference rows need not be stored
 * @param oneReward whether one row of rewards serves all
 * @param copiesInitialLogits whether the logits to start from need a table
 * @param work what else is in memory all the while
 */
record TableNeeds(
    long states,
    long ownRows,
    int actions,
    boolean canComputeReference,
    boolean oneReward,
    boolean copiesInitialLogits,
    List<Item> work) {}
