package dev.clipkl.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ZeroedMemoryTest {
  @ParameterizedTest
  @ValueSource(longs = {0, 1, 4096, (1 << 20) - 1, 1 << 20, (5 << 20) + 3})
  void isZeroedAlignedAndOfTheLengthAskedForEvenWhereMemoryWasUsedBefore(long bytes) {
    for (int round = 0; round < 3; round++) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment memory = ZeroedMemory.allocate(arena, bytes, 64);
        assertThat(memory.byteSize()).isEqualTo(bytes);
        assertThat(memory.address() % 64).isZero();
        assertThat(memory.mismatch(MemorySegment.ofArray(new byte[(int) bytes]))).isEqualTo(-1);
        memory.fill((byte) 1);
      }
    }
  }

  @Test
  void endsWithItsArena() {
    MemorySegment memory;
    try (Arena arena = Arena.ofShared()) {
      memory = ZeroedMemory.allocate(arena, 2 << 20, 64);
    }
    assertThatThrownBy(() -> memory.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void moreThanThereIsIsOutOfMemory() {
    try (Arena arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> ZeroedMemory.allocate(arena, 1L << 60, 64))
          .isInstanceOf(OutOfMemoryError.class)
          .hasMessageContaining("no 1152921504606847040 bytes");
    }
  }
}
