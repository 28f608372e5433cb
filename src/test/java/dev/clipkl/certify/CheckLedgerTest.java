package dev.clipkl.certify;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CheckLedgerTest {
  private final CheckLedger ledger = new CheckLedger();

  private Check only() {
    assertThat(ledger.checks()).hasSize(1);
    return ledger.checks().getFirst();
  }

  @Test
  void keepsTheCaseWithTheLeastSlack() {
    ledger.declare(Claim.MONOTONE, Standing.PROVEN, "why");
    ledger.observe(Claim.MONOTONE, -3.0, 0.0, 0.0, () -> "first");
    ledger.observe(Claim.MONOTONE, -1.0, 0.0, 0.0, () -> "second");
    ledger.observe(Claim.MONOTONE, -2.0, 0.0, 0.0, () -> "third");
    Check check = only();
    assertThat(check.measured()).isEqualTo(-1.0);
    assertThat(check.slack()).isEqualTo(1.0);
    assertThat(check.where()).isEqualTo("second");
    assertThat(check.cases()).isEqualTo(3);
    assertThat(check.holds()).isTrue();
    assertThat(check.note()).isEqualTo("why");
  }

  @Test
  void roundingIsAllowedForAndPartOfTheBound() {
    ledger.observe(Claim.MONOTONE, 1e-9, 0.0, 2e-9, null);
    assertThat(only().holds()).isTrue();
    assertThat(only().bound()).isEqualTo(2e-9);
    ledger.observe(Claim.MONOTONE, 3e-9, 0.0, 2e-9, null);
    assertThat(only().holds()).isFalse();
    assertThat(only().violations()).isEqualTo(1);
  }

  @Test
  void lowerBoundsAreHeldTheOtherWayRound() {
    ledger.observe(Claim.ROW_LOJASIEWICZ, 1.5, 1.0, 0.0, null);
    assertThat(only().relation()).isEqualTo(">=");
    assertThat(only().holds()).isTrue();
    ledger.observe(Claim.ROW_LOJASIEWICZ, 0.5, 1.0, 0.0, null);
    assertThat(only().holds()).isFalse();
    assertThat(only().measured()).isEqualTo(0.5);
  }

  @Test
  void whatIsNoNumberIsAViolationAndTheCaseThatIsShown() {
    ledger.observe(Claim.MONOTONE, -1.0, 0.0, 0.0, () -> "good");
    ledger.observe(Claim.MONOTONE, Double.NaN, 0.0, 0.0, () -> "bad");
    ledger.observe(Claim.MONOTONE, -2.0, 0.0, 0.0, () -> "good");
    assertThat(only().holds()).isFalse();
    assertThat(only().where()).isEqualTo("bad");
    assertThat(only().violations()).isEqualTo(1);
  }

  @Test
  void anInfiniteBoundStillShowsTheLargestThatWasMet() {
    ledger.observe(Claim.DERIVATIVES_BOUNDED, 1.0, Double.POSITIVE_INFINITY, 0.0, null);
    ledger.observe(Claim.DERIVATIVES_BOUNDED, 3.0, Double.POSITIVE_INFINITY, 0.0, null);
    ledger.observe(Claim.DERIVATIVES_BOUNDED, 2.0, Double.POSITIVE_INFINITY, 0.0, null);
    assertThat(only().measured()).isEqualTo(3.0);
    ledger.observe(
        Claim.DERIVATIVES_BOUNDED, Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY, 0.0, null);
    assertThat(only().holds()).as("infinity less infinity").isFalse();
  }

  @Test
  void claimsThatNobodyLookedAtAreNotReported() {
    ledger.declare(Claim.SPAN_CONTRACTION, Standing.PROVEN, null);
    assertThat(ledger.checks()).isEmpty();
  }
}
