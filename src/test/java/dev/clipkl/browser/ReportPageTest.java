package dev.clipkl.browser;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.report.WordRuns;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.interactions.Actions;

/** The report as a reader uses it, in a browser. */
class ReportPageTest {
  private static final int WIDE = 1280;
  private static final int PHONE = 390;
  private static final String GAP = "[data-family=gap]";

  @TempDir private static Path folder;
  private static Browser browser;
  private static Path page;

  @BeforeAll
  static void trainAndReport() throws IOException {
    browser = Browser.open(Files.createDirectory(folder.resolve("profile")));
    browser.go("about:blank");
    browser.requests();
    WordRuns runs = new WordRuns(folder, 40);
    Path prompts =
        runs.prompts("prompts.jsonl", List.of("so kind", WordRuns.HOSTILE, "rude it's", "calm"));
    Path reverse =
        runs.train("reverse-kl", prompts, "objective: {divergence: reverse-kl, lambda: 0.2}");
    Path forward =
        runs.train("forward-kl", prompts, "objective: {divergence: forward-kl, lambda: 0.2}");
    WordRuns.run("certify", reverse);
    page = folder.resolve("report.html");
    WordRuns.run("report", reverse, forward, "--out", page);
  }

  @AfterAll
  static void close() {
    if (browser != null) {
      browser.close();
    }
  }

  @BeforeEach
  void open() {
    browser.prefer("light");
    browser.resize(WIDE, 900);
    browser.go(page);
  }

  @AfterEach
  void nothingWasFetchedAndNothingFailed() {
    assertThat(browser.console()).isEmpty();
    assertThat(browser.requests()).allMatch(address -> address.equals(page.toUri().toString()));
  }

  /** How many colours there are among a canvas's opaque pixels. */
  private double paintedColours(String selector) {
    return browser.number(
        """
        const canvas = document.querySelector(arguments[0] + " canvas");
        const copy = new OffscreenCanvas(canvas.width, canvas.height);
        const context = copy.getContext("2d", {willReadFrequently: true});
        context.drawImage(canvas, 0, 0);
        const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
        const colours = new Set();
        for (let i = 0; i < data.length; i += 4) {
          if (data[i + 3] === 255) {
            colours.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
          }
        }
        return colours.size;
        """,
        selector);
  }

  private String picture(String selector) {
    return String.valueOf(
        browser.script(
            "return document.querySelector(arguments[0] + ' canvas').toDataURL()", selector));
  }

  private WebElement button(String within, String text) {
    return browser.find(within).findElements(By.tagName("button")).stream()
        .filter(found -> found.getText().startsWith(text))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no button '%s' in %s".formatted(text, within)));
  }

  private void hover(String selector, double share) {
    WebElement plot = browser.find(selector + " .u-over");
    browser.script("arguments[0].scrollIntoView({block: 'center'})", plot);
    int across = (int) ((share - 0.5) * plot.getSize().getWidth());
    new Actions(browser.driver()).moveToElement(plot, across, 0).perform();
  }

  @Test
  void everyChartIsDrawn() {
    assertThat(browser.all("#chart-grid canvas")).hasSize(7);
    for (String family : List.of("gap", "value", "path", "kl", "entropy", "clip", "step-size")) {
      assertThat(paintedColours("[data-family=%s]".formatted(family)))
          .as("colours of %s", family)
          .isGreaterThan(2.0);
    }
  }

  @Test
  void pointingShowsTheNumbersThere() {
    String last = browser.find(GAP + " .clipkl-legend").getText();
    hover(GAP, 0.1);
    browser.await(
        "other numbers under the pointer",
        () -> !browser.find(GAP + " .clipkl-legend").getText().equals(last));
    String early = browser.find(GAP + " .clipkl-legend").getText();
    hover(GAP, 0.6);
    browser.await(
        "other numbers further on",
        () -> !browser.find(GAP + " .clipkl-legend").getText().equals(early));
    String path = browser.find("[data-family=path] .clipkl-legend").getText();
    hover("[data-family=path]", 0.3);
    browser.await(
        "the numbers of the nearest point",
        () -> !browser.find("[data-family=path] .clipkl-legend").getText().equals(path));
    assertThat(browser.find("[data-family=path] .clipkl-ring").isDisplayed()).isTrue();
  }

