package dev.clipkl.engine.cuda;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The PTX in the repository is that of the sources beside it, and such as old drivers take. */
class KernelPtxTest {
  private static final Path SOURCES = Path.of("src", "main", "cuda");
  private static final Path PTX =
      Path.of("src", "main", "resources", "dev", "clipkl", "engine", "cuda");

  /** Compiling takes a minute: {@code .ci/run} does, where nvcc is. */
  @Test
  void sourcesHaveNotChangedSinceThePtxWasMade() throws IOException {
    StringBuilder list = new StringBuilder();
    try (Stream<Path> files = Files.walk(SOURCES)) {
      for (Path file :
          files
              .filter(Files::isRegularFile)
              .map(SOURCES::relativize)
              .sorted((a, b) -> a.toString().compareTo(b.toString()))
              .toList()) {
        String name = file.toString().replace('\\', '/');
        list.append(sha256(Files.readAllBytes(SOURCES.resolve(file))))
            .append("  ./")
            .append(name)
            .append('\n');
      }
    }
    assertThat(Files.readString(PTX.resolve("sources.sha256")).strip())
        .as("src/main/cuda has changed: run src/main/cuda/build.sh")
        .isEqualTo(sha256(list.toString().getBytes(UTF_8)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"reverse-kl", "forward-kl", "js", "alpha", "chi2", "hellinger2"})
  void modulesAreWrittenInALanguageThatOldDriversKnow(String divergence) throws IOException {
    assertModule(divergence, "sm_80", "7.0", List.of("run_rows", "evaluate_rows", "gradient_rows"));
    assertModule(divergence, "sm_90", "7.8", List.of("run_rows_cluster"));
  }

  private static void assertModule(
      String divergence, String target, String version, List<String> kernels) throws IOException {
    String text = Files.readString(PTX.resolve("%s.%s.ptx".formatted(divergence, target)));
    assertThat(text).startsWith("// clipkl %s %s\n".formatted(divergence, target));
    assertThat(text.lines())
        .contains(".version " + version, ".target " + target, ".address_size 64");
    assertThat(text).as("paths of the machine that compiled it").doesNotContainPattern("\"/");
    for (String kernel : kernels) {
      assertThat(text).contains(".visible .entry %s(".formatted(kernel));
    }
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
