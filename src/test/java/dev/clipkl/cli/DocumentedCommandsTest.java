package dev.clipkl.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class DocumentedCommandsTest {

  @Test
  void readmeNamesEveryCommandAndNoOther() throws IOException {
    String readme = Files.readString(Path.of("README.md"));
    String sentence =
        readme
            .substring(readme.indexOf("## Commands and exit codes"))
            .lines()
            .filter(line -> line.startsWith("`"))
            .findFirst()
            .orElseThrow();
    List<String> named =
        Pattern.compile("`([a-z ]+)`")
            .matcher(sentence.substring(0, sentence.indexOf("; each")))
            .results()
            .map(name -> name.group(1))
            .toList();
    assertThat(named)
        .containsExactlyInAnyOrderElementsOf(
            commands("", new CommandLine(new ClipklCommand())).toList());
  }

  /** The commands that do something: those without subcommands. */
  private static Stream<String> commands(String path, CommandLine command) {
    return command.getSubcommands().entrySet().stream()
        .flatMap(entry -> {
          String name = path + entry.getKey();
          return entry.getValue().getSubcommands().isEmpty()
              ? Stream.of(name)
              : commands(name + " ", entry.getValue());
        });
  }
}
