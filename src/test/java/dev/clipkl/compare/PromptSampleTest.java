package dev.clipkl.compare;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.config.RunConfig;
import dev.clipkl.language.Prompt;
import dev.clipkl.language.Prompts;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PromptSampleTest {
  @TempDir private Path folder;

  private static List<Prompt> prompts(int count) {
    return IntStream.range(0, count).mapToObj(i -> new Prompt("prompt " + i, i + 0.5)).toList();
  }

  @Test
  void subsetKeepsOrderAndWeightsAndDependsOnTheSeedAlone() {
    List<Prompt> all = prompts(50);
    List<Prompt> drawn = PromptSample.draw(all, 20, 3);
    assertThat(drawn).hasSize(20).doesNotHaveDuplicates().isSubsetOf(all);
    assertThat(drawn).isSortedAccordingTo((x, y) -> Double.compare(x.weight(), y.weight()));
    assertThat(PromptSample.draw(all, 20, 3)).isEqualTo(drawn);
    assertThat(PromptSample.draw(all, 20, 4)).isNotEqualTo(drawn);
    assertThat(PromptSample.draw(all, 50, 4)).isEqualTo(all);
  }

  @Test
  void everyPromptCanBeDrawn() {
    Set<Prompt> drawn = new HashSet<>();
    for (int seed = 0; seed < 100; seed++) {
      drawn.addAll(PromptSample.draw(prompts(10), 1, seed));
    }
    assertThat(drawn).hasSize(10);
  }

  @Test
  void hostilePromptsComeBackAsTheyWere() throws Exception {
    List<String> lines =
        List.of(
            "{\"prompt\": \"quote \\\" back \\\\ slash\", \"weight\": 0.1}",
            "{\"prompt\": \"two\\nlines\\r\\n\\u2028\\u0000\"}",
            "{\"prompt\": \"a comma, a ; a 'quote' = {x: [1]}\"}",
            "{\"prompt\": \"\\ud83d\\ude00 und ä\"}",
            "{\"prompt\": \"half a pair \\ud83d\"}",
            "{\"prompt\": \" x \"}");
    Path source = folder.resolve("prompts.jsonl");
    Files.writeString(source, String.join("\n", lines) + "\n");
    RunConfig config =
        RunConfig.parse(
            """
            problem: {prompts: '%s', tokenizer: t, reference: q, reward: r}
            compare: {prompt-sample: {count: 6, seeds: [9]}}
            """
                .formatted(source),
            "test",
            "test",
            List.of());
    Path out = folder.resolve("it's a folder, with {odd} = names #");
    Map<Integer, Path> files = PromptSample.files(config, out);
    Path drawn = Objects.requireNonNull(files.get(9));
    PromptSample.write(config, files);
    List<Prompt> expected = new ArrayList<>(Prompts.read(source));
    assertThat(Prompts.read(drawn)).isEqualTo(expected);
    // The path, too, gets through the settings of a run.
    RunPlanner planner = new RunPlanner(config);
    planner.addSweep(files);
    assertThat(planner.runs())
        .singleElement()
        .satisfies(run -> assertThat(run.config().problem().prompts()).contains(drawn));
  }
}
