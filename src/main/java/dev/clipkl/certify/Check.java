package dev.clipkl.certify;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One claim held against what was measured: the case in which least was left of it.
 *
 * @param name the claim
 * @param equation what it says, with its number in the theory
 * @param standing proven, claimed, assumption, asymptotic or measured
 * @param measured in the worst case
 * @param relation {@code <=} or {@code >=}: how measured must stand to bound
 * @param bound in the same case
 * @param slack what is left: negative when the claim fails
 * @param holds whether slack is at least 0
 * @param where the worst case, in words; null where there is only one
 * @param cases how many were looked at
 * @param violations how many of them failed
 * @param note what a reader should know; null for nothing
 */
public record Check(
    String name,
    String equation,
    String standing,
    double measured,
    String relation,
    double bound,
    double slack,
    boolean holds,
    @Nullable String where,
    long cases,
    long violations,
    @Nullable String note) {

  /** Whether its failure is the failure of the certificate. */
  public boolean isBinding() {
    return Standing.valueOf(standing.toUpperCase(Locale.ROOT)).isBinding();
  }
}
