package dev.clipkl.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.table.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Who does not ask for ND4J does not wait for it: no class of it, nor of JavaCPP, which unpacks its
 * machine code, is loaded. The same holds for a tracking server and the dashboard.
 */
class LazyEngineTest {
  private static final long SEED = 31;
  private static final Pattern LOADED = Pattern.compile("^\\S*\\[class,load\\S*\\s+([\\w.$/]+) ");

  @TempDir Path folder;

  /** A command line, a class that it must have loaded, and the list of its classes. */
  private record Started(ClipklProcess process, Path classes, String expected) {}

  @Test
  void commandsLoadNothingThatTheyWereNotAskedFor() throws Exception {
    Path bandit = folder.resolve("bandit.safetensors");
    BanditFile.write(bandit, 2, 100, TensorType.F32, SEED);
    Path config =
        RunFiles.write(folder.resolve("run.yaml"), "problem: {import: %s}".formatted(bandit));
    String vector = "dev.clipkl.engine.vector.VectorArithmetic";
    List<Started> all = new ArrayList<>();
    try {
      all.add(start(vector, "train", config.toString(), "--out", folder.resolve("a").toString()));
      all.add(
          start(
              vector,
              "train",
              config.toString(),
              "--out",
              folder.resolve("b").toString(),
              "--set",
              "run.engine=vector"));
      all.add(start("dev.clipkl.engine.nd4j.Nd4jStart", "doctor"));
      all.add(start("dev.clipkl.cli.ClipklCommand", "--help"));
      for (Started started : all) {
        assertThat(started.process.waitFor()).as(started.process.output()).isZero();
        List<String> classes = classes(started.classes);
        assertThat(classes.contains(started.expected)).as(started.expected).isTrue();
        assertThat(classes.stream().filter(LazyEngineTest::isUnasked)).isEmpty();
      }
    } finally {
      all.forEach(started -> started.process.close());
    }
  }

  private static boolean isUnasked(String name) {
    return Stream.of("org.nd4j.", "org.bytedeco.", "org.mlflow.", "com.sun.net.httpserver.")
        .anyMatch(name::startsWith);
  }

  private Started start(String expected, String... arguments) throws IOException {
    Path output = Files.createTempFile(folder, "output", ".txt");
    Path classes = Files.createTempFile(folder, "classes", ".txt");
    // The second compiler would not pay in a second.
    List<String> options = List.of("-XX:TieredStopAtLevel=1", "-Xlog:class+load:file=" + classes);
    ClipklProcess process = ClipklProcess.start(output, Path.of(""), options, arguments);
    return new Started(process, classes, expected);
  }

  private static List<String> classes(Path log) throws IOException {
    try (Stream<String> lines = Files.lines(log)) {
      return lines.map(LOADED::matcher).filter(Matcher::find).map(line -> line.group(1)).toList();
    }
  }
}
