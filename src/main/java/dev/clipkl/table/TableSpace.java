package dev.clipkl.table;

import java.lang.foreign.Arena;
import java.nio.file.Path;

/** Where new tables are made. */
@FunctionalInterface
public interface TableSpace {

  /**
   * A zeroed table {@code [rows, columns]}.
   *
   * @throws dev.clipkl.failure.EnvironmentException if the disk has no room for it
   */
  RowTable allocate(RowTable.Precision precision, long rows, int columns);

  /** Tables in memory, as long as an arena lives. */
  static TableSpace inMemory(Arena arena) {
    return (precision, rows, columns) -> RowTable.allocate(arena, precision, rows, columns);
  }

  /**
   * Tables in mapped files without a name, as long as an arena lives: however the process ends,
   * nothing is left of them.
   *
   * @param folder an existing folder on the disk that takes them
   * @param residentRows how many rows, from the first, stay in memory once they have been used
   */
  static TableSpace onDisk(Arena arena, Path folder, long residentRows) {
    return (precision, rows, columns) ->
        new StoredRowTable(
            UnnamedFile.map(arena, folder, RowTable.allocatedBytes(precision, rows, columns)),
            precision,
            rows,
            columns,
            RowTable.strideBytes(precision, columns),
            residentRows);
  }
}
