package dev.clipkl.engine.vector;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** A row where its tables store it: float32, little-endian. */
final class RowMemory {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  MemorySegment logits = MemorySegment.NULL;

  /** What rounding has taken from each logit; NULL where the optimizer does not keep it. */
  MemorySegment lost = MemorySegment.NULL;

  /** log q, nats. */
  MemorySegment logReference = MemorySegment.NULL;

  /** Q. */
  MemorySegment actionValue = MemorySegment.NULL;

  /** Room for the last entries of rows that do not end with a whole block. */
  static RowMemory ofOneBlock() {
    RowMemory memory = new RowMemory();
    Arena arena = Arena.ofAuto();
    long bytes = (long) FloatLanes.BLOCK * Float.BYTES;
    memory.logits = arena.allocate(bytes, bytes);
    memory.lost = arena.allocate(bytes, bytes);
    memory.logReference = arena.allocate(bytes, bytes);
    memory.actionValue = arena.allocate(bytes, bytes);
    return memory;
  }

  /**
   * Copies {@code count} entries of a row here, with padding that has probabilities of 0.
   *
   * @param keepsLost whether the optimizer keeps what rounding takes
   */
  void read(RowMemory row, int from, int count, boolean keepsLost) {
    copy(row.logits, from, logits, 0, count);
    copy(row.logReference, from, logReference, 0, count);
    copy(row.actionValue, from, actionValue, 0, count);
    if (keepsLost) {
      copy(row.lost, from, lost, 0, count);
    }
    for (int i = count; i < FloatLanes.BLOCK; i++) {
      logReference.setAtIndex(FLOAT, i, FloatLanes.VANISHING_LOGIT);
      actionValue.setAtIndex(FLOAT, i, 0f);
      lost.setAtIndex(FLOAT, i, 0f);
    }
    pad(count);
  }

  /** The padding has moved with the rest. */
  void pad(int count) {
    for (int i = count; i < FloatLanes.BLOCK; i++) {
      logits.setAtIndex(FLOAT, i, FloatLanes.VANISHING_LOGIT);
    }
  }

  /** Rounding has taken nothing from a piece of the row yet. */
  void clearLost(int start, int length) {
    lost.asSlice((long) start * Float.BYTES, (long) length * Float.BYTES).fill((byte) 0);
  }

  /** Copies what a step has changed back. */
  void write(RowMemory row, int to, int count, boolean keepsLost) {
    copy(logits, 0, row.logits, to, count);
    if (keepsLost) {
      copy(lost, 0, row.lost, to, count);
    }
  }

  private static void copy(MemorySegment from, int start, MemorySegment to, int at, int count) {
    MemorySegment.copy(
        from, (long) start * Float.BYTES, to, (long) at * Float.BYTES, (long) count * Float.BYTES);
  }

  /** Q of the first action. */
  float firstActionValue() {
    return actionValue.get(FLOAT, 0L);
  }

  /** {@code max Q - min Q}. */
  double actionValueSpan(int columns) {
    float least = Float.POSITIVE_INFINITY;
    float largest = Float.NEGATIVE_INFINITY;
    for (int a = 0; a < columns; a++) {
      float value = actionValue.getAtIndex(FLOAT, a);
      least = value < least ? value : least;
      largest = value > largest ? value : largest;
    }
    return largest - least;
  }
}
