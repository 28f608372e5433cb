package dev.clipkl.report;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Everything that the template writes, as texts; the template escapes them.
 *
 * @param version of clipkl
 * @param created when the report was made
 * @param summaries a paragraph or more about each run, or about the comparison
 * @param figures the runs' last numbers, side by side
 * @param hasCharts whether there is any number to draw
 * @param thinned whether curves have lost points
 * @param mostPoints that a curve keeps
 * @param matches mode tables of a comparison
 * @param frontier rows of the frontier's table
 * @param tokens what the token tables are about; null without any
 * @param tokenNotes why some runs have no token table
 * @param runs certificate, configuration and provenance of each
 */
record PageView(
    String title,
    String subtitle,
    String version,
    String created,
    List<Summary> summaries,
    List<FigureRow> figures,
    boolean hasCharts,
    boolean thinned,
    String mostPoints,
    List<MatchTable> matches,
    List<FrontierRow> frontier,
    @Nullable TokenSection tokens,
    List<String> tokenNotes,
    List<RunSection> runs) {

  /** Whether it is about any run. */
  boolean hasRuns() {
    return !runs.isEmpty();
  }

  /** Whether it is a comparison's. */
  boolean hasMatches() {
    return !matches.isEmpty();
  }

  /** Whether there is a frontier. */
  boolean hasFrontier() {
    return !frontier.isEmpty();
  }

  /** Sentences under a heading; without one where there is nothing to tell apart. */
  record Summary(@Nullable String heading, List<String> sentences) {}

  /** A run's last numbers. */
  record FigureRow(
      String label,
      int style,
      String divergence,
      String lambda,
      String reward,
      String klPolicyToReference,
      String klReferenceToPolicy,
      String value,
      String gap,
      String iterations,
      String seconds,
      String state) {}

  /** Policies with something in common. */
  record MatchTable(String heading, List<MatchRow> rows, List<OverlapRow> overlaps) {
    /** Whether there are pairs to tell of. */
    boolean hasOverlaps() {
      return !overlaps.isEmpty();
    }
  }

  /** One policy of a match; its exact optimum is a row of its own. */
  record MatchRow(
      String policy,
      boolean optimum,
      String lambda,
      String reward,
      String klPolicyToReference,
      String klReferenceToPolicy,
      String gap,
      String entropy,
      String effectiveTokens,
      String massKept,
      String tailMass,
      String minProbability,
      String measuredRate,
      String predictedRate,
      String iterations) {}

  /** How many of the most probable tokens two policies share. */
  record OverlapRow(String first, String second, String count, String share) {}

  /** A policy's place between reward and divergence. */
  record FrontierRow(
      String divergence,
      String lambda,
      String kind,
      String reward,
      String klPolicyToReference,
      String belowPolicyToReference,
      String klReferenceToPolicy,
      String belowReferenceToPolicy) {}

  /** The token tables' heading words. */
  record TokenSection(String rowKind, String shown, boolean several, List<String> problems) {}

  /** A name and a value. */
  record Fact(String name, String value) {}

  /** What is told of one run below the tables. */
  record RunSection(
      String label,
      boolean open,
      @Nullable StoredCertificate certificate,
      String certify,
      List<Fact> provenance,
      List<Fact> phases,
      List<String> warnings,
      String configuration,
      String reproduce) {
    /** Whether it is known where the time went. */
    boolean hasPhases() {
      return !phases.isEmpty();
    }
  }
}
