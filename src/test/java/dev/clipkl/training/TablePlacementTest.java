package dev.clipkl.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.table.MemoryBudget;
import dev.clipkl.table.MemoryBudget.Item;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ten rows: 100 bytes each of policy and reference, and 30 bytes of work. */
class TablePlacementTest {

  private static TablePlacement place(long bytes, boolean canCompute) {
    return TablePlacement.choose(
        new MemoryBudget(bytes, "a test"),
        new TablePlacement.Demand(
            10,
            List.of(new Item("policy", 1000)),
            new Item("reference", 1000),
            canCompute,
            List.of(new Item("scratch", 30)),
            2));
  }

  @ParameterizedTest
  @CsvSource({
    // bytes, can compute, on disk, computed, resident rows
    "2030, true,  false, false, 10",
    "2029, true,  false, true,  10",
    "1030, true,  false, true,  10",
    "1029, true,  true,  true,   7",
    "2029, false, true,  false,  7",
    "430,  false, true,  false,  0",
    "630,  false, true,  false,  1",
    "230,  true,  true,  true,   0"
  })
  void bytesAreMovedOnlyWhereMemoryDoesNotSuffice(
      long bytes, boolean canCompute, boolean onDisk, boolean computed, long residentRows) {
    TablePlacement placement = place(bytes, canCompute);
    assertThat(placement.onDisk()).isEqualTo(onDisk);
    assertThat(placement.computesReference()).isEqualTo(computed);
    assertThat(placement.residentRows()).isEqualTo(residentRows);
  }

  @Test
  void memoryThatCannotHoldTheRowsInWorkIsRefused() {
    assertThatThrownBy(() -> place(429, false))
        .isInstanceOf(EnvironmentException.class)
        .hasMessageContainingAll("needs 430 B", "table rows in work 400 B", "429 B are available");
  }
}
