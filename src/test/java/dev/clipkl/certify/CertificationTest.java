package dev.clipkl.certify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.config.RunConfig;
import dev.clipkl.endtoend.BanditFile;
import dev.clipkl.endtoend.RunFiles;
import dev.clipkl.endtoend.SequenceFile;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.failure.InputException;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.objective.Divergence;
import dev.clipkl.problem.MdpFile;
import dev.clipkl.problem.MdpFixture;
import dev.clipkl.table.TensorType;
import dev.clipkl.training.TrainingListener;
import dev.clipkl.training.TrainingRun;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class CertificationTest {
  private static final long SEED = 19L;
  private static final TrainingListener SILENT = new TrainingListener() {};

  @TempDir Path folder;

  private Path bandit(int states, int actions) {
    Path path = folder.resolve("bandit.safetensors");
    BanditFile.write(path, states, actions, TensorType.F32, SEED);
    return path;
  }

  private Path mdp(double discount) {
    Path path = folder.resolve("mdp.safetensors");
    MdpFile.write(path, MdpFixture.random(new Random(SEED), 5, 4, discount), null);
    return path;
  }

  private RunConfig config(String yaml, String... overrides) {
    return RunConfig.parse(
        yaml,
        "test",
        "test",
        Stream.concat(Stream.of("run.out=" + folder.resolve("run")), Stream.of(overrides))
            .toList());
  }

  private static Certificate certify(RunConfig config) {
    return Certification.ofConfiguration(config, "test", true, SILENT);
  }

  private static Check check(Certificate certificate, Claim claim) {
    return find(certificate, claim).orElseThrow();
  }

  private static Optional<Check> find(Certificate certificate, Claim claim) {
    return certificate.checks().stream()
        .filter(check -> check.name().equals(claim.title()))
        .findFirst();
  }

  static Stream<Divergence> divergences() {
    return RowFixture.divergences();
  }

  /** Every optimizer and step rule that is certified, in float32, float64, MDPs and sequences. */
  @ParameterizedTest
  @MethodSource("divergences")
  void everyProvenClaimHoldsOnCertifiedRuns(Divergence divergence) {
    Path bandit = bandit(3, 60);
    Path mdp = mdp(0.9);
    Path sequence = SequenceFile.write(folder.resolve("sequence.safetensors"), 3, 50, SEED);
    for (String optimizer : List.of("auto", "gradient", "natural", "newton", "nesterov", "adam")) {
      String common =
          """
          objective: {divergence: %s, lambda: 0.3}
          optimizer: {kind: %s, outer-iterations: 25, inner-steps: 3, tolerance: 1e-7}
          """
              .formatted(divergence.name(), optimizer);
      String[] problems = {
        "problem: {import: %s}\nrun: {engine: vector}\n".formatted(bandit),
        "problem: {import: %s}\nrun: {engine: reference}\n".formatted(bandit),
        "problem: {kind: mdp, discount: 0.9, import: %s}\n".formatted(mdp),
        "problem: {kind: sequence, discount: 0.8, import: %s}\nrun: {engine: vector}\n"
            .formatted(sequence),
        "problem: {kind: sequence, discount: 0.9, import: %s}\nrun: {engine: reference}\n"
            .formatted(sequence),
        "problem: {kind: sequence, discount: 1, horizon: 2, import: %s}\nrun: {engine: reference}\n"
            .formatted(sequence)
      };
      for (String problem : problems) {
        Certificate certificate = certify(config(common + problem));
        assertThat(Certification.failure(certificate))
            .as("%s, %s, %s", divergence.name(), optimizer, problem)
            .isNull();
        assertThat(check(certificate, Claim.REPRODUCTION).measured()).isZero();
        assertThat(certificate.checks()).hasSizeGreaterThan(14);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"reverse-kl", "forward-kl"})
  void constantStepsWithinTheSmoothnessAreCertifiedToo(String divergence) {
    String yaml =
        """
        problem: {import: %s}
        objective: {divergence: %s, lambda: 0.3}
        optimizer: {kind: gradient, step-rule: fixed, inner-steps: 1, outer-iterations: 60}
        run: {engine: reference}
        """
            .formatted(bandit(3, 40), divergence);
    Certificate certificate = certify(config(yaml));
    assertThat(Certification.failure(certificate)).isNull();
    for (Claim claim : List.of(Claim.MONOTONE, Claim.CONTRACTION, Claim.STEP_IN_RANGE)) {
      assertThat(check(certificate, claim).holds()).as(claim.title()).isTrue();
    }
    assertThat(check(certificate, Claim.MONOTONE).standing()).isEqualTo("proven");
    if (divergence.equals("reverse-kl")) {
      assertThat(check(certificate, Claim.SPAN_CONTRACTION).cases()).isEqualTo(180);
      assertThat(check(certificate, Claim.INTERIOR).standing()).isEqualTo("proven");
    }
  }

  @ParameterizedTest
  @CsvSource({"reverse-kl, vector", "forward-kl, vector", "reverse-kl, reference"})
  void tooLargeAStepFailsAndSaysWhichClaim(String divergence, String engine) {
    String yaml =
        """
        problem: {import: %s}
        objective: {divergence: %s, lambda: 0.1}
        optimizer: {kind: gradient, step-rule: fixed, step-size: 100, outer-iterations: 100}
        run: {engine: %s}
        """
            .formatted(bandit(3, 40), divergence, engine);
    Certificate certificate = certify(config(yaml));
    assertThat(Certification.failure(certificate))
        .contains(Claim.STEP_IN_RANGE.title())
        .contains(Claim.MONOTONE.title());
    assertThat(check(certificate, Claim.MONOTONE).standing()).isEqualTo("claimed");
    assertThat(check(certificate, Claim.MONOTONE).violations()).isPositive();
    assertThat(certificate.warnings().toString()).contains("step-size 100.0");
  }

  @Test
  void certificateOfARunHasTheRunsOwnNumbers() {
    String yaml =
        """
        problem: {import: %s}
        objective: {lambda: 0.2}
        optimizer: {kind: gradient, outer-iterations: 30, tolerance: 0}
        """
            .formatted(bandit(4, 200));
    RunConfig config = config(yaml);
    TrainingRun.start(config, SILENT);
    Path directory = config.run().out();
    Path policy = directory.resolve("policy.safetensors");
    Certificate certificate = Certification.ofRun(directory, policy, true, SILENT);
    JsonNode last = RunFiles.metrics(directory).getLast();
    assertThat(certificate.value())
        .isCloseTo(last.get(MetricNames.VALUE).doubleValue(), within(1e-6));
    assertThat(certificate.gap()).isCloseTo(last.get(MetricNames.GAP).doubleValue(), within(1e-7));
    assertThat(certificate.optimumUpper())
        .isCloseTo(last.get(MetricNames.OPTIMUM).doubleValue(), within(1e-12));
    assertThat(certificate.minPolicy())
        .isCloseTo(last.get(MetricNames.MIN_PROB).doubleValue(), within(1e-8));
    assertThat(certificate.outerIterations()).isEqualTo(30);
    assertThat(certificate.replayed()).isEqualTo(30);
    Certificate brief = Certification.ofRun(directory, policy, false, SILENT);
    assertThat(brief.gap()).isEqualTo(certificate.gap());
    assertThat(brief.replayed()).isZero();
    assertThat(find(brief, Claim.MONOTONE)).isEmpty();
    assertThat(brief.rate().measuredPerStep()).isNull();
  }

  @Test
  void policyOfAnotherProblemIsRefused() {
    RunConfig config =
        config(
            "problem: {import: %s}\noptimizer: {outer-iterations: 2}\n".formatted(bandit(2, 10)));
    TrainingRun.start(config, SILENT);
    BanditFile.write(folder.resolve("bandit.safetensors"), 2, 10, TensorType.F32, SEED + 1);
    Path directory = config.run().out();
    assertThatThrownBy(() ->
            Certification.ofRun(directory, directory.resolve("policy.safetensors"), true, SILENT))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("the policy belongs to another problem");
  }

  @Test
  void optimumWithZerosIsNamedAndHasNoLinearRate() {
    String yaml =
        """
        problem: {import: %s}
        objective: {divergence: chi2, lambda: 0.05}
        optimizer: {outer-iterations: 20}
        """
            .formatted(bandit(3, 60));
    Certificate certificate = certify(config(yaml));
    assertThat(certificate.rate().muMin()).isZero();
    assertThat(certificate.rate().predictedRawGradientSteps()).isInfinite();
    assertThat(certificate.rate().guarantee()).contains("sublinear");
    assertThat(certificate.warnings().toString()).contains("probability 0");
  }

  @Test
  void noGlobalLinearRateIsClaimedForReverseKlInAnMdp() {
    String yaml = "problem: {kind: mdp, discount: 0.9, import: %s}\n".formatted(mdp(0.9));
    assertThat(certify(config(yaml)).rate().guarantee())
        .doesNotContain("global")
        .contains("local linear");
  }
}
