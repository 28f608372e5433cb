package dev.clipkl.report;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.Template;
import dev.clipkl.web.ChartLibrary;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Map;

/**
 * Writes the page. Its policy lets a browser run these scripts and styles alone, known by their
 * checksums, and fetch nothing.
 */
final class ReportPage {
  private ReportPage() {}

  /** The page as HTML, UTF-8. */
  static String html(PageView view, PageData data) {
    String style = ChartLibrary.style() + read("report.css");
    String script = ChartLibrary.script() + read("report.js");
    String policy =
        "default-src 'none'; script-src %s; style-src %s; img-src data:; base-uri 'none'; form-action 'none'"
            .formatted(source(script), source(style));
    Template template =
        Mustache.compiler().escapeHTML(true).strictSections(true).compile(read("report.mustache"));
    Map<String, String> trusted =
        Map.of("policy", policy, "style", style, "script", script, "data", data.json());
    StringWriter html = new StringWriter();
    template.execute(view, trusted, html);
    return html.toString();
  }

  private static String source(String text) {
    try {
      byte[] checksum = MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8));
      return "'sha256-" + Base64.getEncoder().encodeToString(checksum) + "'";
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private static String read(String resource) {
    try (InputStream stream = ReportPage.class.getResourceAsStream(resource)) {
      if (stream == null) {
        throw new IllegalStateException("this build of clipkl lacks the resource " + resource);
      }
      return new String(stream.readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
