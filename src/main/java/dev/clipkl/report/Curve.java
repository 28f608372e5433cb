package dev.clipkl.report;

/**
 * One line or cloud of points of a chart.
 *
 * @param label for the legend
 * @param run the run it belongs to, by its place in the report; -1 for all of them
 * @param style number of its colour and dash
 * @param dashed whether it is a bound or a second measure of the same run, drawn thin
 * @param line whether its points are joined
 * @param points whether they are marked
 * @param x positions, finite
 * @param y numbers, finite, as many
 */
@SuppressWarnings("ArrayRecordComponent") // Long, handed over once, and never compared.
record Curve(
    String label,
    int run,
    int style,
    boolean dashed,
    boolean line,
    boolean points,
    double[] x,
    double[] y) {}
