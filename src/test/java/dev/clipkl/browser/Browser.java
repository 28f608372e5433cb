package dev.clipkl.browser;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.openqa.selenium.By;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;
import org.openqa.selenium.support.ui.WebDriverWait;

/**
 * A headless Chromium of the machine, which reaches no network and keeps nothing. Its driver is
 * named outright, so that nothing is downloaded.
 */
final class Browser implements AutoCloseable {
  /** Set to 1 where a missing browser is a failure and not a reason to skip. */
  private static final String REQUIRED = "CLIPKL_REQUIRE_BROWSER";

  private static final String BROWSER = "CLIPKL_BROWSER";
  private static final String DRIVER = "CLIPKL_CHROMEDRIVER";
  private static final Path SCREENSHOTS = Path.of("target", "screenshots");
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private static final List<String> BROWSERS =
      List.of(
          "/usr/bin/chromium",
          "/usr/bin/chromium-browser",
          "/usr/bin/google-chrome",
          "/snap/bin/chromium",
          "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
          "/Applications/Chromium.app/Contents/MacOS/Chromium");

  private static final List<String> DRIVERS =
      List.of(
          "/usr/bin/chromedriver",
          "/usr/lib/chromium-browser/chromedriver",
          "/snap/bin/chromium.chromedriver",
          "/opt/homebrew/bin/chromedriver",
          "/usr/local/bin/chromedriver");

  private final ChromeDriver driver;

  private Browser(ChromeDriver driver) {
    this.driver = driver;
  }

  /**
   * Starts a browser with a profile of its own.
   *
   * @param profile an empty folder
   */
  static Browser open(Path profile) {
    Path browser = find(BROWSER, BROWSERS);
    Path executable = find(DRIVER, DRIVERS);
    if (browser == null || executable == null) {
      String missing =
          "no %s here: install Chromium (or Chrome) and its driver, or name them by %s and %s"
              .formatted(browser == null ? "browser" : "chromedriver", BROWSER, DRIVER);
      assertThat(System.getenv(REQUIRED)).as(missing).isNotEqualTo("1");
      return abort(missing);
    }
    ChromeOptions options = new ChromeOptions();
    options.setBinary(browser.toFile());
    options.addArguments(
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-dev-shm-usage",
        "--disable-sync",
        "--force-device-scale-factor=1",
        "--hide-scrollbars",
        "--user-data-dir=" + profile.toAbsolutePath());
    LoggingPreferences logs = new LoggingPreferences();
    logs.enable(LogType.BROWSER, Level.ALL);
    logs.enable(LogType.PERFORMANCE, Level.ALL);
    options.setCapability("goog:loggingPrefs", logs);
    ChromeDriverService service =
        new ChromeDriverService.Builder()
            .usingDriverExecutable(executable.toFile())
            .usingAnyFreePort()
            .build();
    return new Browser(new ChromeDriver(service, options));
  }

  private static @Nullable Path find(String variable, List<String> usual) {
    return Stream.concat(Stream.ofNullable(System.getenv(variable)), usual.stream())
        .map(Path::of)
        .filter(Files::isExecutable)
        .findFirst()
        .orElse(null);
  }

  /** Opens an address; returns once it is loaded. */
  void go(String address) {
    driver.get(address);
  }

  /** Opens a file. */
  void go(Path file) {
    go(file.toAbsolutePath().toUri().toString());
  }

  void reload() {
    driver.navigate().refresh();
  }

  /** The page's size, whatever window there is around it. */
  void resize(int width, int height) {
    driver.executeCdpCommand(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", width < 500));
  }

  /** Whether the reader's system prefers dark pages. */
  void prefer(String scheme) {
    driver.executeCdpCommand(
        "Emulation.setEmulatedMedia",
        Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
  }

  WebElement find(String selector) {
    return driver.findElement(By.cssSelector(selector));
  }

  List<WebElement> all(String selector) {
    return driver.findElements(By.cssSelector(selector));
  }

  /** Runs a script's function body and returns its value. */
  @Nullable Object script(String body, Object... arguments) {
    return driver.executeScript(body, arguments);
  }

  /** A number that a script returns. */
  double number(String body, Object... arguments) {
    return ((Number) Optional.ofNullable(script(body, arguments)).orElseThrow()).doubleValue();
  }

  /** Waits until something is so. */
  void await(String what, Supplier<Boolean> condition) {
    new WebDriverWait(driver, PATIENCE).withMessage(what).until(_ -> condition.get());
  }

  ChromeDriver driver() {
    return driver;
  }

  /** What the page wrote to its console, errors of its content policy included. */
  List<String> console() {
    List<String> lines = new ArrayList<>();
    for (LogEntry entry : driver.manage().logs().get(LogType.BROWSER)) {
      lines.add(entry.getLevel() + " " + entry.getMessage());
    }
    return lines;
  }

  /** Addresses that pages have asked for since this was last called; their own data: left out. */
  List<String> requests() {
    List<String> addresses = new ArrayList<>();
    for (LogEntry entry : driver.manage().logs().get(LogType.PERFORMANCE)) {
      String message = entry.getMessage();
      if (message.contains("\"Network.requestWillBeSent\"")
          || message.contains("\"Network.webSocketCreated\"")) {
        String address = message.replaceFirst("(?s).*?\"url\":\"([^\"]*)\".*", "$1");
        if (!address.startsWith("data:")) {
          addresses.add(address);
        }
      }
    }
    return addresses;
  }

  /** Keeps what the page looks like, for people. */
  void screenshot(String name) {
    try {
      Files.createDirectories(SCREENSHOTS);
      Files.write(SCREENSHOTS.resolve(name + ".png"), driver.getScreenshotAs(OutputType.BYTES));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    driver.quit();
  }
}
