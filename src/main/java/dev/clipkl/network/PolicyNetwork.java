package dev.clipkl.network;

import dev.clipkl.training.StoredPolicy;
import java.io.IOException;
import java.io.OutputStream;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.deeplearning4j.nn.weights.WeightInit;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** The network itself; apart from {@link NetworkFile} because it loads ND4J. */
final class PolicyNetwork {
  private PolicyNetwork() {}

  static void write(StoredPolicy policy, long[] rows, OutputStream out) throws IOException {
    MultiLayerNetwork network = new MultiLayerNetwork(configuration(rows.length, policy.actions()));
    network.init();
    INDArray weights = network.getLayer(0).getParam(DefaultParamInitializer.WEIGHT_KEY);
    double[] logProbs = new double[policy.actions()];
    for (int row = 0; row < rows.length; row++) {
      policy.readLogProbs(rows[row], logProbs);
      try (INDArray values = Nd4j.createFromArray(logProbs)) {
        weights.putRow(row, values);
      }
    }
    ModelSerializer.writeModel(network, out, false);
  }

  private static MultiLayerConfiguration configuration(int rows, int actions) {
    // In float32 ND4J's softmax over 100,000 tokens is off by a thousandth.
    return new NeuralNetConfiguration.Builder()
        .dataType(DataType.DOUBLE)
        .weightInit(WeightInit.ZERO)
        .list()
        .layer(
            new EmbeddingLayer.Builder()
                .nIn(rows)
                .nOut(actions)
                .activation(Activation.IDENTITY)
                .build())
        .layer(new LossLayer.Builder(LossFunction.MCXENT).activation(Activation.SOFTMAX).build())
        .build();
  }
}
