package dev.clipkl.engine.nd4j;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;

/**
 * A class loader that shows everything but the services of ND4J's CUDA backend, so that ND4J
 * neither tries it nor prints why it failed.
 */
final class HiddenCuda extends ClassLoader {
  /** ND4J finds backends, and what comes with them, by such files. */
  private static final String SERVICES = "META-INF/services/org.nd4j.";

  private static final String CUDA_PACKAGE = "org.nd4j.linalg.jcublas.";

  HiddenCuda(ClassLoader parent) {
    super(parent);
  }

  /** Whether a class path has ND4J's CUDA backend. */
  static boolean isIn(ClassLoader loader) {
    try {
      for (URL file :
          Collections.list(
              loader.getResources("META-INF/services/org.nd4j.linalg.factory.Nd4jBackend"))) {
        if (namesCuda(file)) {
          return true;
        }
      }
      return false;
    } catch (IOException e) {
      return false;
    }
  }

  @Override
  public Enumeration<URL> getResources(String name) throws IOException {
    Enumeration<URL> all = super.getResources(name);
    if (!name.startsWith(SERVICES)) {
      return all;
    }
    List<URL> shown = new ArrayList<>();
    for (URL file : Collections.list(all)) {
      if (!namesCuda(file)) {
        shown.add(file);
      }
    }
    return Collections.enumeration(shown);
  }

  private static boolean namesCuda(URL file) throws IOException {
    try (InputStream in = file.openStream()) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .anyMatch(line -> line.strip().startsWith(CUDA_PACKAGE));
    }
  }
}
