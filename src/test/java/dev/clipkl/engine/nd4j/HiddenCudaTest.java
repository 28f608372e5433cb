package dev.clipkl.engine.nd4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Hiding ND4J's CUDA backend, with pretended service files as its jar has them. */
class HiddenCudaTest {
  private static final String BACKENDS = "META-INF/services/org.nd4j.linalg.factory.Nd4jBackend";
  private static final String COMPRESSORS =
      "META-INF/services/org.nd4j.linalg.compression.NDArrayCompressor";

  @TempDir Path folder;

  @Test
  void showsEveryServiceButThoseOfTheCudaBackend() throws IOException {
    service("cuda", BACKENDS, "# a comment\n\norg.nd4j.linalg.jcublas.JCublasBackend");
    service("cuda", COMPRESSORS, "org.nd4j.linalg.jcublas.compression.CudaThreshold");
    service("native", BACKENDS, "# not org.nd4j.linalg.jcublas.\norg.nd4j.linalg.cpu.CpuBackend");
    service("cuda", "META-INF/services/java.sql.Driver", "org.nd4j.linalg.jcublas.None");
    try (URLClassLoader both = loader("cuda", "native")) {
      assertThat(HiddenCuda.isIn(both)).isTrue();
      HiddenCuda hidden = new HiddenCuda(both);
      assertThat(HiddenCuda.isIn(hidden)).isFalse();
      assertThat(files(hidden, BACKENDS))
          .isNotEmpty()
          .allSatisfy(file -> assertThat(file).doesNotContain("/cuda/"))
          .anySatisfy(file -> assertThat(file).contains("/native/"));
      assertThat(files(hidden, COMPRESSORS))
          .allSatisfy(file -> assertThat(file).doesNotContain("/cuda/"));
      // Only ND4J's services are looked into.
      assertThat(files(hidden, "META-INF/services/java.sql.Driver")).hasSize(1);
    }
  }

  @Test
  void backendOfTheProcessorIsNotMistakenForCuda() throws IOException {
    service("native", BACKENDS, "org.nd4j.linalg.cpu.nativecpu.CpuBackend");
    try (URLClassLoader alone = loader("native")) {
      assertThat(HiddenCuda.isIn(alone)).isFalse();
    }
  }

  private void service(String jar, String name, String text) throws IOException {
    Path file = folder.resolve(jar).resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private URLClassLoader loader(String... jars) throws IOException {
    URL[] urls = new URL[jars.length];
    for (int i = 0; i < jars.length; i++) {
      urls[i] = URI.create("file:" + folder.resolve(jars[i]).toAbsolutePath() + "/").toURL();
    }
    return new URLClassLoader(urls, null);
  }

  private static List<String> files(ClassLoader loader, String name) throws IOException {
    return Collections.list(loader.getResources(name)).stream().map(URL::toString).toList();
  }
}
