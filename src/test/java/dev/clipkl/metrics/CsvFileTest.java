package dev.clipkl.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CsvFileTest {
  @TempDir Path folder;

  @Test
  void rowHoldsEveryDigitAndNothingWhereThereIsNoNumber() throws IOException {
    Path file = folder.resolve("metrics.csv");
    Map<String, Double> values = new LinkedHashMap<>();
    values.put(MetricNames.VALUE, 0.1 + 0.2);
    values.put(MetricNames.RATE_MEASURED, Double.NaN);
    values.put(MetricNames.GAP, Double.MIN_VALUE);
    for (int session = 0; session < 2; session++) {
      try (CsvFile csv = new CsvFile(file)) {
        csv.write(new MetricRecord(0, values));
        csv.write(new MetricRecord(5, values));
      }
      assertThat(Files.readString(file))
          .isEqualTo(
              """
              outer_iteration,objective/value,rate/measured,objective/gap
              0,0.30000000000000004,,4.9E-324
              5,0.30000000000000004,,4.9E-324
              """);
    }
  }
}
