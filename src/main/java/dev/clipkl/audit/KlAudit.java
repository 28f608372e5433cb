package dev.clipkl.audit;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * Holds the KL estimators of sampling trainers against exact sums over the vocabulary: as numbers
 * to report, and as sources of gradients.
 *
 * <p>A sample is a row, drawn by the start weights u, and one of its tokens. The parameters are the
 * logits of all rows, the objective is {@code sum_s u_s KL_s}.
 */
public final class KlAudit {
  private KlAudit() {}

  /**
   * Reads every row once and audits all estimators of all targets.
   *
   * <p>A number that does not exist, because a ratio of probabilities is beyond float64 or because
   * the true gradient is zero, is NaN or infinite and comes with its reason. The same input and
   * settings give the same bits.
   */
  public static AuditResult run(AuditInput input, AuditSettings settings) {
    double total = Arrays.stream(input.startWeights()).sum();
    double[] start = Arrays.stream(input.startWeights()).map(weight -> weight / total).toArray();
    RowDraws sampled = new RowDraws(settings, settings.seed(), start, input.actions());
    // Any other seed will do, as long as the two laws do not share their uniform numbers.
    RowDraws fromReference = new RowDraws(settings, ~settings.seed(), start, input.actions());
    List<TargetAccumulator> policyTargets =
        Stream.of(AuditTarget.REVERSE_KL, AuditTarget.FORWARD_KL)
            .map(target -> new TargetAccumulator(target, input, settings))
            .toList();
    TargetAccumulator referenceTarget =
        new TargetAccumulator(AuditTarget.FORWARD_KL_FROM_REFERENCE, input, settings);
    AuditedRow row = new AuditedRow(input);
    double samplerToPolicy = 0.0;
    for (int i = 0; i < start.length; i++) {
      row.read(input.rows()[i]);
      samplerToPolicy += start[i] * row.samplerToPolicy();
      int[][] counts = sampled.tokens(i, row.sampler);
      for (TargetAccumulator target : policyTargets) {
        target.add(start[i], row, counts);
      }
      referenceTarget.add(start[i], row, fromReference.tokens(i, row.reference));
    }
    List<TargetAudit> targets =
        Stream.concat(policyTargets.stream(), Stream.of(referenceTarget))
            .map(TargetAccumulator::result)
            .toList();
    List<SampledEstimate> intervals = targets.stream().flatMap(KlAudit::intervals).toList();
    return new AuditResult(
        targets.get(0).exact(),
        targets.get(1).exact(),
        input.sampler() == null ? null : samplerToPolicy,
        targets,
        intervals.size(),
        intervals.stream().filter(i -> Boolean.FALSE.equals(i.coversExpectation())).count());
  }

  private static Stream<SampledEstimate> intervals(TargetAudit target) {
    return Stream.concat(
        target.values().stream().flatMap(value -> value.sampled().stream()),
        target.gradients().stream().flatMap(gradient -> gradient.sampled().stream()));
  }
}
