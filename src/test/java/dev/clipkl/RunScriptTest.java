package dev.clipkl;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code run.sh} in a small project with a pretended Maven and pretended JDKs. */
@DisabledOnOs(OS.WINDOWS)
class RunScriptTest {
  private static final List<String> TOOLS =
      List.of(
          "bash",
          "cat",
          "chmod",
          "cksum",
          "dirname",
          "find",
          "grep",
          "ln",
          "mkdir",
          "readlink",
          "rm",
          "sleep",
          "sort",
          "tail",
          "touch",
          "unzip");

  @TempDir private Path folder;
  private Path project;
  private Path tools;
  private Path jdks;

  private record Outcome(int exitCode, String out, String err) {}

  @BeforeEach
  void makeProject() throws IOException {
    project = Files.createDirectories(folder.resolve("a project"));
    jdks = Files.createDirectories(folder.resolve("jdks"));
    tools = Files.createDirectories(folder.resolve("tools"));
    for (String tool : TOOLS) {
      provide(tool);
    }
    Files.copy(Path.of("run.sh"), project.resolve("run.sh"));
    Files.writeString(
        project.resolve("pom.xml"), "<project><jvm.flags>--flag one</jvm.flags></project>");
    Files.createDirectories(project.resolve("src/main"));
    Files.writeString(project.resolve("src/main/A.java"), "class A {}");
    executable(
        project.resolve("mvnw"),
        """
        #!/usr/bin/env bash
        echo "$JAVA_HOME $*" >>builds
        [ ! -e broken ] || { echo "A.java:1: that does not compile"; exit 1; }
        sleep 0.3
        target=target
        for argument in "$@"; do
          case $argument in -Dbuild.folder=*) target=${argument#*=} ;; esac
        done
        mkdir -p "$target/lib"
        touch "$target/clipkl.jar"
        """);
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void withoutAJdkOneLineSaysWhatToInstall() throws Exception {
    jdk("17", "17.0.15");
    jdk("8", "1.8.0_402");
    Outcome outcome = run("--help");
    assertThat(outcome.exitCode()).isEqualTo(3);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err())
        .startsWith("clipkl: no JDK 25 or newer found: install one (https://")
        .contains("CLIPKL_JAVA_HOME")
        .hasLineCount(1);
    assertThat(project.resolve("builds")).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource({"25, 25", "25.0.3, 25.0.3", "26-ea, 26-ea", "25, 25+36"})
  void oldestSufficientJdkOfTheInstallFoldersIsTaken(String name, String version) throws Exception {
    jdk("17", "17.0.15");
    jdk(name, version);
    jdk("99", "99.0.1");
    assertThat(run("x").out()).contains(jdks.resolve(name).toString());
  }

  @Test
  void javaHomeComesBeforeTheInstallFoldersIfItWillDo() throws Exception {
    jdk("25", "25");
    Path chosen = jdk("27", "27");
    Path old = jdk("21", "21.0.1");
    assertThat(run(Map.of("JAVA_HOME", chosen.toString()), "x").out()).contains(chosen.toString());
    assertThat(run(Map.of("JAVA_HOME", old.toString()), "x").out())
        .contains(jdks.resolve("25").toString());
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void javaOnThePathIsFoundBehindItsLinks() throws Exception {
    jdk("25", "25");
    Path chosen = jdk("26", "26");
    Files.createSymbolicLink(folder.resolve("alternative"), chosen.resolve("bin/java"));
    Files.createSymbolicLink(tools.resolve("java"), Path.of("../alternative"));
    assertThat(run("x").out()).contains(chosen.toString());
  }

  @Test
  void namedJdkThatIsTooOldIsRefusedEvenIfAnotherWouldDo() throws Exception {
    jdk("25", "25");
    Path old = jdk("21", "21.0.1");
    Outcome outcome = run(Map.of("CLIPKL_JAVA_HOME", old.toString()), "x");
    assertThat(outcome.exitCode()).isEqualTo(3);
    assertThat(outcome.err())
        .isEqualTo(
            "clipkl: CLIPKL_JAVA_HOME must be the folder of a JDK 25 or newer, got %s (JDK 21)%n"
                .formatted(old));
  }

  @Test
  void runtimeWithoutACompilerIsNoJdk() throws Exception {
    Files.delete(jdk("25", "25").resolve("bin/javac"));
    Path whole = jdk("26", "26");
    assertThat(run("x").out()).contains(whole.toString());
  }

  @Test
  void jdkWithoutAReleaseFileIsAskedForItsVersion() throws Exception {
    Path home = jdk("mystery", "25.0.1");
    Files.delete(home.resolve("release"));
    assertThat(run("x").out()).contains(home.toString());
  }

  @Test
  void argumentsFolderAndExitCodeBelongToTheProgram() throws Exception {
    Path home = jdk("25", "25");
    Path elsewhere = Files.createDirectories(folder.resolve("else where"));
    Outcome outcome =
        run(elsewhere, Map.of("CLIPKL_JAVA_OPTS", "-Xmx5g"), List.of("a b", "*", "exit 7"));
    assertThat(outcome.out())
        .isEqualTo(
            """
            %s in %s
            <--flag><one><-Xmx2g><-Xmn64m><-XX:+UseParallelGC><-Dclipkl.stderr=3>\
            <-Dclipkl.home=%s><-Xmx5g><-jar>\
            <%s/target/clipkl.jar><a b><*><exit 7>
            """
                .formatted(
                    home, elsewhere.toRealPath(), project.toRealPath(), project.toRealPath()));
    assertThat(outcome.exitCode()).isEqualTo(7);
  }

  @Test
  void onlyTheWarningAboutTheVectorModuleIsDropped() throws Exception {
    jdk("25", "25");
    run("x");
    // The filter may end after the program, and Java drops what a pipe brings after that.
    Path errors = folder.resolve("errors");
    ProcessBuilder builder = builder(project, Map.of(), List.of("warn"));
    builder.redirectError(errors.toFile()).start().waitFor();
    for (int i = 0; i < 500 && Files.size(errors) == 0; i++) {
      Thread.sleep(10);
    }
    assertThat(errors).hasContent("WARNING: another\n");
  }

  @Test
  void buildHappensOnceAndAgainWhenASourceChangesOrGoes() throws Exception {
    jdk("25", "25");
    assertThat(run("x").err()).contains("the first time this downloads");
    assertThat(run("x").err()).isEmpty();
    assertThat(builds()).isEqualTo(1);

    Files.writeString(project.resolve("src/main/A.java"), "class B {}");
    assertThat(run("x").err()).contains("the sources changed");
    assertThat(builds()).isEqualTo(2);

    Files.delete(project.resolve("src/main/A.java"));
    run("x");
    assertThat(builds()).isEqualTo(3);
    run("x");
    assertThat(builds()).isEqualTo(3);
  }

  @Test
  void cudaBackendHasABuildOfItsOwnSoThatSwitchingBuildsNothing() throws Exception {
    jdk("25", "25");
    run("x");
    Outcome outcome = run("--nd4j-cuda", "x", "--nd4j-cuda");
    assertThat(outcome.err()).contains("the first time this downloads about 890 MB");
    assertThat(outcome.out())
        .contains(
            "<%s/target/nd4j-cuda/clipkl.jar><x><--nd4j-cuda>".formatted(project.toRealPath()));
    assertThat(Files.readString(project.resolve("builds"))).contains("-Pnd4j-cuda ");
    run("x");
    run("--nd4j-cuda", "x");
    assertThat(builds()).isEqualTo(2);
  }

  @Test
  void failedBuildShowsTheReasonAndIsTriedAgain() throws Exception {
    jdk("25", "25");
    Files.createFile(project.resolve("broken"));
    Outcome outcome = run("x");
    assertThat(outcome.exitCode()).isEqualTo(3);
    assertThat(outcome.err()).contains("that does not compile", "target/build.log");
    Files.delete(project.resolve("broken"));
    assertThat(run("x").exitCode()).isZero();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void twoAtOnceBuildOnce(boolean kernelLock) throws Exception {
    if (kernelLock) {
      assumeTrue(provide("flock"), "no flock on this machine");
    }
    jdk("25", "25");
    Process first = start(project, Map.of(), List.of("x"));
    Process second = start(project, Map.of(), List.of("x"));
    assertThat(finish(first).exitCode()).isZero();
    assertThat(finish(second).exitCode()).isZero();
    assertThat(builds()).isEqualTo(1);
    assertThat(run("x").exitCode()).isZero();
  }

  @Test
  void lockOfAProcessThatDiedIsTakenOver() throws Exception {
    jdk("25", "25");
    Process dead = new ProcessBuilder("true").start();
    dead.waitFor();
    Files.createDirectories(project.resolve("target"));
    Files.createSymbolicLink(
        project.resolve("target/build.owner"), Path.of(Long.toString(dead.pid())));
    assertThat(run("x").exitCode()).isZero();
    assertThat(builds()).isEqualTo(1);
  }

  @Test
  void signalReachesTheProgram() throws Exception {
    jdk("25", "25");
    run("x");
    Process process = start(project, Map.of(), List.of("wait"));
    try (BufferedReader out = process.inputReader(UTF_8)) {
      while (!"waiting".equals(out.readLine())) {
        assertThat(process.isAlive()).isTrue();
      }
      process.destroy();
      assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(process.exitValue()).isEqualTo(130);
  }

  @Test
  void testsGoToMavenAndItsExitCodeComesBack() throws Exception {
    Path home = jdk("25", "25");
    assertThat(run("test", "-Dtest=Some").exitCode()).isZero();
    assertThat(Files.readString(project.resolve("builds")))
        .startsWith(home + " -B ")
        .endsWith("-Dtest=Some verify\n");
    Files.createFile(project.resolve("broken"));
    Outcome outcome = run("test");
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.out()).contains("that does not compile");
  }

  @Test
  void benchmarksAreBuiltApartFromTheProgramAndRunInItsFolder() throws Exception {
    jdk("25", "25");
    Path classes = Files.createDirectories(project.resolve("target/bench"));
    Files.writeString(classes.resolve("classpath"), "a.jar:b.jar");
    Path elsewhere = Files.createDirectories(folder.resolve("elsewhere"));
    Outcome comparison = run(elsewhere, Map.of(), List.of("benchmarks", "--rows", "2 3"));
    assertThat(comparison.exitCode()).isZero();
    Path root = project.toRealPath();
    assertThat(comparison.out())
        .contains("in " + root + "\n")
        .endsWith(
            "<--flag><one><-Xmx2g><-Xmn64m><-XX:+UseParallelGC><-cp><%1$s/test-classes:%1$s/classes:a.jar:b.jar><dev.clipkl.comparison.Comparison><--rows><2 3>%n"
                .formatted(root.resolve("target/bench")));
    assertThat(Files.readString(project.resolve("builds"))).contains("-Pbench");
    assertThat(run("benchmarks", "jmh", "-l").out())
        .endsWith("<org.openjdk.jmh.Main><-l>" + System.lineSeparator());
    Files.createFile(project.resolve("broken"));
    Outcome broken = run("benchmarks");
    assertThat(broken.exitCode()).isEqualTo(3);
    assertThat(broken.err()).contains("that does not compile", "target/build.log");
  }

  /** A JDK whose java tells what it was given, and plays the program. */
  private Path jdk(String name, String version) throws IOException {
    Path home = jdks.resolve(name);
    Files.createDirectories(home.resolve("bin"));
    Files.writeString(
        home.resolve("release"), "IMPLEMENTOR=\"X\"\nJAVA_VERSION=\"%s\"\n".formatted(version));
    executable(home.resolve("bin/javac"), "#!/usr/bin/env bash\n");
    executable(
        home.resolve("bin/java"),
        """
        #!/usr/bin/env bash
        case "$*" in
          -version) echo 'openjdk version "%s" 2025-09-16' >&2 ;;
          *warn)
            echo "WARNING: Using incubator modules: jdk.incubator.vector" >&2
            echo "WARNING: another" >&2 ;;
          *wait)
            trap 'exit 130' TERM
            echo waiting
            while :; do sleep 0.05; done ;;
          *)
            echo "%s in $PWD"
            printf '<%%s>' "$@"
            echo ;;
        esac
        case "$*" in *'exit 7') exit 7 ;; esac
        """
            .formatted(version, home));
    return home;
  }

  private Outcome run(String... arguments) throws Exception {
    return run(Map.of(), arguments);
  }

  private Outcome run(Map<String, String> environment, String... arguments) throws Exception {
    return run(project, environment, List.of(arguments));
  }

  private Outcome run(Path from, Map<String, String> environment, List<String> arguments)
      throws Exception {
    return finish(start(from, environment, arguments));
  }

  private Process start(Path from, Map<String, String> environment, List<String> arguments)
      throws IOException {
    return builder(from, environment, arguments).start();
  }

  private ProcessBuilder builder(
      Path from, Map<String, String> environment, List<String> arguments) {
    List<String> command = new ArrayList<>(List.of(project.resolve("run.sh").toString()));
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command).directory(from.toFile());
    builder.environment().clear();
    builder.environment().put("PATH", tools.toString());
    builder.environment().put("HOME", folder.toString());
    builder.environment().put("CLIPKL_JDK_FOLDERS", jdks.toString());
    builder.environment().putAll(environment);
    return builder;
  }

  private static Outcome finish(Process process) throws Exception {
    String out = new String(process.getInputStream().readAllBytes(), UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), UTF_8);
    return new Outcome(process.waitFor(), out, err);
  }

  private int builds() throws IOException {
    return Files.readAllLines(project.resolve("builds")).size();
  }

  /** Makes a tool of this machine available; whether it is here. */
  private boolean provide(String tool) throws IOException {
    for (String place : System.getenv("PATH").split(":", -1)) {
      Path candidate = Path.of(place, tool);
      if (Files.isExecutable(candidate)) {
        executable(tools.resolve(tool), "#!/bin/sh\nexec %s \"$@\"\n".formatted(candidate));
        return true;
      }
    }
    return false;
  }

  private static void executable(Path file, String text) throws IOException {
    Files.writeString(file, text);
    assertThat(file.toFile().setExecutable(true)).isTrue();
  }
}
