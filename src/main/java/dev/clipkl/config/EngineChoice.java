package dev.clipkl.config;

/** The engine that a run asks for. */
public enum EngineChoice {
  /** The fastest that works on this machine. */
  AUTO,
  /** Fused kernels on a CUDA device. */
  CUDA,
  /** Fused kernels on the CPU's vector unit. */
  VECTOR,
  /** ND4J array operations. */
  ND4J,
  /** Scalar float64, the oracle. */
  REFERENCE
}
