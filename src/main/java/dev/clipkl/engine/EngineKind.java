package dev.clipkl.engine;

import dev.clipkl.table.RowTable;
import java.util.Locale;

/** The ways of executing row programs. */
public enum EngineKind {
  /** Scalar float64: the oracle that the others are compared with. */
  REFERENCE(RowTable.Precision.FLOAT64),
  /** Fused float32 sweeps on the CPU's vector unit. */
  VECTOR(RowTable.Precision.FLOAT32),
  /** Float32 array operations of whichever ND4J backend is present. */
  ND4J(RowTable.Precision.FLOAT32),
  /** Row programs in float32 on an NVIDIA GPU. */
  CUDA(RowTable.Precision.FLOAT32);

  private final RowTable.Precision precision;

  EngineKind(RowTable.Precision precision) {
    this.precision = precision;
  }

  /** How the policy's logits are stored between visits. */
  public RowTable.Precision precision() {
    return precision;
  }

  /** The configuration's name. */
  public String configName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
