package dev.clipkl.engine;

import dev.clipkl.table.RowTable;
import org.jspecify.annotations.Nullable;

/**
 * Executes row programs. Results are the same bits for any number of threads.
 *
 * <p>An engine holds threads and scratch memory, and no problem state that it could not compute
 * again. One call runs at a time.
 */
public interface Engine extends OptimumSweepsSource, AutoCloseable {

  /** Which engine this is. */
  EngineKind kind();

  /** One line: how it executes, on what, with how many threads. */
  String description();

  /** Bytes of scratch memory for rows of this many actions, all threads together. */
  long scratchBytes(int columns, OptimizerKind optimizer);

  /** Fills {@link RowResults#latest} with the metrics of the policy as it stands. */
  void evaluate(RowBlock block, RowProgram program, RowResults results);

  /**
   * The same, and each row's mass on every group of actions, of the same policy: the numbers follow
   * from the logits alone, to the bit.
   */
  void evaluate(RowBlock block, RowProgram program, RowResults results, GroupMasses masses);

  /**
   * Runs a block of outer iterations on every row, K inner steps each; Q is taken as constant, so
   * more than one outer iteration is for problems whose rows never meet.
   *
   * @param results takes the metrics of every outer iteration; null where nobody reads them, which
   *     saves their sweeps, and then no row is held against its tolerance
   */
  void run(RowBlock block, RowProgram program, int outerIterations, @Nullable RowResults results);

  /**
   * Writes the exact gradient of each row's {@code E_p[Q] - lambda D(p)} with respect to its logits
   * (THEORY 1.2 without d), {@code [states, actions]}.
   */
  void gradient(RowBlock block, RowProgram program, RowTable gradients);

  /**
   * Announces calls on these rows: until {@link #release} the engine may hold the block's tables in
   * a memory of its own, and what it writes reaches {@code block.actor()} only by {@link #fetch}.
   * Nobody else changes the tables until then, but for what rows share ({@link RowTable#shared}):
   * it may change between calls, and may be another in a block with the same actor and the same
   * stored rows, which is kept as well. An engine that works on the tables themselves does nothing.
   *
   * @param program what most calls will run
   * @throws dev.clipkl.failure.EnvironmentException when its memory does not suffice
   */
  default void keep(RowBlock block, RowProgram program) {}

  /** Writes what a kept block's runs have changed to its actor; it stays kept. */
  default void fetch(RowBlock block) {}

  /** Forgets a kept block; what has not been fetched is lost. */
  default void release(RowBlock block) {}

  /** Number of threads that visit rows. */
  int threads();

  @Override
  void close();
}
