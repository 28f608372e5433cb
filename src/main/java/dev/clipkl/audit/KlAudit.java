package dev.clipkl.audit;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Holds the KL estimators of sampling trainers against exact sums over the vocabulary: as numbers
 * to report, and as sources of gradients.
 *
 * <p>A sample is a row, drawn by the start weights u, and one of its tokens. The parameters are the
 * logits of all rows, the objective is {@code sum_s u_s KL_s}.
 */
public final class KlAudit {
  /**
   * Relative rounding of a float64 sum over a vocabulary: 100,000 terms, many of them equal, can
   * all round the same way, by half a unit in the last place of the sum. What is smaller is zero.
   */
  public static final double ROUNDING = 1e-10;

  private KlAudit() {}

  /** An estimator together with the tokens that it sees. */
  private record Task(EstimatorAccumulator estimator, DrawnTokens[] drawn) {}

  /**
   * Reads every row once and audits all estimators of all targets.
   *
   * <p>A number that does not exist, because a ratio of probabilities is beyond float64 or because
   * the true gradient is zero, is NaN or infinite and comes with its reason. The same input and
   * settings give the same bits: estimators share no sums, and each one sees the rows in their
   * order.
   */
  public static AuditResult run(AuditInput input, AuditSettings settings) {
    double total = Arrays.stream(input.startWeights()).sum();
    double[] start = Arrays.stream(input.startWeights()).map(weight -> weight / total).toArray();
    RowDraws fromSampler = new RowDraws(settings, settings.seed(), start, input.actions());
    // Any other seed will do, as long as the two laws do not share their uniform numbers.
    RowDraws fromReference = new RowDraws(settings, ~settings.seed(), start, input.actions());
    List<TargetAccumulator> targets =
        Arrays.stream(AuditTarget.values())
            .map(target -> new TargetAccumulator(target, input, settings))
            .toList();
    AuditedRow row = new AuditedRow(input);
    double samplerToPolicy = 0.0;
    for (int i = 0; i < start.length; i++) {
      row.read(input.rows()[i]);
      double weight = start[i];
      samplerToPolicy += weight * row.samplerToPolicy();
      DrawnTokens[] ofSampler = fromSampler.tokens(i, row.sampler);
      DrawnTokens[] ofReference = fromReference.tokens(i, row.reference);
      targets.forEach(target -> target.addTruth(weight, row));
      targets.stream()
          .flatMap(target ->
              target.estimators().stream()
                  .map(estimator ->
                      new Task(
                          estimator,
                          target.target().isSampledFromReference() ? ofReference : ofSampler)))
          .toList()
          .parallelStream()
          .forEach(task -> task.estimator().add(weight, row, task.drawn()));
    }
    return result(
        targets.stream().map(TargetAccumulator::result).toList(),
        input.sampler() == null ? null : samplerToPolicy);
  }

  private static AuditResult result(List<TargetAudit> targets, @Nullable Double samplerToPolicy) {
    List<SampledEstimate> intervals = targets.stream().flatMap(KlAudit::intervals).toList();
    return new AuditResult(
        targets.get(AuditTarget.REVERSE_KL.ordinal()).exact(),
        targets.get(AuditTarget.FORWARD_KL.ordinal()).exact(),
        samplerToPolicy,
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
