package dev.clipkl.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryBudgetTest {
  private static final long GIBIBYTE = 1L << 30;

  @TempDir Path root;

  private void write(String file, String text) throws IOException {
    Path path = root.resolve(file);
    Files.createDirectories(path.resolveSibling("."));
    Files.writeString(path, text);
  }

  @ParameterizedTest
  @CsvSource({
    "0B, 0",
    "6GB, 6000000000",
    "512MiB, 536870912",
    "1.5 GiB, 1610612736",
    "10kb, 10000",
    "1tib, 1099511627776",
    "7B, 7",
  })
  void sizesAreRead(String text, long bytes) {
    assertThat(ByteSize.parse(text)).contains(bytes);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "6", "6G", "GB", "-6GB", "6 XB", "1e3B", "99999999999TB", "auto"})
  void otherTextIsNoSize(String text) {
    assertThat(ByteSize.parse(text)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "1023, 1023 B",
    "1024, 1.0 KiB",
    "1048575, 1.0 MiB",
    "1610612736, 1.5 GiB",
    "9223372036854775807, 8.0 EiB",
  })
  void sizesAreWritten(long bytes, String text) {
    assertThat(ByteSize.format(bytes)).isEqualTo(text);
  }

  @Test
  void runThatFitsIsAccepted() {
    MemoryBudget.parse("6GB")
        .require(List.of(new MemoryBudget.Item("logits", 6_000_000_000L)), "use fewer prompts");
  }

  @Test
  void runThatDoesNotFitIsRefusedItemByItem() {
    MemoryBudget budget = new MemoryBudget(3 * GIBIBYTE, "MemAvailable");
    assertThatThrownBy(() ->
            budget.require(
                List.of(
                    new MemoryBudget.Item("policy logits", 2 * GIBIBYTE),
                    new MemoryBudget.Item("reference", 3 * GIBIBYTE / 2)),
                "use fewer prompts"))
        .isInstanceOf(EnvironmentException.class)
        .hasMessage(
            "this run needs 3.5 GiB of memory (policy logits 2.0 GiB, reference 1.5 GiB), 3.0 GiB"
                + " are available (MemAvailable); use fewer prompts");
  }

  @Test
  void needsBeyondALongAreRefused() {
    assertThatThrownBy(() ->
            MemoryBudget.parse("1GiB")
                .require(
                    List.of(
                        new MemoryBudget.Item("a", Long.MAX_VALUE),
                        new MemoryBudget.Item("b", Long.MAX_VALUE)),
                    "use fewer prompts"))
        .isInstanceOf(EnvironmentException.class)
        .hasMessageStartingWith("this run needs 8.0 EiB of memory (a 8.0 EiB, b 8.0 EiB), ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"lots", "0GB", "-1GB"})
  void otherTextIsNoBudget(String text) {
    assertThatThrownBy(() -> MemoryBudget.parse(text))
        .isInstanceOf(InputException.class)
        .hasMessage("memory: expected auto or a size such as 6GB or 512MiB, got " + text);
  }

  @Test
  void thisMachineHasMemory() {
    assertThat(MemoryBudget.parse("auto").bytes()).isPositive();
  }

  @Test
  void availableMemoryIsReadFromMeminfo() throws IOException {
    write("proc/meminfo", "MemTotal:  9 kB\nMemAvailable:   2048 kB\nMemFree: 1 kB\n");
    assertThat(LinuxMemory.available(root)).contains(new MemoryBudget(2 << 20, "MemAvailable"));
  }

  @Test
  void groupAboveTheProcessesOwnLimitsItToo() throws IOException {
    write("proc/meminfo", "MemAvailable: 999999999 kB\n");
    write("proc/self/cgroup", "0::/job/step\n");
    write("sys/fs/cgroup/job/step/memory.max", "max\n");
    write("sys/fs/cgroup/job/step/memory.current", "5\n");
    write("sys/fs/cgroup/job/memory.max", "3221225472\n");
    write("sys/fs/cgroup/job/memory.current", "2147483648\n");
    write("sys/fs/cgroup/job/memory.stat", "anon 1\ninactive_file 1073741824\nfile 9\n");
    assertThat(LinuxMemory.available(root))
        .contains(new MemoryBudget(2 * GIBIBYTE, "control group limit 3.0 GiB"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "/host/path/not/mounted/here", "/../../elsewhere"})
  void containersOwnGroupIsFoundAtTheMount(String path) throws IOException {
    write("proc/self/cgroup", "0::" + path + "\n");
    write("sys/fs/cgroup/memory.max", "2048\n");
    write("sys/fs/cgroup/memory.current", "1024\n");
    assertThat(LinuxMemory.available(root))
        .contains(new MemoryBudget(1024, "control group limit 2.0 KiB"));
  }

  @Test
  void versionOneGroupsAreRead() throws IOException {
    write("proc/self/cgroup", "11:cpu,cpuacct:/a\n7:memory:/a\n1:name=systemd:/a\n");
    write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    write("sys/fs/cgroup/memory/memory.usage_in_bytes", "100\n");
    write("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "4096\n");
    write("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "3072\n");
    write("sys/fs/cgroup/memory/a/memory.stat", "inactive_file 1\ntotal_inactive_file 1024\n");
    assertThat(LinuxMemory.available(root))
        .contains(new MemoryBudget(2048, "control group limit 4.0 KiB"));
  }

  @Test
  void otherSystemsHaveNoSuchFiles() {
    assertThat(LinuxMemory.available(root)).isEmpty();
  }
}
