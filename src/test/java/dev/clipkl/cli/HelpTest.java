package dev.clipkl.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.clipkl.config.ConfigReference;
import dev.clipkl.config.RunConfig;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/** What the program says about itself. */
class HelpTest {
  private static final String START = "  ./run.sh ";
  private static final Path BASH = Path.of("/bin/bash");

  @TempDir private Path folder;

  static Stream<CommandLine> commands() {
    return all(new CommandLine(new ClipklCommand())).filter(HelpTest::isOurs);
  }

  private static Stream<CommandLine> all(CommandLine command) {
    return Stream.concat(
        Stream.of(command), command.getSubcommands().values().stream().flatMap(HelpTest::all));
  }

  private static boolean isOurs(CommandLine command) {
    return !command.getCommandName().equals("help");
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyExampleInTheHelpIsACommandLineThatTheProgramTakes(CommandLine command) {
    List<String> examples =
        Arrays.stream(command.getCommandSpec().usageMessage().footer())
            .filter(line -> line.startsWith(START))
            .toList();
    if (!command.getCommandName().equals("completion")) {
      assertThat(examples).isNotEmpty();
    }
    for (String example : examples) {
      assertThatCode(() ->
              new CommandLine(new ClipklCommand())
                  .setCaseInsensitiveEnumValuesAllowed(true)
                  .parseArgs(words(example.substring(START.length()))))
          .as(example)
          .doesNotThrowAnyException();
    }
  }

  private static String[] words(String line) {
    return Pattern.compile("\"([^\"]*)\"|(\\S+)")
        .matcher(line)
        .results()
        .map((MatchResult word) -> word.group(1) == null ? word.group(2) : word.group(1))
        .toArray(String[]::new);
  }

  @Test
  void helpCommandPrintsWhatTheOptionDoes() {
    CommandLineFixture clipkl = new CommandLineFixture(folder);
    assertThat(clipkl.run("help", "train")).isZero();
    String help = clipkl.out();
    assertThat(clipkl.run("train", "--help")).isZero();
    assertThat(clipkl.out()).isEqualTo(help).contains("Exit codes:", "Examples:");
  }

  @Test
  void configDescribesEveryKey() {
    CommandLineFixture clipkl = new CommandLineFixture(folder);
    assertThat(clipkl.run("config")).isZero();
    assertThat(clipkl.out().lines().map(line -> line.replaceFirst(" .*", "")))
        .containsAll(ConfigReference.entries().stream().map(ConfigReference.Entry::key).toList());
    assertThat(clipkl.run("config", "--markdown")).isZero();
    assertThat(clipkl.out()).isEqualTo(ConfigReference.markdown());
  }

  @Test
  void configPrintsAFileWithItsDefaultsAndOverrides() {
    CommandLineFixture clipkl = new CommandLineFixture(folder);
    assertThat(clipkl.run("config", "examples/demo.yaml", "--set", "objective.lambda=0.25"))
        .isZero();
    RunConfig printed = RunConfig.parse(clipkl.out(), "printed", "demo", List.of());
    assertThat(printed)
        .isEqualTo(RunConfig.read(Path.of("examples/demo.yaml"), List.of("objective.lambda=0.25")));
  }

  @Test
  void configRefusesWhatItCannotUse() throws IOException {
    CommandLineFixture clipkl = new CommandLineFixture(folder);
    String usage = " (usage: clipkl config --help)";
    clipkl.refuses(
        "--set needs the CONFIG.yaml whose keys it overrides" + usage,
        "config",
        "--set",
        "objective.lambda=1");
    clipkl.refuses(
        "--markdown describes the keys, without CONFIG.yaml" + usage,
        "config",
        "examples/demo.yaml",
        "--markdown");
    Path wrong = clipkl.file("wrong.yaml", "objective: {lambda: -1, clip: 3}\n");
    assertThat(clipkl.run("config", wrong)).isEqualTo(2);
    assertThat(clipkl.err()).contains("objective.lambda must be", "objective.clip");
    assertThat(clipkl.out()).isEmpty();
  }

  @Test
  void bashCompletesCommandsAndOptionsOfTheStartScript() throws Exception {
    assumeTrue(Files.isExecutable(BASH), "no bash here");
    CommandLineFixture clipkl = new CommandLineFixture(folder);
    assertThat(clipkl.run("completion")).isZero();
    Path script = clipkl.file("completion.bash", clipkl.out());
    assertThat(completions(script, "./run.sh", "cert")).contains("certify");
    assertThat(completions(script, "./run.sh", "train", "--re")).contains("--resume");
  }

  /** What bash offers for the last word, by the function that it has for the first one. */
  private static List<String> completions(Path script, String... words) throws Exception {
    String test =
        """
        source "$0"
        compopt() { :; }
        registered=$(complete -p "$(basename "$1")")
        [[ $registered =~ -F\\ ([^ ]+) ]]
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        "${BASH_REMATCH[1]}" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\\n' "${COMPREPLY[@]}"
        """;
    Stream<String> command =
        Stream.concat(
            Stream.of(BASH.toString(), "-c", test, script.toString()), Arrays.stream(words));
    Process bash = new ProcessBuilder(command.toList()).redirectErrorStream(true).start();
    String printed = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(bash.waitFor()).as(printed).isZero();
    return printed.lines().toList();
  }
}
