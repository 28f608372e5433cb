package dev.clipkl.engine.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Results are the same bits whatever the processor's vectors. Vectors that it lacks are computed by
 * the JDK's own Java code.
 */
final class LaneWidthTest {

  @Test
  void contractHoldsWithEqualBitsAtFourEightAndSixteenLanes() throws Exception {
    Map<Integer, Process> processes = new TreeMap<>();
    for (int lanes : new int[] {4, 8, 16}) {
      processes.put(lanes, start(lanes * Float.SIZE));
    }
    String expected = "digest " + LaneWidthProbe.digest();
    for (Map.Entry<Integer, Process> entry : processes.entrySet()) {
      List<String> output = lines(entry.getValue());
      assertThat(output)
          .as("%d lanes", entry.getKey())
          .contains("lanes " + entry.getKey(), expected, "failures 0")
          .anyMatch(line -> line.matches("contract [1-9]\\d+"));
    }
  }

  private static Process start(int bits) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(flag -> flag.startsWith("--"))
        .forEach(command::add);
    command.addAll(
        List.of(
            "-Xmx1g",
            "-XX:+UseSerialGC",
            "-Dclipkl.vector-bits=" + bits,
            "-cp",
            System.getProperty("java.class.path"),
            LaneWidthProbe.class.getName()));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static List<String> lines(Process process) throws IOException, InterruptedException {
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return output.lines().toList();
  }
}
