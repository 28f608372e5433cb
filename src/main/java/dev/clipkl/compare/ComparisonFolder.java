package dev.clipkl.compare;

import dev.clipkl.training.HeldFolder;
import java.nio.file.Path;

/**
 * The folder of a comparison: {@code compare.yaml} is the resolved configuration, {@code plan.json}
 * what it found out before training, {@code prompts/} the subsets of prompts, {@code runs/} a run
 * directory each, and at the end {@code comparison.json}, {@code results.csv}, {@code
 * results.jsonl}.
 *
 * @param path the folder
 */
record ComparisonFolder(Path path) {
  static final HeldFolder.Kind KIND =
      new HeldFolder.Kind("compare.yaml", "a comparison", "compare --resume");

  Path configuration() {
    return path.resolve(KIND.configurationName());
  }

  Path plan() {
    return path.resolve("plan.json");
  }

  Path runs() {
    return path.resolve("runs");
  }

  Path comparison() {
    return path.resolve(ComparisonFile.NAME);
  }

  Path csv() {
    return path.resolve("results.csv");
  }

  Path jsonLines() {
    return path.resolve("results.jsonl");
  }
}
