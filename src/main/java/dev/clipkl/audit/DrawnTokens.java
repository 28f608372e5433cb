package dev.clipkl.audit;

/**
 * The tokens that were drawn from one row.
 *
 * @param tokens distinct, in ascending order
 * @param counts how often each of them was drawn
 */
record DrawnTokens(int[] tokens, int[] counts) {}
