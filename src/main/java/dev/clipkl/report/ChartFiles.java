package dev.clipkl.report;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.table.AtomicFile;
import java.awt.Dimension;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.apache.batik.svggen.SVGGeneratorContext;
import org.apache.batik.svggen.SVGGraphics2D;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/** Writes charts as SVG and PNG files. */
final class ChartFiles {
  private static final String SVG_NAMESPACE = "http://www.w3.org/2000/svg";

  /** Pixels of a PNG per unit of the drawing, so that it is sharp in print. */
  private static final int SCALE = 2;

  /** Hundredths of a pixel: the letters are outlines, and most of a drawing. */
  private static final int DECIMALS = 2;

  private ChartFiles() {}

  /**
   * Writes {@code ID.svg} and {@code ID.png} for every chart, each atomically; files of these names
   * are replaced.
   *
   * @param folder made if it is missing
   * @return the files
   * @throws EnvironmentException when they cannot be written, or there are no fonts to draw with
   */
  static List<Path> write(List<Chart> charts, Path folder) {
    // A display that is named but not there would otherwise be asked for fonts.
    System.setProperty("java.awt.headless", "true");
    try {
      Files.createDirectories(folder);
      return charts.parallelStream().flatMap(chart -> write(chart, folder).stream()).toList();
    } catch (IOException e) {
      throw unwritable(folder, e);
    } catch (UncheckedIOException e) {
      throw unwritable(folder, Objects.requireNonNull(e.getCause()));
    } catch (LinkageError | InternalError e) {
      throw new EnvironmentException(
          "cannot draw charts: Java finds no fonts here; install fontconfig and a font (the page is"
              + " written)",
          e);
    }
  }

  private static EnvironmentException unwritable(Path folder, IOException e) {
    return new EnvironmentException(
        "cannot write charts to %s: %s".formatted(folder, e.getMessage()), e);
  }

  private static List<Path> write(Chart chart, Path folder) {
    Path svg = folder.resolve(chart.id() + ".svg");
    Path png = folder.resolve(chart.id() + ".png");
    try {
      writeSvg(chart, svg);
      writePng(chart, png);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return List.of(svg, png);
  }

  private static void writePng(Chart chart, Path file) throws IOException {
    BufferedImage image =
        new BufferedImage(
            SCALE * ChartPainter.WIDTH, SCALE * ChartPainter.HEIGHT, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    try {
      graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
      graphics.scale(SCALE, SCALE);
      ChartPainter.chart(chart).paint(graphics, ChartPainter.WIDTH, ChartPainter.HEIGHT);
    } finally {
      graphics.dispose();
    }
    try (AtomicFile target = AtomicFile.open(file)) {
      ImageIO.write(image, "png", target.outputStream());
      target.commit();
    }
  }

  private static void writeSvg(Chart chart, Path file) throws IOException {
    SVGGeneratorContext context = SVGGeneratorContext.createDefault(document());
    context.setComment("clipkl report");
    context.setPrecision(DECIMALS);
    SVGGraphics2D graphics = new SVGGraphics2D(context, false);
    graphics.setSVGCanvasSize(new Dimension(ChartPainter.WIDTH, ChartPainter.HEIGHT));
    ChartPainter.chart(chart).paint(graphics, ChartPainter.WIDTH, ChartPainter.HEIGHT);
    Element root = graphics.getRoot();
    Element title = root.getOwnerDocument().createElementNS(SVG_NAMESPACE, "title");
    title.setTextContent(chart.title());
    root.insertBefore(title, root.getFirstChild());
    root.setAttribute("viewBox", "0 0 %d %d".formatted(ChartPainter.WIDTH, ChartPainter.HEIGHT));
    try (AtomicFile target = AtomicFile.open(file);
        Writer writer = new OutputStreamWriter(target.outputStream(), UTF_8)) {
      graphics.stream(root, writer, true, false);
      writer.flush();
      target.commit();
    }
  }

  private static Document document() {
    try {
      return DocumentBuilderFactory.newDefaultNSInstance()
          .newDocumentBuilder()
          .getDOMImplementation()
          .createDocument(SVG_NAMESPACE, "svg", null);
    } catch (ParserConfigurationException e) {
      throw new IllegalStateException("the JDK has an XML parser", e);
    }
  }
}
