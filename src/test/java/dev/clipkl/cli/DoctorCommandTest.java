package dev.clipkl.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.clipkl.config.EngineChoice;
import dev.clipkl.driver.FakeDriver;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorCommandTest {
  @Test
  void jsonNamesEveryExamination() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int exitCode =
        new CommandRunner(new ResultStream(out), OutputStream.nullOutputStream())
            .run("doctor", "--json");
    JsonNode diagnosis = new JsonMapper().readTree(out.toByteArray());
    assertThat(exitCode).isZero();
    assertThat(diagnosis.get("usable").booleanValue()).isTrue();
    assertThat(diagnosis.findValuesAsText("name"))
        .contains("jdk", "system", "processor", "memory", "disk", "libraries");
    assertThat(finding(diagnosis, "jdk").at("/facts/version").textValue())
        .isEqualTo(Runtime.version().toString());
    assertThat(finding(diagnosis, "memory").at("/facts/available_bytes").longValue()).isPositive();
    assertThat(finding(diagnosis, "libraries").at("/facts/versions/jtokkit").textValue())
        .matches("\\d.*");
  }

  @Test
  void engineCudaIsFoundOutQuicklyWithItsReason() {
    long start = System.nanoTime();
    Finding cuda = EngineFindings.of(EngineChoice.CUDA, 1);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMillis(200));
    assertThat(cuda.status()).isEqualTo(Finding.Status.UNAVAILABLE);
    assertThat(cuda.usable()).as("clipkl without it").isTrue();
    assertThat(cuda.detail())
        .startsWith("the engine cuda cannot run here: no NVIDIA driver (")
        .hasLineCount(1);
  }

  @Test
  void deviceThatPassesTheProbeIsDescribed() {
    try (FakeDriver driver = new FakeDriver()) {
      driver.asLibrary();
      Finding cuda = EngineFindings.of(EngineChoice.CUDA, 1);
      assertThat(cuda.status()).isEqualTo(Finding.Status.OK);
      assertThat(cuda.detail())
          .startsWith("cuda: float32 with float64 sums, ")
          .contains("compute capability 9.0", "driver for CUDA 12.8");
    }
  }

  @Test
  void onlyARequiredThingThatIsMissingMakesItUnusable() {
    Finding fine = Finding.ok("a", "fine", Map.of());
    Finding optional = Finding.unavailable("b", "not here", "get it", Map.of());
    Finding required = Finding.missing("c", "not here", "get it", Map.of());
    assertThat(DoctorCommand.diagnose(List.of(fine, optional)).usable()).isTrue();
    assertThat(DoctorCommand.diagnose(List.of(fine, required)).usable()).isFalse();
  }

  @Test
  void tableShowsTheRemedy() {
    StringWriter text = new StringWriter();
    DoctorCommand.print(
        DoctorCommand.diagnose(List.of(Finding.missing("engine", "not here", "get it", Map.of()))),
        new PrintWriter(text, true));
    assertThat(text.toString())
        .containsPattern("engine +unavailable +not here")
        .contains("-> get it", "clipkl cannot run here.");
  }

  @Test
  void libraryThatTheManifestNamesButTheDiskLacksIsReported(@TempDir Path folder)
      throws IOException {
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest.getMainAttributes().put(Attributes.Name.CLASS_PATH, "here-1.2.jar gone-3.4.jar");
    Path program = folder.resolve("program.jar");
    new JarOutputStream(Files.newOutputStream(program), manifest).close();
    Files.createFile(folder.resolve("here-1.2.jar"));

    Finding broken = LibraryFindings.of(program.toString()).getFirst();
    assertThat(broken.usable()).isFalse();
    assertThat(broken.detail()).isEqualTo("not found: " + folder.resolve("gone-3.4.jar"));

    Files.createFile(folder.resolve("gone-3.4.jar"));
    Finding whole = LibraryFindings.of(program.toString()).getFirst();
    assertThat(whole.status()).isEqualTo(Finding.Status.OK);
    assertThat(whole.detail()).isEqualTo("gone 3.4, here 1.2");
  }

  @Test
  void runsThatIsAFileIsReported(@TempDir Path folder) throws IOException {
    assertThat(DiskFindings.of(folder)).hasSize(1);
    Files.createFile(folder.resolve("runs"));
    Finding runs = DiskFindings.of(folder).get(1);
    assertThat(runs.status()).isEqualTo(Finding.Status.WARN);
    assertThat(runs.detail()).contains(folder.resolve("runs").toString(), "not a writable folder");
  }

  private static JsonNode finding(JsonNode diagnosis, String name) {
    for (JsonNode finding : diagnosis.get("findings")) {
      if (finding.get("name").textValue().equals(name)) {
        return finding;
      }
    }
    throw new AssertionError("no finding named " + name + " in " + diagnosis);
  }
}
