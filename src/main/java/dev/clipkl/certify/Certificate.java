package dev.clipkl.certify;

import java.util.List;

/**
 * What is certain about a run: exact numbers of its policy, rates, and every claim with what was
 * measured.
 *
 * @param source the run directory or configuration
 * @param problem what it is about, in words
 * @param objective divergence and lambda, in words
 * @param method optimizer, step rule, step size and inner steps, in words
 * @param engine what executed it
 * @param outerIterations of the run
 * @param replayed how many of them were replayed
 * @param value of the policy, averaged by the start distribution
 * @param optimumLower certified lower bound of the optimum
 * @param optimumUpper certified upper bound of the optimum
 * @param gap exact distance to the optimum, without cancellation
 * @param minReference the smallest reference probability
 * @param minPolicy the policy's smallest probability
 * @param rate predicted and measured rates
 * @param checks the claims, in the theory's order
 * @param warnings what a user should know
 */
public record Certificate(
    String source,
    String problem,
    String objective,
    String method,
    String engine,
    int outerIterations,
    int replayed,
    double value,
    double optimumLower,
    double optimumUpper,
    double gap,
    double minReference,
    double minPolicy,
    Rate rate,
    List<Check> checks,
    List<String> warnings) {

  /** The claims whose failure makes the certificate fail. */
  public List<Check> failures() {
    return checks.stream().filter(check -> check.isBinding() && !check.holds()).toList();
  }
}
