package dev.clipkl.metrics;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.clipkl.failure.EnvironmentException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.apache.commons.csv.CSVFormat;

/**
 * One row per outer iteration below a row of names, doubles in full precision, nothing where a
 * number does not exist. Each session writes the file anew.
 */
public final class CsvFile implements MetricFile {
  private static final CSVFormat FORMAT =
      CSVFormat.DEFAULT.builder().setRecordSeparator("\n").get();

  private final AppendedFile file;
  private List<String> names = List.of();

  /**
   * Opens or creates the file and empties it.
   *
   * @throws EnvironmentException when it cannot be written
   */
  public CsvFile(Path file) {
    this.file =
        new AppendedFile(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE);
  }

  /** The columns are those of the first record. */
  @Override
  public void write(MetricRecord metrics) {
    if (names.isEmpty()) {
      names = List.copyOf(metrics.values().keySet());
      Object[] header = new Object[1 + names.size()];
      header[0] = JsonLinesSink.OUTER_ITERATION;
      for (int n = 0; n < names.size(); n++) {
        header[n + 1] = names.get(n);
      }
      append(header);
    }
    Object[] row = new Object[1 + names.size()];
    row[0] = metrics.outerIteration();
    for (int n = 0; n < names.size(); n++) {
      double value = metrics.get(names.get(n));
      row[n + 1] = Double.isFinite(value) ? value : "";
    }
    append(row);
  }

  private void append(Object[] row) {
    file.append(UTF_8.encode(FORMAT.format(row) + FORMAT.getRecordSeparator()));
  }

  @Override
  public void force() {
    file.force();
  }

  @Override
  public void close() {
    file.close();
  }
}
