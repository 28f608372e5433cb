package dev.clipkl.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Locale;
import org.junit.jupiter.api.Test;

class ChartLibraryTest {
  @Test
  void scriptHasTheLibraryWithItsLicenceAndTheChartsOfThisProject() {
    assertThat(ChartLibrary.script())
        .contains("The MIT License (MIT)", "Leon Sorokin", "var uPlot=", "const clipklCharts =");
    assertThat(ChartLibrary.style())
        .contains("The MIT License (MIT)", ".uplot", ".clipkl-chart", "prefers-color-scheme: dark");
  }

  @Test
  void textsMayStandWithinAPage() {
    assertThat(ChartLibrary.script().toLowerCase(Locale.ROOT))
        .doesNotContain("</script", "<!--", "<script");
    assertThat(ChartLibrary.style().toLowerCase(Locale.ROOT)).doesNotContain("</style");
  }

  @Test
  void nothingIsEvaluatedWrittenAsMarkupOrFetched() {
    assertThat(ChartLibrary.script())
        .doesNotContain("eval(", "new Function", "innerHTML", "outerHTML", "insertAdjacentHTML")
        .doesNotContain("document.write", "fetch(", "XMLHttpRequest", "import(");
    assertThat(ChartLibrary.style()).doesNotContain("url(", "@import", "@font-face");
  }
}
