package dev.clipkl.problem;

import dev.clipkl.table.RowTable;

/** Who the rows are: states, their reference policies, and how much each of them counts. */
public sealed interface Problem permits PromptBandit, TokenMdp, FiniteMdp {

  /** {@code log pi_ref}, {@code [states, actions]}, nats. */
  RowTable reference();

  /** {@code r(s, a)}, {@code [states, actions]}. */
  RowTable rewards();

  /** {@code u(s) >= 0}, summing to 1, {@code [states]}. */
  double[] startDistribution();

  /** {@code gamma}. */
  double discount();

  /** SHA-256 over everything above, hexadecimal. */
  String fingerprint();

  /** Number of states. */
  default int states() {
    return Math.toIntExact(reference().rows());
  }

  /** Number of actions. */
  default int actions() {
    return reference().columns();
  }
}
