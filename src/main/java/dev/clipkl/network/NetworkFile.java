package dev.clipkl.network;

import dev.clipkl.engine.nd4j.Nd4jStart;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.table.AtomicFile;
import dev.clipkl.training.StoredPolicy;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/**
 * Writes a policy as a network of Deeplearning4j, for Java programs to load: an embedding without
 * bias, whose rows are log-probabilities, and a softmax. Its input is a row's number, {@code
 * [batch, 1]}; its output {@code p(a | s)}, {@code [batch, tokens]}. The loss is the cross-entropy,
 * so that it can be trained further on chosen tokens.
 */
public final class NetworkFile {
  private NetworkFile() {}

  /**
   * Writes rows of a policy in float64, as {@code MultiLayerNetwork.load} reads them; atomically.
   *
   * @param rows the policy's rows, in the network's order
   * @throws EnvironmentException when ND4J has no machine code for this host, or does not start
   * @throws dev.clipkl.failure.InputException when a logit is not finite
   */
  public static void write(StoredPolicy policy, long[] rows, Path path) {
    start();
    try (AtomicFile file = AtomicFile.open(path);
        OutputStream out = file.outputStream()) {
      PolicyNetwork.write(policy, rows, out);
      out.flush();
      file.commit();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** No class of ND4J may load before it is decided which backend runs. */
  private static void start() {
    try {
      Nd4jStart.find().start(Runtime.getRuntime().availableProcessors());
    } catch (EnvironmentException e) {
      throw new EnvironmentException("a network is written by ND4J: " + e.getMessage(), e);
    }
  }
}
