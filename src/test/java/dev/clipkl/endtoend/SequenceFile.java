package dev.clipkl.endtoend;

import dev.clipkl.table.SafetensorsWriter;
import dev.clipkl.table.SafetensorsWriter.Declaration;
import dev.clipkl.table.TensorType;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Token MDPs as import files. */
public final class SequenceFile {
  private SequenceFile() {}

  /**
   * A random process in float32: normally distributed reference logits, rewards in [0, 1), the last
   * token ends the text.
   */
  public static Path write(Path path, int classes, int tokens, long seed) {
    Random random = new Random(seed);
    int[] map = new int[tokens];
    for (int token = 0; token < tokens; token++) {
      map[token] = token < classes ? token : random.nextInt(classes);
    }
    map[tokens - 1] = -1;
    return write(path, classes, map, random);
  }

  /** The same with these classes. */
  public static Path write(Path path, int classes, int[] map, Random random) {
    int tokens = map.length;
    try (SafetensorsWriter writer =
        SafetensorsWriter.open(
            path,
            Map.of(),
            List.of(
                new Declaration("reference_logits", TensorType.F32, classes, tokens),
                new Declaration("rewards", TensorType.F32, classes, tokens),
                new Declaration("class_map", TensorType.I32, tokens)))) {
      float[] row = new float[tokens];
      for (int c = 0; c < classes; c++) {
        for (int token = 0; token < tokens; token++) {
          row[token] = (float) (1.5 * random.nextGaussian());
        }
        writer.writeFloats(row, tokens);
      }
      for (int c = 0; c < classes; c++) {
        for (int token = 0; token < tokens; token++) {
          row[token] = random.nextFloat();
        }
        writer.writeFloats(row, tokens);
      }
      writer.writeInts(map, tokens);
      writer.commit();
    }
    return path;
  }
}
