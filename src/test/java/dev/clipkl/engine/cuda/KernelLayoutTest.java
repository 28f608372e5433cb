package dev.clipkl.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.driver.FakeDriver;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.StepRuleKind;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.StructLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What Java mirrors of the kernels' sources is what these say, compiled. */
class KernelLayoutTest {
  @Test
  void everyParameterLiesWhereTheKernelsReadIt() {
    assertThat(KernelParameters.LAYOUT.byteSize()).isEqualTo(offset("size"));
    for (MemoryLayout field : KernelParameters.LAYOUT.memberLayouts()) {
      String name = field.name().orElseThrow();
      assertThat(KernelParameters.LAYOUT.byteOffset(PathElement.groupElement(name)))
          .as(name)
          .isEqualTo(offset(name));
    }
  }

  @Test
  void tablesGroupsAndOptimaHaveTheKernelsShape() {
    StructLayout table =
        (StructLayout) KernelParameters.LAYOUT.select(PathElement.groupElement("reference"));
    assertThat(table.byteSize()).isEqualTo(offset("TableView.size"));
    for (MemoryLayout field : table.memberLayouts()) {
      String name = field.name().orElseThrow();
      assertThat(table.byteOffset(PathElement.groupElement(name)))
          .as(name)
          .isEqualTo(offset("TableView." + name));
    }
    StructLayout groups =
        (StructLayout) KernelParameters.LAYOUT.select(PathElement.groupElement("groups"));
    assertThat(groups.byteSize()).isEqualTo(offset("GroupsView.size"));
    for (MemoryLayout field : groups.memberLayouts()) {
      String name = field.name().orElseThrow();
      assertThat(groups.byteOffset(PathElement.groupElement(name)))
          .as(name)
          .isEqualTo(offset("GroupsView." + name));
    }
    assertThat(offset("RowOptimumView.size")).isEqualTo(KernelParameters.OPTIMUM_BYTES);
    assertThat(offset("RowOptimumView.largestActionValue")).isZero();
    assertThat(offset("RowOptimumView.offset")).isEqualTo(Double.BYTES);
  }

  @ParameterizedTest
  @CsvSource({"threads", "part_multiple", "reduction_bytes", "metrics"})
  void constantsAreTheKernels(String name) {
    int expected =
        switch (name) {
          case "threads" -> KernelConstants.THREADS;
          case "part_multiple" -> KernelConstants.PART_MULTIPLE;
          case "reduction_bytes" -> KernelConstants.REDUCTION_BYTES;
          default -> RowMetric.COUNT;
        };
    assertThat(FakeDriver.export("clipkl_constant", name)).isEqualTo(expected);
  }

  @Test
  void workingArraysAreCountedAsTheKernelsCountThem() {
    for (OptimizerKind optimizer : OptimizerKind.values()) {
      for (StepRuleKind rule : StepRuleKind.values()) {
        assertThat(KernelConstants.arraysOnChip(optimizer, rule))
            .as("%s, %s", optimizer, rule)
            .isEqualTo(
                FakeDriver.export("clipkl_arrays_on_chip", optimizer.ordinal(), rule.ordinal()));
        if (rule == StepRuleKind.FIXED && optimizer.compareTo(OptimizerKind.NESTEROV) < 0) {
          assertThat(KernelConstants.arraysOnChip(optimizer, rule) - 1)
              .as("%s, one step", optimizer)
              .isEqualTo(
                  FakeDriver.export("clipkl_arrays_on_chip_for_one_step", optimizer.ordinal()));
        }
        for (int converted = 0; converted <= 2; converted++) {
          assertThat(KernelConstants.arraysInScratch(optimizer, rule, converted))
              .as("%s, %s, %d converted", optimizer, rule, converted)
              .isEqualTo(
                  FakeDriver.export(
                      "clipkl_arrays_in_scratch", optimizer.ordinal(), rule.ordinal(), converted));
        }
      }
    }
  }

  @Test
  void partsOfARowAreAsLongAsTheKernelsMakeThem() {
    for (int columns : new int[] {1, 31, 32, 33, 1000, 128_256}) {
      for (int cluster = 1; cluster <= 16; cluster *= 2) {
        assertThat(KernelConstants.partLength(columns, cluster))
            .as("%d columns on %d blocks", columns, cluster)
            .isEqualTo(FakeDriver.export("clipkl_part_length", columns, cluster));
      }
    }
  }

  private static int offset(String field) {
    return FakeDriver.export("clipkl_parameter_offset", field);
  }
}
