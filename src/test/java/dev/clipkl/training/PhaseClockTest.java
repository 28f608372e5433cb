package dev.clipkl.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** Every moment counts once, whatever happens in it. */
class PhaseClockTest {
  private static final double EXACT = 1e-12;

  private long now = 1_000;
  private final PhaseClock clock = new PhaseClock(() -> now);

  private void pass(double seconds) {
    now += Math.round(1e9 * seconds);
  }

  @Test
  void innerPhaseInterruptsTheOuterOne() {
    pass(0.5);
    String result =
        clock.during(
            Phase.LOADING,
            () -> {
              pass(1.0);
              clock.during(Phase.OPTIMA, () -> pass(2.0));
              pass(4.0);
              return "loaded";
            });
    pass(8.0);
    assertThat(result).isEqualTo("loaded");
    assertThat(clock.seconds().get(Phase.OTHER)).isCloseTo(8.5, within(EXACT));
    assertThat(clock.seconds().get(Phase.LOADING)).isCloseTo(5.0, within(EXACT));
    assertThat(clock.seconds().get(Phase.OPTIMA)).isCloseTo(2.0, within(EXACT));
    assertThat(clock.seconds().total()).isCloseTo(15.5, within(EXACT));
  }

  @Test
  void phaseThatIsStillGoingOnCountsUntilNow() {
    clock.during(
        Phase.CHECKPOINTS,
        () -> {
          pass(1.0);
          assertThat(clock.seconds().get(Phase.CHECKPOINTS)).isCloseTo(1.0, within(EXACT));
          pass(1.0);
        });
    assertThat(clock.seconds().get(Phase.CHECKPOINTS)).isCloseTo(2.0, within(EXACT));
  }

  @Test
  void failureEndsItsPhase() {
    assertThatThrownBy(() ->
            clock.during(
                Phase.WRITING,
                () -> {
                  pass(1.0);
                  throw new IllegalStateException("full");
                }))
        .hasMessage("full");
    pass(2.0);
    assertThat(clock.seconds().get(Phase.WRITING)).isCloseTo(1.0, within(EXACT));
    assertThat(clock.seconds().get(Phase.OTHER)).isCloseTo(2.0, within(EXACT));
  }

  @Test
  void earlierSessionsAreAdded() {
    pass(1.0);
    clock.add(PhaseSeconds.of(phase -> phase == Phase.METRICS ? 3.0 : 0.25));
    assertThat(clock.seconds().get(Phase.METRICS)).isCloseTo(3.0, within(EXACT));
    assertThat(clock.seconds().get(Phase.OTHER)).isCloseTo(1.25, within(EXACT));
    assertThat(clock.seconds().total())
        .isCloseTo(1.0 + 3.0 + 0.25 * (Phase.values().length - 1), within(EXACT));
  }

  @Test
  void lineLeavesOutWhatWouldShowAsZero() {
    Map<Phase, Double> seconds =
        Map.of(Phase.LOADING, 4.14, Phase.OPTIMA, 3.0, Phase.ROW_PROGRAMS, 13.2, Phase.OTHER, 0.04);
    assertThat(PhaseSeconds.of(phase -> seconds.getOrDefault(phase, 0.0)).line())
        .isEqualTo("20.4 s: load 4.1, optima 3.0, row programs 13.2 (65%)");
    assertThat(PhaseSeconds.NONE.line()).isEqualTo("0.0 s");
  }
}
