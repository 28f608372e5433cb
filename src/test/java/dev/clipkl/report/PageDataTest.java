package dev.clipkl.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PageDataTest {
  private static PageData data(String text, double... numbers) {
    Curve curve = new Curve(text, 0, 0, false, true, false, numbers, numbers);
    Chart chart =
        new Chart(
            "id",
            "id",
            text,
            "",
            new Chart.Axis("x", false),
            new Chart.Axis("y", true),
            false,
            List.of(curve));
    TokenTables tokens =
        new TokenTables(
            "prompt",
            List.of(0),
            Map.of(3, text),
            List.of(
                new TokenTables.Row(
                    text, numbers, new int[] {3}, numbers, new double[][] {numbers})),
            1);
    return new PageData(
        List.of(text),
        List.of(new ReportSubject.Group(text, List.of(0))),
        List.of(chart),
        List.of(tokens));
  }

  @Test
  void noTextCanLeaveItsElement() throws IOException {
    String hostile = "</script><!--&amp;'\"\u2028\u2029\\ <script>";
    String json = data(hostile).json();
    assertThat(json).doesNotContain("<", ">", "&", "'", "\u2028", "\u2029");
    JsonNode read = new JsonMapper().readTree(json);
    assertThat(read.at("/runs/0").textValue()).isEqualTo(hostile);
    assertThat(read.at("/tokens/0/tokens/3").textValue()).isEqualTo(hostile);
    assertThat(read.at("/charts/0/curves/0/label").textValue()).isEqualTo(hostile);
  }

  @Test
  void numbersAreShortAndMissingOnesNull() throws IOException {
    JsonNode numbers =
        new JsonMapper()
            .readTree(data("a", 1.0 / 3.0, 30.0, 1.23456789e-9, Double.NaN, -0.0).json())
            .at("/charts/0/curves/0/y");
    assertThat(numbers).hasToString("[0.33333333,30,1.2345679E-9,null,0]");
  }
}
