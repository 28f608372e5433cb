package dev.clipkl.engine.nd4j;

/**
 * How a row of {@code columns} actions lies in an array: cut into at least two chunks of equal
 * length, the last one padded.
 *
 * <p>Sums are taken chunk by chunk. A reduction of a single sub-array is split between threads by
 * ND4J, so that its order depends on their number; with two or more, each is summed in order by one
 * thread, whatever the batch.
 *
 * @param columns actions
 * @param chunks number of chunks, at least 2
 * @param chunkLength entries of a chunk
 */
record RowLayout(int columns, int chunks, int chunkLength) {
  private static final int LONGEST_CHUNK = 4096;

  static RowLayout of(int columns) {
    int chunks = Math.max(2, Math.ceilDiv(columns, LONGEST_CHUNK));
    return new RowLayout(columns, chunks, Math.ceilDiv(columns, chunks));
  }

  /** Entries of a row with its padding. */
  int padded() {
    return chunks * chunkLength;
  }
}
