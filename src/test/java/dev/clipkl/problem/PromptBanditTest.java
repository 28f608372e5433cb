package dev.clipkl.problem;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;

class PromptBanditTest {
  private static final Arena ARENA = Arena.ofAuto();

  @Test
  void startDistributionIsTheNormalisedWeightsAndCannotBeChangedFromOutside() {
    PromptBandit bandit = new PromptBandit(table(2, 3, 0), table(2, 3, 1), new double[] {1, 3});
    bandit.startDistribution()[0] = 9;
    assertThat(bandit.startDistribution()).containsExactly(0.25, 0.75);
    assertThat(bandit.discount()).isZero();
    assertThat(bandit.states()).isEqualTo(2);
    assertThat(bandit.actions()).isEqualTo(3);
  }

  @Test
  void fingerprintDependsOnEverythingThatTheProblemIs() {
    double[] even = {1, 1};
    String fingerprint = new PromptBandit(table(2, 3, 0), table(2, 3, 1), even).fingerprint();
    assertThat(fingerprint).matches("[0-9a-f]{64}");
    assertThat(new PromptBandit(table(2, 3, 0), table(2, 3, 1), new double[] {2, 2}).fingerprint())
        .as("weights of the same distribution")
        .isEqualTo(fingerprint);
    assertThat(new PromptBandit(table(2, 3, 5), table(2, 3, 1), even).fingerprint())
        .as("another reference")
        .isNotEqualTo(fingerprint);
    assertThat(new PromptBandit(table(2, 3, 0), table(2, 3, 5), even).fingerprint())
        .as("other rewards")
        .isNotEqualTo(fingerprint);
    assertThat(new PromptBandit(table(2, 3, 0), table(2, 3, 1), new double[] {1, 2}).fingerprint())
        .as("other weights")
        .isNotEqualTo(fingerprint);
  }

  @Test
  void oneRewardRowForAllPromptsIsReadOnce() {
    RowTable shared = RowTable.broadcast(ARENA, 2, 3);
    shared.writeRow(0, new float[] {0, 1, 2});
    PromptBandit bandit = new PromptBandit(table(2, 3, 0), shared, new double[] {1, 1});
    assertThat(bandit.rewards().get(1, 2)).isEqualTo(2.0);
    assertThat(bandit.fingerprint()).hasSize(64);
  }

  @Test
  void tablesThatDoNotFitAreRefused() {
    assertThatThrownBy(() -> new PromptBandit(table(2, 3, 0), table(2, 4, 0), new double[] {1, 1}))
        .hasMessage("reference [2, 3], rewards [2, 4] and 2 weights do not fit");
    assertThatThrownBy(() -> new PromptBandit(table(2, 3, 0), table(2, 3, 0), new double[] {1}))
        .hasMessage("reference [2, 3], rewards [2, 3] and 1 weights do not fit");
  }

  private static RowTable table(int rows, int columns, float first) {
    RowTable table = RowTable.allocate(ARENA, rows, columns);
    float[] row = new float[columns];
    for (int s = 0; s < rows; s++) {
      for (int a = 0; a < columns; a++) {
        row[a] = first + s * columns + a;
      }
      table.writeRow(s, row);
    }
    return table;
  }
}
