package dev.clipkl.problem;

import dev.clipkl.table.SafetensorsWriter;
import dev.clipkl.table.SafetensorsWriter.Declaration;
import dev.clipkl.table.TensorType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Finite MDPs as import files, in float64. */
public final class MdpFile {
  private MdpFile() {}

  /** Writes a process; {@code initialLogits} may be null. */
  public static Path write(Path path, FiniteMdp mdp, double @Nullable [][] initialLogits) {
    int states = mdp.states();
    int actions = mdp.actions();
    List<Declaration> tensors = new ArrayList<>();
    tensors.add(new Declaration("transitions", TensorType.F64, states, actions, states));
    tensors.add(new Declaration("rewards", TensorType.F64, states, actions));
    tensors.add(new Declaration("reference", TensorType.F64, states, actions));
    tensors.add(new Declaration("start", TensorType.F64, states));
    if (initialLogits != null) {
      tensors.add(new Declaration("initial_logits", TensorType.F64, states, actions));
    }
    try (SafetensorsWriter writer = SafetensorsWriter.open(path, Map.of(), tensors)) {
      double[] next = new double[states];
      for (int s = 0; s < states; s++) {
        for (int a = 0; a < actions; a++) {
          mdp.readTransitions(s, a, next);
          writer.writeDoubles(next, states);
        }
      }
      double[] row = new double[actions];
      for (int s = 0; s < states; s++) {
        mdp.rewards().readRow(s, row);
        writer.writeDoubles(row, actions);
      }
      for (int s = 0; s < states; s++) {
        mdp.reference().readRow(s, row);
        for (int a = 0; a < actions; a++) {
          row[a] = Math.exp(row[a]);
        }
        writer.writeDoubles(row, actions);
      }
      writer.writeDoubles(mdp.startDistribution(), states);
      if (initialLogits != null) {
        for (double[] logits : initialLogits) {
          writer.writeDoubles(logits, actions);
        }
      }
      writer.commit();
    }
    return path;
  }
}
