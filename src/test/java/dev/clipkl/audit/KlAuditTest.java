package dev.clipkl.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Objects;
import java.util.concurrent.ForkJoinPool;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class KlAuditTest {
  private static final AuditSettings EXACT_ONLY = new AuditSettings(List.of(), 1, 0.99);
  private static final double IDENTITY = 1e-12;

  private static TargetAudit target(AuditResult result, AuditTarget target) {
    return result.targets().get(target.ordinal());
  }

  private static ValueAudit value(
      AuditResult result, AuditTarget target, String estimator, String weight) {
    return target(result, target).values().stream()
        .filter(v -> v.estimator().equals(estimator) && v.weight().equals(weight))
        .findFirst()
        .orElseThrow();
  }

  private static GradientAudit gradient(
      AuditResult result, AuditTarget target, String estimator, String placement) {
    return target(result, target).gradients().stream()
        .filter(g -> g.estimator().equals(estimator) && g.placement().equals(placement))
        .findFirst()
        .orElseThrow();
  }

  /** p = (1/2, 1/2), q = (1/4, 3/4): r = (1/2, 3/2). */
  @Test
  void twoTokensGiveTheNumbersOfThePaperCalculation() {
    AuditResult result =
        KlAudit.run(
            AuditRows.one(new double[] {0.5, 0.5}, new double[] {0.25, 0.75}).input(), EXACT_ONLY);
    double a = Math.log(2);
    double b = Math.log(2.0 / 3.0);
    double reverse = 0.5 * (a + b);
    assertThat(result.klPolicyToReference()).isCloseTo(reverse, within(1e-15));
    assertThat(result.klReferenceToPolicy())
        .isCloseTo(0.25 * Math.log(0.5) + 0.75 * Math.log(1.5), within(1e-15));
    ValueAudit k1 = value(result, AuditTarget.REVERSE_KL, "k1", "k");
    assertThat(k1.bias()).isCloseTo(0.0, within(1e-15));
    assertThat(k1.variance()).isCloseTo(0.25 * (a - b) * (a - b), within(1e-15));
    assertThat(value(result, AuditTarget.REVERSE_KL, "k2", "k").expectation())
        .isCloseTo(0.25 * (a * a + b * b), within(1e-15));
    // The difference of k3's two values: (-1/2 + log 2) - (1/2 + log 2/3) = log 3 - 1.
    ValueAudit k3 = value(result, AuditTarget.REVERSE_KL, "k3", "k");
    assertThat(k3.variance()).isCloseTo(0.25 * Math.pow(Math.log(3) - 1, 2), within(1e-15));
    assertThat(value(result, AuditTarget.REVERSE_KL, "abs", "k").expectation())
        .isCloseTo(0.5 * (a - b), within(1e-15));
    // t = p (log w - KL) = (a - b) / 4 (1, -1); k3 in the loss gives p - q = (1, -1) / 4.
    double slope = 1.0 / (a - b);
    GradientAudit k3Loss = gradient(result, AuditTarget.REVERSE_KL, "k3", "loss");
    assertThat(k3Loss.projection()).isCloseTo(slope, within(1e-14));
    assertThat(k3Loss.relativeBias()).isCloseTo(1 - slope, within(1e-14));
    assertThat(k3Loss.cosine()).isCloseTo(1.0, within(1e-14));
    assertThat(target(result, AuditTarget.REVERSE_KL).gradientNorm())
        .isCloseTo((a - b) / 4 * Math.sqrt(2), within(1e-15));
  }

  @ParameterizedTest
  @CsvSource({"11, 4, 60", "12, 2, 50257"})
  void theKnownIdentitiesHoldExactlyWhereThePolicySamplesForItself(
      long seed, int rows, int actions) {
    AuditResult result =
        KlAudit.run(AuditRows.random(seed, rows, actions, 1.0, false).input(), EXACT_ONLY);
    String what = "seed " + seed;
    AuditTarget reverse = AuditTarget.REVERSE_KL;
    AuditTarget forward = AuditTarget.FORWARD_KL;
    assertThat(gradient(result, reverse, "k1", "loss").projection())
        .as("k1 in the loss has no gradient, " + what)
        .isCloseTo(0.0, within(IDENTITY));
    assertThat(gradient(result, reverse, "k1", "loss").relativeBias())
        .isCloseTo(1.0, within(IDENTITY));
    for (GradientAudit exact :
        List.of(
            gradient(result, reverse, "k1", "reward"),
            gradient(result, reverse, "k2", "loss"),
            gradient(result, reverse, "k1", "rho*loss"),
            gradient(result, reverse, "k3", "rho*loss"),
            gradient(result, forward, "k3", "loss"),
            gradient(result, forward, "r log r", "rho*loss"),
            gradient(result, forward, "r log r - (r-1)", "rho*loss"),
            gradient(result, AuditTarget.FORWARD_KL_FROM_REFERENCE, "k1", "loss"),
            gradient(result, AuditTarget.FORWARD_KL_FROM_REFERENCE, "k3", "loss"))) {
      assertThat(exact.relativeBias()).as(exact + ", " + what).isLessThan(IDENTITY);
    }
    for (GradientAudit biased :
        List.of(
            gradient(result, reverse, "k3", "loss"),
            gradient(result, reverse, "k3", "reward"),
            gradient(result, reverse, "k2", "reward"),
            gradient(result, forward, "r log r", "reward"))) {
      assertThat(biased.relativeBias()).as(biased + ", " + what).isGreaterThan(0.1);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {21, 22})
  void anOlderSamplerBiasesAllButTheCorrectedEstimators(long seed) {
    AuditRows rows = AuditRows.random(seed, 3, 40, 1.0, true);
    AuditResult result = KlAudit.run(rows.input(), EXACT_ONLY);
    AuditTarget reverse = AuditTarget.REVERSE_KL;
    String what = "seed " + seed;
    for (String unbiased : List.of("k1", "k3")) {
      assertThat(value(result, reverse, unbiased, "rho*k").bias())
          .as(what)
          .isCloseTo(0.0, within(IDENTITY));
      assertThat(Math.abs(value(result, reverse, unbiased, "k").bias())).as(what).isPositive();
    }
    for (GradientAudit exact :
        List.of(
            gradient(result, reverse, "k1", "rho*reward"),
            gradient(result, reverse, "k2", "sg(rho)*loss"),
            gradient(result, reverse, "k1", "rho*loss"),
            gradient(result, reverse, "k3", "rho*loss"),
            gradient(result, AuditTarget.FORWARD_KL, "k3", "sg(rho)*loss"))) {
      assertThat(exact.relativeBias()).as(exact + ", " + what).isLessThan(IDENTITY);
    }
    for (GradientAudit biased :
        List.of(
            gradient(result, reverse, "k1", "reward"),
            gradient(result, reverse, "k2", "loss"),
            gradient(result, reverse, "k1", "loss"),
            gradient(result, reverse, "k1", "rho*reward(mu)"))) {
      assertThat(biased.relativeBias()).as(biased + ", " + what).isGreaterThan(0.1);
    }
  }

  /** What a trainer logs at generation: KL(mu || q), not KL(p || q). */
  @Test
  void estimatesLoggedAtGenerationAreThoseOfTheSampler() {
    AuditRows rows = AuditRows.random(31, 3, 40, 1.0, true);
    double[][] sampler = Objects.requireNonNull(rows.sampler());
    AuditResult ofSampler =
        KlAudit.run(
            new AuditRows(rows.start(), sampler, rows.reference(), null).input(), EXACT_ONLY);
    AuditResult result = KlAudit.run(rows.input(), EXACT_ONLY);
    assertThat(value(result, AuditTarget.REVERSE_KL, "k1", "k_mu").expectation())
        .isCloseTo(ofSampler.klPolicyToReference(), within(1e-13));
    assertThat(result.klSamplerToPolicy()).isPositive();
  }

  @Test
  void intervalsOfAMillionSamplesHoldTheExactExpectationAtVocabularyScale() {
    long seed = 5;
    AuditRows rows = AuditRows.random(41, 3, 50_257, 1.0, true);
    AuditResult result =
        KlAudit.run(rows.input(), new AuditSettings(List.of(1_000_000), seed, 0.99));
    List<SampledEstimate> trusted =
        result.targets().stream()
            .flatMap(t ->
                Stream.concat(
                    t.values().stream().flatMap(v -> v.sampled().stream()),
                    t.gradients().stream().flatMap(g -> g.sampled().stream())))
            .filter(estimate -> !estimate.isHeavyTailed())
            .toList();
    assertThat(trusted).hasSizeGreaterThan(40);
    long missed = trusted.stream().filter(e -> !Boolean.TRUE.equals(e.coversExpectation())).count();
    // One in a hundred by chance, and many intervals move together.
    assertThat(missed).as("seed %d of %d intervals", seed, trusted.size()).isLessThanOrEqualTo(3);
    GradientAudit k3Loss = gradient(result, AuditTarget.REVERSE_KL, "k3", "sg(rho)*loss");
    assertThat(k3Loss.sampled().getFirst().coversTarget()).as("seed " + seed).isFalse();
    GradientAudit k1Reward = gradient(result, AuditTarget.REVERSE_KL, "k1", "rho*reward");
    assertThat(k1Reward.sampled().getFirst().coversTarget()).as("seed " + seed).isTrue();
  }

  /** 600 independent intervals at 80 percent: 480 hits, standard deviation 9.8. */
  @Test
  void intervalsCoverAsOftenAsTheySay() {
    AuditRows rows = AuditRows.random(51, 3, 12, 0.7, false);
    int values = 0;
    int gradients = 0;
    for (long seed = 0; seed < 600; seed++) {
      AuditResult result = KlAudit.run(rows.input(), new AuditSettings(List.of(400), seed, 0.8));
      SampledEstimate k1 = value(result, AuditTarget.REVERSE_KL, "k1", "k").sampled().getFirst();
      SampledEstimate reward =
          gradient(result, AuditTarget.REVERSE_KL, "k1", "reward").sampled().getFirst();
      values += Boolean.TRUE.equals(k1.coversTarget()) ? 1 : 0;
      gradients += Boolean.TRUE.equals(reward.coversTarget()) ? 1 : 0;
    }
    assertThat(values).as("seeds 0 to 599").isBetween(445, 515);
    assertThat(gradients).as("seeds 0 to 599").isBetween(445, 515);
  }

  @Test
  void ratiosBeyondFloat64AreMissingWithTheirReason() {
    AuditRows rows =
        new AuditRows(
            new double[] {1.0},
            new double[][] {{0.0, 0.5, -900.0}},
            new double[][] {{0.0, 0.0, 0.0}},
            null);
    AuditResult result = KlAudit.run(rows.input(), new AuditSettings(List.of(100), 1, 0.99));
    double[] p = AuditRows.softmax(new double[] {0.0, 0.5});
    assertThat(result.klPolicyToReference())
        .isCloseTo(Math.log(3) + p[0] * Math.log(p[0]) + p[1] * Math.log(p[1]), within(1e-14));
    ValueAudit k1 = value(result, AuditTarget.REVERSE_KL, "k1", "k");
    assertThat(k1.reason()).isNull();
    assertThat(k1.bias()).isCloseTo(0.0, within(1e-12));
    ValueAudit k3 = value(result, AuditTarget.REVERSE_KL, "k3", "k");
    assertThat(k3.expectation()).isNotFinite();
    assertThat(k3.reason()).contains("beyond float64");
    assertThat(k3.sampled().getFirst().coversExpectation()).isNull();
    assertThat(k3.sampled().getFirst().reason()).contains("beyond float64");
    assertThat(gradient(result, AuditTarget.REVERSE_KL, "k3", "loss").reason())
        .contains("beyond float64");
  }

  @Test
  void policyThatIsItsReferenceHasNoGradientToCompareWith() {
    double[] uniform = {0.25, 0.25, 0.25, 0.25};
    AuditResult result =
        KlAudit.run(
            AuditRows.one(uniform, uniform).input(), new AuditSettings(List.of(50), 1, 0.99));
    assertThat(result.klPolicyToReference()).isZero();
    assertThat(result.klReferenceToPolicy()).isZero();
    GradientAudit k2 = gradient(result, AuditTarget.REVERSE_KL, "k2", "loss");
    assertThat(k2.relativeBias()).isNaN();
    assertThat(k2.reason()).contains("the true gradient is zero");
    SampledEstimate k1 = value(result, AuditTarget.REVERSE_KL, "k1", "k").sampled().getFirst();
    assertThat(k1.coversTarget()).isTrue();
    assertThat(k1.standardError()).isZero();
  }

  @Test
  void rareTokensThatCarryTheVarianceAreFlagged() {
    double[] policy = {0.999, 0.001};
    double[] reference = {0.2, 0.8};
    AuditResult result =
        KlAudit.run(
            AuditRows.one(policy, reference).input(),
            new AuditSettings(List.of(1000, 1_000_000), 1, 0.99));
    List<SampledEstimate> k3 = value(result, AuditTarget.REVERSE_KL, "k3", "k").sampled();
    // Of a two-valued quantity: kurtosis = 1 / (p (1 - p)) - 3.
    double kurtosis = 1 / (0.001 * 0.999) - 3;
    assertThat(k3.getFirst().effectiveSamples()).isCloseTo(1000 / kurtosis, within(1e-6));
    assertThat(k3.getFirst().isHeavyTailed()).isTrue();
    assertThat(k3.getFirst().reason()).contains("heavy tail", "of 1000 samples");
    assertThat(k3.get(1).isHeavyTailed()).isFalse();
    assertThat(k3.get(1).reason()).isNull();
  }

  @Test
  void theSameSeedGivesTheSameBitsForAnyNumberOfThreads() throws Exception {
    AuditInput input = AuditRows.random(61, 5, 300, 1.0, true).input();
    AuditSettings settings = new AuditSettings(List.of(50, 3000), 7, 0.95);
    AuditResult first = KlAudit.run(input, settings);
    for (int threads : new int[] {1, 4}) {
      try (ForkJoinPool pool = new ForkJoinPool(threads)) {
        assertThat(pool.submit(() -> KlAudit.run(input, settings)).get()).isEqualTo(first);
      }
    }
    assertThat(KlAudit.run(input, new AuditSettings(List.of(50, 3000), 8, 0.95)))
        .isNotEqualTo(first);
  }

  @Test
  void predictedErrorJoinsBiasAndNoise() {
    AuditResult result =
        KlAudit.run(
            AuditRows.random(71, 2, 30, 1.0, false).input(),
            new AuditSettings(List.of(10, 1000), 1, 0.99));
    GradientAudit k3 = gradient(result, AuditTarget.REVERSE_KL, "k3", "loss");
    for (int i = 0; i < 2; i++) {
      double noise = k3.relativeNoise() / Math.sqrt(i == 0 ? 10 : 1000);
      assertThat(k3.relativeRmsErrors().get(i))
          .isCloseTo(Math.hypot(k3.relativeBias(), noise), within(1e-12));
    }
    assertThat(k3.samplesWhereNoiseEqualsBias())
        .isCloseTo(Math.pow(k3.relativeNoise() / k3.relativeBias(), 2), within(1e-6));
  }
}
