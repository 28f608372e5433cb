package dev.clipkl.training;

import dev.clipkl.config.RunConfig;
import dev.clipkl.config.StartDistribution;
import dev.clipkl.failure.InputException;
import dev.clipkl.language.DenseReference;
import dev.clipkl.language.DenseRewards;
import dev.clipkl.table.ColumnGroups;
import dev.clipkl.table.SafetensorsFile;
import dev.clipkl.table.Tensor;
import java.util.Optional;

/**
 * A whole sequence problem in a safetensors file: {@code reference_log_probs} or {@code
 * reference_logits} {@code [classes, tokens]}, {@code rewards} {@code [classes, tokens]} or {@code
 * [tokens]}, {@code class_map} {@code [tokens]}, the row that each token leads to, -1 where it ends
 * the text, and optionally {@code start} {@code [classes]} and {@code initial_logits} {@code
 * [states, tokens]}.
 */
@SuppressWarnings("ArrayRecordComponent") // Read by one owner, never compared.
record SequenceImport(
    DenseReference reference,
    DenseRewards rewards,
    ColumnGroups classes,
    double[] startWeights,
    Optional<Tensor> initialLogits) {
  private static final int END = -1;

  /**
   * Checks what a file holds; no table is read yet.
   *
   * @param layers rows of each class
   * @throws InputException when a tensor is missing or misshapen, or a class is out of reach
   */
  static SequenceImport of(SafetensorsFile file, RunConfig config, int layers) {
    DenseReference reference = DenseReference.of(file);
    DenseRewards rewards = DenseRewards.of(file);
    int classCount = Math.toIntExact(reference.rows());
    int tokens = reference.vocabularySize();
    ProblemTables.requireColumns(file.path(), rewards, reference);
    rewards.checkRows(classCount);
    ColumnGroups classes = classMap(file, classCount, tokens);
    StartDistribution kind = config.problem().start();
    double[] startWeights = ProblemTables.startWeights(file, kind, classCount);
    requireReachable(file, classes, startWeights, kind);
    Optional<Tensor> initial = file.find("initial_logits");
    initial.ifPresent(tensor -> tensor.requireShape((long) layers * classCount, tokens));
    return new SequenceImport(reference, rewards, classes, startWeights, initial);
  }

  private static ColumnGroups classMap(SafetensorsFile file, int classes, int tokens) {
    Tensor tensor = file.tensor("class_map");
    tensor.requireShape(tokens);
    long[] map = new long[tokens];
    tensor.readLongs(0, map, tokens);
    int[] classOf = new int[tokens];
    for (int token = 0; token < tokens; token++) {
      if (map[token] < END || map[token] >= classes) {
        throw new InputException(
            "%s: class_map[%d] must be -1 (ends the text) or in [0, %d), got %d"
                .formatted(file.path(), token, classes, map[token]));
      }
      classOf[token] = (int) map[token];
    }
    return new ColumnGroups(classes, classOf);
  }

  /** A class that no token leads to is a mistake, unless the file says that texts start there. */
  private static void requireReachable(
      SafetensorsFile file, ColumnGroups classes, double[] startWeights, StartDistribution kind) {
    boolean startsAnywhere = file.find("start").isPresent() && kind == StartDistribution.WEIGHTS;
    int[] sizes = classes.sizes();
    for (int c = 0; c < sizes.length; c++) {
      if (sizes[c] == 0 && !(startsAnywhere && startWeights[c] > 0.0)) {
        throw new InputException(
            "%s: class %d is unreachable: no token of class_map leads to it, and start gives it no"
                    .formatted(file.path(), c)
                + " weight");
      }
    }
  }
}