  @Test
  void axisGoesFromLogarithmicToLinear() {
    WebElement log = button(GAP, "log");
    assertThat(log.getAttribute("aria-pressed")).isEqualTo("true");
    String logarithmic = picture(GAP);
    log.click();
    assertThat(button(GAP, "log").getAttribute("aria-pressed")).isEqualTo("false");
    assertThat(picture(GAP)).isNotEqualTo(logarithmic);
    button(GAP, "log").click();
    browser.await("the first picture again", () -> picture(GAP).equals(logarithmic));
  }

  @Test
  void horizontalAxisIsChosen() {
    String byIteration = picture(GAP);
    button(GAP, "seconds").click();
    assertThat(picture(GAP)).isNotEqualTo(byIteration);
    assertThat(browser.find(GAP + " .clipkl-legend-x").getText()).startsWith("seconds");
    button(GAP, "entries").click();
    assertThat(browser.find(GAP + " .clipkl-legend-x").getText()).startsWith("entries");
    assertThat(paintedColours(GAP)).isGreaterThan(2.0);
  }

  @Test
  void curveIsHiddenByItsName() {
    double colours = paintedColours(GAP);
    button(GAP + " .clipkl-legend", "forward-kl").click();
    assertThat(paintedColours(GAP)).isLessThan(colours);
    button(GAP + " .clipkl-legend", "forward-kl").click();
    assertThat(paintedColours(GAP)).isEqualTo(colours);
  }

  @Test
  void draggingZoomsAndADoubleClickShowsEverything() {
    for (String chart : List.of(GAP, "[data-family=path]")) {
      WebElement plot = browser.find(chart + " .u-over");
      browser.script("arguments[0].scrollIntoView({block: 'center'})", plot);
      hover(chart, 0.5);
      String whole = picture(chart);
      new Actions(browser.driver())
          .moveToElement(plot, -100, -40)
          .clickAndHold()
          .moveByOffset(150, 60)
          .release()
          .perform();
      browser.await("a zoomed picture of " + chart, () -> !picture(chart).equals(whole));
      new Actions(browser.driver()).doubleClick(plot).perform();
      browser.await("everything again in " + chart, () -> picture(chart).equals(whole));
    }
  }

  @Test
  void keyboardReachesEverything() {
    browser.find("body").sendKeys(Keys.TAB);
    assertThat(browser.driver().switchTo().activeElement().getText()).contains("Skip");
    WebElement chart = browser.find(GAP + " .clipkl-chart-plot");
    String last = browser.find(GAP + " .clipkl-legend").getText();
    chart.sendKeys(Keys.HOME);
    assertThat(browser.find(GAP + " .clipkl-legend").getText()).isNotEqualTo(last);
    String whole = picture(GAP);
    chart.sendKeys("+");
    assertThat(picture(GAP)).isNotEqualTo(whole);
    chart.sendKeys("0");
    browser.await("everything again", () -> picture(GAP).equals(whole));
    WebElement path = browser.find("[data-family=path] .clipkl-chart-plot");
    path.sendKeys(Keys.ARROW_RIGHT);
    assertThat(browser.find("[data-family=path] .clipkl-ring").isDisplayed()).isTrue();
    WebElement first = browser.all("#token-rows button").getFirst();
    first.click();
    first.sendKeys(Keys.ARROW_DOWN);
    assertThat(browser.find("#token-rows [aria-current=true]").getText())
        .isEqualTo(browser.all("#token-rows button").get(1).getText());
  }

