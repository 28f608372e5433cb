package dev.clipkl.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.endtoend.BanditFile;
import dev.clipkl.table.TensorType;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code train --dashboard} on the command line. */
class TrainDashboardTest {
  private static final Pattern NOTE =
      Pattern.compile(
          "^dashboard: (http://127\\.0\\.0\\.1:\\d+/[A-Za-z0-9_-]{22}/)$", Pattern.MULTILINE);

  @TempDir Path folder;

  private CommandLineFixture cli;
  private Path config;
  private Path run;

  @BeforeEach
  void writeProblem() throws IOException {
    cli = new CommandLineFixture(folder);
    run = cli.path("run");
    Path bandit = cli.path("bandit.safetensors");
    BanditFile.write(bandit, 2, 100, TensorType.F32, 5);
    config = cli.file("run.yaml", "problem: {import: %s}".formatted(bandit));
  }

  private URI address() {
    Matcher note = NOTE.matcher(cli.out());
    assertThat(note.find()).as(cli.out()).isTrue();
    return URI.create(note.group(1));
  }

  private static boolean isServed(URI address) {
    try (Socket socket = new Socket()) {
      socket.connect(
          new InetSocketAddress(InetAddress.getLoopbackAddress(), address.getPort()), 1000);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void addressIsPrintedFirstAndServedUntilTheCommandEnds() {
    assertThat(cli.run("train", config, "--out", run, "--dashboard")).as(cli.err()).isZero();
    assertThat(cli.out()).startsWith("dashboard: ").contains("stopped after");
    assertThat(isServed(address())).isFalse();
  }

  @Test
  void optionMayStandBeforeTheConfiguration() {
    assertThat(cli.run("train", "--dashboard", config, "--out", run)).as(cli.err()).isZero();
    assertThat(address()).isNotNull();
  }

  @Test
  void attachedValueThatIsNoPortIsBadUsage() {
    cli.refuses(
        "invalid value for option '--dashboard': 'x' is not an int (usage: clipkl train --help)",
        "train",
        config,
        "--dashboard=x");
  }

  @Test
  void resumedRunHasAPageToo() {
    assertThat(cli.run("train", config, "--out", run)).isZero();
    assertThat(cli.run("train", "--dashboard", "--resume", run)).as(cli.err()).isZero();
    assertThat(address()).isNotNull();
    assertThat(cli.out()).contains("has already ended");
  }

  @Test
  void portInUseEndsTheCommandBeforeAnythingIsWritten() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
      int port = taken.getLocalPort();
      assertThat(cli.run("train", config, "--out", run, "--dashboard", port)).isEqualTo(3);
      assertThat(cli.err())
          .startsWith("clipkl: --dashboard: cannot listen on 127.0.0.1 port " + port)
          .hasLineCount(1);
      assertThat(run).doesNotExist();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"65536", "-1"})
  void portOutOfRangeIsBadUsage(String port) {
    cli.refuses(
        "--dashboard must be a port in 0 to 65535, got %s (usage: clipkl train --help)"
            .formatted(port),
        "train",
        config,
        "--out",
        run,
        "--dashboard=" + port);
    assertThat(run).doesNotExist();
  }
}
