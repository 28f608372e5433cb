package dev.clipkl.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsFile;
import dev.clipkl.table.TensorType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RewardFileTest {
  private static final int COLUMNS = 7;

  @TempDir private Path folder;
  private Tokenizer tokenizer = Tokenizers.open("r50k_base");

  @BeforeEach
  void sevenWords() throws IOException {
    tokenizer = Tokenizers.open(TokenizerJsonTest.wordLevel(folder).toString());
  }

  private Path rewards(double[] values, long... shape) {
    return TensorFiles.write(
        folder.resolve("r.safetensors"), "rewards", TensorType.F32, values, shape);
  }

  private static double[] count(int length) {
    double[] values = new double[length];
    java.util.Arrays.setAll(values, i -> i);
    return values;
  }

  @Test
  void oneRowServesBroadcastAndPlainTables() {
    try (Arena arena = Arena.ofConfined();
        RewardFile rewards = RewardFile.open(rewards(count(COLUMNS), COLUMNS), tokenizer)) {
      assertThat(rewards.isOneRow()).isTrue();
      for (RowTable table :
          List.of(RowTable.broadcast(arena, 3, COLUMNS), RowTable.allocate(arena, 3, COLUMNS))) {
        rewards.fill(table);
        assertThat(table.get(0, 4)).isEqualTo(4);
        assertThat(table.get(2, 6)).isEqualTo(6);
      }
      RowTable narrow = RowTable.broadcast(arena, 3, 6);
      assertThatThrownBy(() -> rewards.fill(narrow)).hasMessageContaining("7 columns, got 6");
    }
  }

  @Test
  void oneRowPerPromptIsKeptApart() {
    try (Arena arena = Arena.ofConfined();
        RewardFile rewards = RewardFile.open(rewards(count(2 * COLUMNS), 2, COLUMNS), tokenizer)) {
      RowTable table = RowTable.allocate(arena, 2, COLUMNS);
      rewards.fill(table);
      assertThat(table.get(1, 0)).isEqualTo(COLUMNS);
      RowTable broadcast = RowTable.broadcast(arena, 2, COLUMNS);
      assertThatThrownBy(() -> rewards.fill(broadcast)).hasMessageContaining("broadcast");
      assertThatThrownBy(() -> rewards.checkRows(3))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("rewards has 2 rows, expected one per prompt: 3");
    }
  }

  @Test
  void rewardThatIsNotFiniteIsRefusedWithItsPlace() {
    double[] values = count(2 * COLUMNS);
    values[COLUMNS + 3] = Double.NaN;
    Path file = rewards(values, 2, COLUMNS);
    try (Arena arena = Arena.ofConfined();
        RewardFile rewards = RewardFile.open(file, tokenizer)) {
      RowTable table = RowTable.allocate(arena, 2, COLUMNS);
      assertThatThrownBy(() -> rewards.fill(table))
          .isInstanceOf(InputException.class)
          .hasMessage(file + ": rewards[1, 3] is NaN, expected a finite float32 number");
    }
    double[] row = count(COLUMNS);
    row[2] = Double.NEGATIVE_INFINITY;
    try (Arena arena = Arena.ofConfined();
        RewardFile rewards = RewardFile.open(rewards(row, COLUMNS), tokenizer)) {
      RowTable table = RowTable.broadcast(arena, 5, COLUMNS);
      assertThatThrownBy(() -> rewards.fill(table)).hasMessageContaining("rewards[2] is -Infinity");
    }
  }

  @Test
  void unsuitableTensorsAreRefused() {
    Path wide = rewards(count(8), 8);
    assertThatThrownBy(() -> RewardFile.open(wide, tokenizer))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("larger than the tokenizer's: 8 columns");
    Path cube = rewards(count(8), 2, 2, 2);
    assertThatThrownBy(() -> RewardFile.open(cube, tokenizer))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("expected [vocabulary] or [prompts, vocabulary]");
    Path other = TensorFiles.write(folder.resolve("o"), "scores", TensorType.F32, count(7), 7);
    assertThatThrownBy(() -> RewardFile.open(other, tokenizer))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("rewards");
  }

  @Test
  void lexiconsFillTablesToo() throws IOException {
    Path csv = Files.writeString(folder.resolve("l.csv"), "text,score\nkind,1\nrude,-1\n");
    try (Arena arena = Arena.ofConfined();
        RewardFile rewards = RewardFile.open(csv, tokenizer)) {
      RowTable table = RowTable.broadcast(arena, 4, COLUMNS);
      rewards.checkRows(4);
      rewards.fill(table);
      assertThat(table.get(3, 1)).isEqualTo(1);
      assertThat(table.get(0, 2)).isEqualTo(-1);
    }
  }

  @Test
  void fittedRewardsAreStoredWithTheirTokenizer() throws IOException {
    List<PreferencePair> pairs =
        List.of(
            new PreferencePair("calm", "kind", "rude"),
            new PreferencePair("rude", "kind", "rude"),
            new PreferencePair("kind", "kind calm", "rude calm"));
    Path path = folder.resolve("fit.safetensors");
    RewardFit.Summary summary =
        RewardFit.run(pairs, tokenizer, OptionalDouble.empty(), 1e-8, 2, path);
    assertThat(summary.fit().gradientNorm()).isLessThanOrEqualTo(1e-8);
    assertThat(summary.unseenReward()).isEqualTo(1);
    try (Arena arena = Arena.ofConfined();
        RewardFile rewards = RewardFile.open(path, tokenizer)) {
      RowTable table = RowTable.broadcast(arena, 1, COLUMNS);
      rewards.fill(table);
      assertThat(table.get(0, 1)).isEqualTo(2);
      assertThat(table.get(0, 2)).isZero();
      assertThat(table.get(0, 3)).isEqualTo(1);
    }
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.metadata())
          .containsEntry("kind", "token-rewards")
          .containsEntry("r_max", "2.0")
          .containsEntry("unseen_reward", "1.0");
    }
    String json = Files.readString(Path.of(tokenizer.name())).replace("calm", "cool");
    Tokenizer other = Tokenizers.open(Files.writeString(folder.resolve("o.json"), json).toString());
    assertThatThrownBy(() -> RewardFile.open(path, other))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("made with tokenizer");
  }
}
