package dev.clipkl.certify;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Keeps, for each claim, the case in which least is left of it. Used by one thread. */
final class CheckLedger {
  private final Map<Claim, Entry> entries = new EnumMap<>(Claim.class);

  private static final class Entry {
    private Standing standing = Standing.MEASURED;
    private @Nullable String note;
    private double measured = Double.NaN;
    private double bound = Double.NaN;
    private double slack = Double.POSITIVE_INFINITY;
    private @Nullable Supplier<String> where;
    private long cases;
    private long violations;
  }

  /** Says what stands behind a claim; a claim that is never observed is not reported. */
  void declare(Claim claim, Standing standing, @Nullable String note) {
    Entry entry = entries.computeIfAbsent(claim, c -> new Entry());
    entry.standing = standing;
    entry.note = note;
  }

  /**
   * Looks at one case. A NaN on either side is a violation.
   *
   * @param allowance how far rounding alone can take the measured number beyond the bound
   * @param where names the case, if there can be several
   */
  void observe(
      Claim claim,
      double measured,
      double bound,
      double allowance,
      @Nullable Supplier<String> where) {
    Entry entry = entries.computeIfAbsent(claim, c -> new Entry());
    double left = claim.isAtMost() ? bound - measured : measured - bound;
    double slack = left + allowance;
    entry.cases++;
    if (!(slack >= 0.0)) {
      entry.violations++;
    }
    if (isWorse(claim, entry, measured, slack)) {
      entry.measured = measured;
      entry.bound = claim.isAtMost() ? bound + allowance : bound - allowance;
      entry.slack = slack;
      entry.where = where;
    }
  }

  /** Less slack; with equal slack, such as that of an infinite bound, the more extreme number. */
  private static boolean isWorse(Claim claim, Entry entry, double measured, double slack) {
    if (entry.cases == 1 || Double.isNaN(entry.slack)) {
      return entry.cases == 1;
    }
    if (slack == entry.slack) {
      return claim.isAtMost() ? measured > entry.measured : measured < entry.measured;
    }
    return !(slack >= entry.slack);
  }

  /** The claims that were observed, in their order. */
  List<Check> checks() {
    List<Check> checks = new ArrayList<>();
    entries.forEach((claim, entry) -> {
      if (entry.cases > 0) {
        checks.add(
            new Check(
                claim.title(),
                claim.equation(),
                entry.standing.name().toLowerCase(Locale.ROOT),
                entry.measured,
                claim.isAtMost() ? "<=" : ">=",
                entry.bound,
                entry.slack,
                entry.violations == 0,
                entry.where == null ? null : entry.where.get(),
                entry.cases,
                entry.violations,
                entry.note));
      }
    });
    return checks;
  }
}
