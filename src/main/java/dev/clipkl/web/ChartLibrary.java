package dev.clipkl.web;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/**
 * The charts of every page, as two texts: uPlot with its licence, and {@code charts.js}, {@code
 * plane.js} and {@code charts.css}, which give its charts one look, a legend and a keyboard.
 *
 * <p>Both may be served as files or stand within a page: neither text closes a {@code script} or a
 * {@code style} element, and neither evaluates text or reads anything from a network.
 */
public final class ChartLibrary {
  private static final String WEBJAR_PROPERTIES =
      "/META-INF/maven/org.webjars.npm/uplot/pom.properties";
  private static final String WEBJAR = "/META-INF/resources/webjars/uplot/";

  private ChartLibrary() {}

  /** JavaScript that defines {@code uPlot} and {@code clipklCharts}. */
  public static String script() {
    return licence()
        + uplot("dist/uPlot.iife.min.js")
        + "\n"
        + read("charts.js")
        + read("plane.js");
  }

  /** The style sheet that {@link #script} needs. */
  public static String style() {
    return licence() + uplot("dist/uPlot.min.css") + "\n" + read("charts.css");
  }

  /** The MIT licence asks to go with every copy. */
  private static String licence() {
    return "/* uPlot " + version() + "\n\n" + uplot("LICENSE").strip() + "\n*/\n";
  }

  private static String uplot(String file) {
    return read(WEBJAR + version() + "/" + file);
  }

  /** The build file alone says which version it is; the webjar repeats it. */
  private static String version() {
    Properties properties = new Properties();
    try (InputStream stream = open(WEBJAR_PROPERTIES)) {
      properties.load(stream);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return properties.getProperty("version");
  }

  private static String read(String resource) {
    try (InputStream stream = open(resource)) {
      return new String(stream.readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static InputStream open(String resource) {
    InputStream stream = ChartLibrary.class.getResourceAsStream(resource);
    if (stream == null) {
      throw new IllegalStateException("this build of clipkl lacks the resource " + resource);
    }
    return stream;
  }
}
