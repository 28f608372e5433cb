package dev.clipkl.browser;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.endtoend.ClipklProcess;
import dev.clipkl.report.WordRuns;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code train --dashboard} while it runs, in a browser. */
class DashboardPageTest {
  private static final Pattern ADDRESS = Pattern.compile("dashboard: (http://\\S+)");

  /** Far more than are waited for: the test ends the run. */
  private static final String LONG_RUN =
      """
      objective: {divergence: forward-kl, lambda: 0.2}
      optimizer:
        kind: gradient
        step-rule: fixed
        step-size: 0.001
        outer-iterations: 100000000
        tolerance: 0
      """;

  @TempDir private Path folder;

  @Test
  void chartsGrowSurviveAReloadAndTellTheEnd() throws Exception {
    try (Browser browser = Browser.open(Files.createDirectory(folder.resolve("profile")))) {
      browser.go("about:blank");
      browser.requests();
      WordRuns runs = new WordRuns(folder, 2000);
      Path prompts = runs.prompts("prompts.jsonl", List.of("so kind", WordRuns.HOSTILE));
      Path configuration = runs.configuration("live", prompts, LONG_RUN);
      try (ClipklProcess train =
          ClipklProcess.start(
              folder.resolve("train.log"),
              "train",
              configuration.toString(),
              "--out",
              folder.resolve("live").toString(),
              "--dashboard")) {
        String address = address(browser, train);
        browser.resize(1280, 900);
        browser.go(address);
        browser.await("a first iteration", () -> iteration(browser) > 0.0);
        assertThat(browser.all("canvas")).hasSizeGreaterThanOrEqualTo(6);
        double first = iteration(browser);
        String picture = picture(browser);
        browser.await(
            "growing charts",
            () -> iteration(browser) > first && !picture(browser).equals(picture));
        double shown = iteration(browser);
        browser.reload();
        browser.await("the history after a reload", () -> iteration(browser) >= shown);
        assertThat(browser.find(".clipkl-chart").getText()).contains("outer iteration");
        for (String scheme : List.of("light", "dark")) {
          for (int width : List.of(1280, 390)) {
            browser.prefer(scheme);
            browser.resize(width, width == 390 ? 844 : 900);
            assertThat(
                    browser.number(
                        "return document.documentElement.scrollWidth -"
                            + " document.documentElement.clientWidth"))
                .as("pixels beyond the edge of %d", width)
                .isZero();
            browser.screenshot("dashboard-%s-%d".formatted(scheme, width));
          }
        }
        train.signal("INT");
        browser.await(
            "the end of the run", () -> browser.find("#status").getText().startsWith("ended"));
        train.waitFor();
        assertThat(browser.console()).isEmpty();
        assertThat(browser.requests())
            .isNotEmpty()
            .allMatch(request -> request.startsWith("http://127.0.0.1:"));
      }
    }
  }

  private static String address(Browser browser, ClipklProcess train) {
    String[] found = new String[1];
    browser.await(
        "the dashboard's address",
        () -> {
          Matcher matcher = ADDRESS.matcher(train.output());
          found[0] = matcher.find() ? matcher.group(1) : null;
          return found[0] != null;
        });
    return found[0];
  }

  /** The last outer iteration that the page tells of; 0 while there is none. */
  private static double iteration(Browser browser) {
    return browser.number(
        """
        const words = document.getElementById("state").textContent.match(/outer iteration (\\d+)/);
        return words ? Number(words[1]) : 0;
        """);
  }

  private static String picture(Browser browser) {
    return String.valueOf(browser.script("return document.querySelector('canvas').toDataURL()"));
  }
}
