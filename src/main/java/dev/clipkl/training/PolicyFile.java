package dev.clipkl.training;

import dev.clipkl.engine.RowProgram;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A trained policy as a safetensors file: tensor {@code logits} {@code [states, actions]}. */
public final class PolicyFile {
  /** Name of the tensor. */
  public static final String LOGITS = "logits";

  /** Metadata key of the format's version. */
  public static final String FORMAT_KEY = "format";

  /** The format that this version writes. */
  public static final String FORMAT = "clipkl-policy-1";

  private PolicyFile() {}

  /**
   * Writes a policy, atomically. The bytes depend on the policy and its problem only, not on when
   * or where they were computed.
   */
  public static void write(
      Path file, RowTable logits, RowProgram program, int outerIteration, String fingerprint) {
    Map<String, String> metadata =
        Map.of(
            FORMAT_KEY,
            FORMAT,
            "divergence",
            program.divergence().name(),
            "lambda",
            Double.toString(program.lambda()),
            "outer_iteration",
            Integer.toString(outerIteration),
            "problem_fingerprint",
            fingerprint);
    try (SafetensorsWriter writer =
        SafetensorsWriter.open(
            file, metadata, List.of(Checkpoint.tableDeclaration(LOGITS, logits)))) {
      writer.writeTable(logits);
      writer.commit();
    }
  }
}
