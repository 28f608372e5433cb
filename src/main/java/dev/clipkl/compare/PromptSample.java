package dev.clipkl.compare;

import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.clipkl.config.RunConfig;
import dev.clipkl.failure.InputException;
import dev.clipkl.language.NGramReference;
import dev.clipkl.language.Prompt;
import dev.clipkl.language.Prompts;
import dev.clipkl.language.ReferenceFile;
import dev.clipkl.language.RewardFile;
import dev.clipkl.language.Tokenizers;
import dev.clipkl.table.AtomicFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/** Random subsets of a problem's prompts, as prompt files of their own. */
final class PromptSample {
  /** Half a surrogate pair has no UTF-8; escaped it stays what it was. */
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

  private PromptSample() {}

  /** Where the subsets of a configuration lie, by seed; none where it asks for none. */
  static Map<Integer, Path> files(RunConfig config, Path folder) {
    Map<Integer, Path> files = new LinkedHashMap<>();
    if (config.compare().promptCount() > 0) {
      for (int seed : config.compare().promptSeeds()) {
        files.put(seed, folder.resolve("prompts").resolve("seed-%d.jsonl".formatted(seed)));
      }
    }
    return files;
  }

  /**
   * Checks that subsets can be drawn.
   *
   * @throws InputException when there are too few prompts, or reference or reward have a row of
   *     their own for each
   */
  static void check(RunConfig config) {
    int count = config.compare().promptCount();
    if (count == 0) {
      return;
    }
    RunConfig.Problem problem = config.problem();
    Path promptFile = problem.prompts().orElseThrow();
    int prompts = Prompts.read(promptFile).size();
    if (count > prompts) {
      throw new InputException(
          "compare.prompt-sample.count must be at most the %d prompts of %s, got %d"
              .formatted(prompts, promptFile, count));
    }
    try (ReferenceFile reference = ReferenceFile.open(problem.reference().orElseThrow());
        RewardFile reward =
            RewardFile.open(
                problem.reward().orElseThrow(),
                Tokenizers.open(problem.tokenizer().orElseThrow()))) {
      if (!(reference instanceof NGramReference)) {
        throw new InputException(
            "compare.prompt-sample needs an n-gram model as problem.reference, got %s"
                .formatted(reference.description()));
      }
      if (!reward.isOneRow()) {
        throw new InputException(
            "compare.prompt-sample needs one reward for all prompts, got %s"
                .formatted(reward.description()));
      }
    }
  }

  /** Writes those subsets that are not there yet. */
  static void write(RunConfig config, Map<Integer, Path> files) {
    for (Map.Entry<Integer, Path> file : files.entrySet()) {
      if (Files.exists(file.getValue())) {
        continue;
      }
      try {
        Files.createDirectories(file.getValue().resolveSibling(""));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      List<Prompt> drawn =
          draw(
              Prompts.read(config.problem().prompts().orElseThrow()),
              config.compare().promptCount(),
              file.getKey());
      StringBuilder lines = new StringBuilder();
      for (Prompt prompt : drawn) {
        ObjectNode line = JSON.createObjectNode();
        line.put("prompt", prompt.text());
        line.put("weight", prompt.weight());
        try {
          lines.append(JSON.writeValueAsString(line)).append('\n');
        } catch (IOException e) {
          throw new IllegalStateException("a tree of plain values can be written", e);
        }
      }
      AtomicFile.writeString(file.getValue(), lines.toString());
    }
  }

  /** A random subset in the order of the prompts, each subset of this size as likely. */
  static List<Prompt> draw(List<Prompt> prompts, int count, int seed) {
    List<Integer> order = new ArrayList<>(IntStream.range(0, prompts.size()).boxed().toList());
    Collections.shuffle(order, new Random(seed));
    return order.subList(0, count).stream().sorted().map(prompts::get).toList();
  }
}
