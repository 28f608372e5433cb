package dev.clipkl.report;

import java.util.List;

/**
 * A chart, for the page and as files alike.
 *
 * @param id its file's name without ending
 * @param family charts of the same family are one chart on the page, with a switch between them
 * @param title what it shows
 * @param choice what tells it from others of its family
 * @param x the horizontal axis
 * @param y the vertical axis
 * @param plane whether both axes are quantities, so that a curve may turn back
 * @param curves what is drawn
 */
record Chart(
    String id,
    String family,
    String title,
    String choice,
    Axis x,
    Axis y,
    boolean plane,
    List<Curve> curves) {
  Chart {
    curves = List.copyOf(curves);
  }

  /** An axis: its label with the unit, and whether it is logarithmic. */
  record Axis(String label, boolean log) {}

  /** Whether there is anything to draw. */
  boolean hasPoints() {
    return curves.stream().anyMatch(curve -> curve.x().length > 0);
  }
}
