package dev.clipkl.endtoend;

import dev.clipkl.table.SafetensorsFile;
import dev.clipkl.table.SafetensorsWriter;
import dev.clipkl.table.SafetensorsWriter.Declaration;
import dev.clipkl.table.TensorType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A random bandit as an import file, with its exact tables.
 *
 * @param logReference normalised log-probabilities, {@code [states, actions]}, from the stored
 *     numbers in float64
 * @param rewards {@code [states, actions]}, the stored numbers
 */
@SuppressWarnings("ArrayRecordComponent") // Tables to read, never compared.
public record BanditFile(Path path, double[][] logReference, double[][] rewards) {
  private static final double REFERENCE_DEVIATION = 1.5;

  /** Log-normal reference probabilities and uniform rewards in [0, 1), both stored as a type. */
  public static BanditFile write(Path path, int states, int actions, TensorType type, long seed) {
    Random random = new Random(seed);
    double[][] logReference = new double[states][actions];
    double[][] rewards = new double[states][actions];
    List<Declaration> tensors = new ArrayList<>();
    tensors.add(new Declaration("reference_log_probs", type, states, actions));
    tensors.add(new Declaration("rewards", type, states, actions));
    try (SafetensorsWriter writer = SafetensorsWriter.open(path, Map.of(), tensors)) {
      for (double[] row : logReference) {
        for (int a = 0; a < actions; a++) {
          row[a] = REFERENCE_DEVIATION * random.nextGaussian();
        }
        normalize(row);
        store(row, type);
        writer.writeDoubles(row, actions);
        normalize(row);
      }
      for (double[] row : rewards) {
        for (int a = 0; a < actions; a++) {
          row[a] = random.nextDouble();
        }
        store(row, type);
        writer.writeDoubles(row, actions);
      }
      writer.commit();
    }
    return new BanditFile(path, logReference, rewards);
  }

  /** These tables and start weights, stored in float64. */
  public static Path write(Path path, double[][] logReference, double[][] rewards, double[] start) {
    int states = logReference.length;
    int actions = logReference[0].length;
    List<Declaration> tensors =
        List.of(
            new Declaration("reference_log_probs", TensorType.F64, states, actions),
            new Declaration("rewards", TensorType.F64, states, actions),
            new Declaration("start", TensorType.F64, states));
    try (SafetensorsWriter writer = SafetensorsWriter.open(path, Map.of(), tensors)) {
      for (double[] row : logReference) {
        writer.writeDoubles(row, actions);
      }
      for (double[] row : rewards) {
        writer.writeDoubles(row, actions);
      }
      writer.writeDoubles(start, states);
      writer.commit();
    }
    return path;
  }

  /** Makes every number one that the type holds exactly; for BF16 by cutting, not rounding. */
  private static void store(double[] row, TensorType type) {
    for (int a = 0; a < row.length; a++) {
      float value = (float) row[a];
      row[a] =
          switch (type) {
            case F32 -> value;
            case BF16 -> Float.intBitsToFloat(Float.floatToRawIntBits(value) & 0xffff0000);
            default -> throw new IllegalArgumentException("no fixture of type " + type);
          };
    }
  }

  /** {@code x_a - log sum_b exp(x_b)}, in place. */
  static void normalize(double[] row) {
    double largest = Double.NEGATIVE_INFINITY;
    for (double x : row) {
      largest = Math.max(largest, x);
    }
    double sum = 0.0;
    for (double x : row) {
      sum += Math.exp(x - largest);
    }
    double logNormalizer = largest + Math.log(sum);
    for (int a = 0; a < row.length; a++) {
      row[a] -= logNormalizer;
    }
  }

  /** Log-probabilities of a trained policy, {@code [states, actions]}. */
  static double[][] policy(Path runDirectory) {
    try (SafetensorsFile file = SafetensorsFile.open(runDirectory.resolve("policy.safetensors"))) {
      long[] shape = file.tensor("logits").shape();
      double[][] rows = new double[(int) shape[0]][(int) shape[1]];
      for (int s = 0; s < rows.length; s++) {
        file.tensor("logits").readDoubles(s * shape[1], rows[s], rows[s].length);
        normalize(rows[s]);
      }
      return rows;
    }
  }
}
