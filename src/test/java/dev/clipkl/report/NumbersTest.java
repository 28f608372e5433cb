package dev.clipkl.report;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NumbersTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "0.1, 0.1",
    "123.456, 123.5",
    "999999, 1e6",
    "1234567, 1.235e6",
    "0.00012346, 1.235e-4",
    "-0.00012, -1.2e-4",
    "1e-10, 1e-10",
    "1e-300, 1e-300",
    "100, 100",
    "NaN, –",
    "Infinity, infinite"
  })
  void numbersHaveFourDigits(double value, String text) {
    assertThat(Numbers.of(value)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({
    "0.5, 50.0%",
    "1, 100.0%",
    "0.999, 99.9%",
    "0.9999, 99.99%",
    "0.99999951, 99.99995%",
    "0, 0.0%",
    "NaN, –"
  })
  void percentageThatIsNotWholeIsNotRoundedToIt(double share, String text) {
    assertThat(Numbers.percent(share)).isEqualTo(text);
  }
}
