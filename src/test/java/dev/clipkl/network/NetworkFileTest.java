package dev.clipkl.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.SafetensorsWriter;
import dev.clipkl.table.TensorType;
import dev.clipkl.training.PolicyFile;
import dev.clipkl.training.StoredPolicy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A policy's network is loaded and asked as a user of Deeplearning4j would. */
class NetworkFileTest {
  private static final long SEED = 5;
  private static final int STATES = 4;
  private static final int ACTIONS = 1003;

  @TempDir private Path folder;

  private Path policy(double[] logits) {
    Path path = folder.resolve("policy.safetensors");
    var declaration =
        new SafetensorsWriter.Declaration(PolicyFile.LOGITS, TensorType.F64, STATES, ACTIONS);
    try (var writer =
        SafetensorsWriter.open(
            path, Map.of(PolicyFile.FORMAT_KEY, PolicyFile.FORMAT), List.of(declaration))) {
      writer.writeDoubles(logits, logits.length);
      writer.commit();
    }
    return path;
  }

  /** Far from 0, so that float32 logits would lose digits if they were stored as they are. */
  private static double[] logits() {
    Random random = new Random(SEED);
    return random.doubles((long) STATES * ACTIONS, 1000, 1030).toArray();
  }

  @Test
  void outputIsTheChosenRowsDistribution() throws IOException {
    Path zip = folder.resolve("policy.zip");
    try (StoredPolicy policy = StoredPolicy.open(policy(logits()))) {
      long[] rows = {3, 0, 2};
      NetworkFile.write(policy, rows, zip);
      MultiLayerNetwork network = MultiLayerNetwork.load(zip.toFile(), false);
      INDArray output = network.output(Nd4j.createFromArray(new float[][] {{0}, {1}, {2}}));
      assertThat(output.shape()).containsExactly(3, ACTIONS);
      double[] logProbs = new double[ACTIONS];
      for (int row = 0; row < rows.length; row++) {
        policy.readLogProbs(rows[row], logProbs);
        for (int action = 0; action < ACTIONS; action++) {
          double expected = Math.exp(logProbs[action]);
          assertThat(output.getDouble(row, action))
              .as("p[%d, %d], seed %d", row, action, SEED)
              .isCloseTo(expected, within(1e-12 * expected));
        }
      }
    }
  }

  @Test
  void networkCanBeTrainedFurther() throws IOException {
    Path zip = folder.resolve("policy.zip");
    try (StoredPolicy policy = StoredPolicy.open(policy(logits()))) {
      NetworkFile.write(policy, new long[] {0, 1}, zip);
    }
    MultiLayerNetwork network = MultiLayerNetwork.load(zip.toFile(), false);
    network.setLearningRate(0.5);
    INDArray state = Nd4j.createFromArray(new float[][] {{1}});
    INDArray chosen = Nd4j.zeros(1, ACTIONS).putScalar(0, 17, 1.0);
    double before = network.output(state).getDouble(0, 17);
    double other = network.output(Nd4j.createFromArray(new float[][] {{0}})).getDouble(0, 17);
    network.fit(state, chosen);
    assertThat(network.output(state).getDouble(0, 17)).isGreaterThan(before);
    assertThat(network.output(Nd4j.createFromArray(new float[][] {{0}})).getDouble(0, 17))
        .isEqualTo(other);
  }

  @Test
  void logitThatIsNoNumberLeavesNoFile() throws IOException {
    double[] logits = logits();
    logits[ACTIONS + 5] = Double.NaN;
    Path zip = folder.resolve("policy.zip");
    try (StoredPolicy policy = StoredPolicy.open(policy(logits))) {
      assertThatThrownBy(() -> NetworkFile.write(policy, new long[] {0, 1}, zip))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("logits[1, 5] must be finite, got NaN");
    }
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactly("policy.safetensors");
    }
  }
}