  @Test
  void searchFindsPromptsAndTokens() {
    WebElement search = browser.find("#token-search");
    search.sendKeys("calm");
    assertThat(browser.all("#token-rows button"))
        .as("the prompt and every prompt whose tokens moved")
        .isNotEmpty();
    assertThat(browser.all("#token-table .found")).isNotEmpty();
    search.sendKeys("nowhere");
    assertThat(browser.all("#token-rows button")).isEmpty();
    assertThat(browser.find("#token-row").getText()).isEqualTo("Nothing found");
    search.sendKeys(Keys.chord(Keys.CONTROL, "a"), "SO KIND");
    assertThat(browser.all("#token-rows button")).hasSize(1);
    assertThat(browser.find("#token-row").getText()).isEqualTo("so kind");
    assertThat(browser.find("#token-count").getText()).isEqualTo("1 of 4 prompts");
  }

  @Test
  void tokensAreOrderedByTheChosenPolicy() {
    List<String> reverse = tokens();
    assertThat(reverse).contains("kind", "rude");
    browser.find("#token-order").sendKeys("forward-kl");
    assertThat(tokens()).containsExactlyInAnyOrderElementsOf(reverse);
    assertThat(browser.all("#token-table .bar.gain")).isNotEmpty();
    assertThat(browser.all("#token-table .bar.loss")).isNotEmpty();
  }

  private static List<String> tokens() {
    return browser.all("#token-table .token").stream().map(WebElement::getText).toList();
  }

  @Test
  void hostileTextsStayTexts() {
    browser.all("#token-rows button").get(1).click();
    assertThat(browser.find("#token-row").getText()).isEqualTo(WordRuns.HOSTILE);
    assertThat(tokens())
        .as("tokens of hostile texts, and of those that would turn the line round")
        .anyMatch(token -> token.equals(WordRuns.HOSTILE.replace(" ", "␣")))
        .anyMatch(token -> token.equals("\\u202Eright"));
    assertThat(browser.all("img")).isEmpty();
    assertThat(browser.all("script")).hasSize(2);
    assertThat(browser.script("return window.innerWidth")).isNotNull();
  }

  @ParameterizedTest
  @CsvSource({"light, 1280", "dark, 1280", "light, 390", "dark, 390"})
  void pageFitsAndTakesTheReadersColours(String scheme, int width) {
    browser.prefer(scheme);
    browser.resize(width, width == PHONE ? 844 : 900);
    double lightness =
        browser.number(
            """
            const [r, g, b] = getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g);
            return (Number(r) + Number(g) + Number(b)) / 3;
            """);
    assertThat(lightness > 128.0).as("lightness %s", lightness).isEqualTo(scheme.equals("light"));
    assertThat(
            browser.number(
                "return document.documentElement.scrollWidth - document.documentElement.clientWidth"))
        .as("pixels beyond the screen's edge")
        .isZero();
    for (String part : List.of("body", "#charts", "#tokens", "#certificates", "#runs")) {
      browser.script("document.querySelector(arguments[0]).scrollIntoView()", part);
      browser.screenshot("report-%s-%d-%s".formatted(scheme, width, part.replace("#", "")));
    }
  }

  @Test
  void buttonTurnsLightIntoDark() {
    String background = "return getComputedStyle(document.documentElement).backgroundColor";
    Object light = browser.script(background);
    String chart = picture(GAP);
    browser.find("#theme").click();
    assertThat(browser.script(background)).isNotEqualTo(light);
    assertThat(picture(GAP)).as("charts follow").isNotEqualTo(chart);
    browser.find("#theme").click();
    assertThat(browser.script(background)).isEqualTo(light);
  }

  @Test
  void headingsAreInOrder() {
    List<Integer> levels =
        browser.all("h1, h2, h3, h4").stream()
            .map(heading -> Integer.parseInt(heading.getTagName().substring(1)))
            .toList();
    assertThat(levels.getFirst()).isEqualTo(1);
    assertThat(IntStream.range(1, levels.size()))
        .allMatch(i -> levels.get(i) <= levels.get(i - 1) + 1);
    assertThat(browser.all("h1")).hasSize(1);
  }
}
