package dev.clipkl.comparison;

import dev.clipkl.bench.SyntheticRows;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The three tables as contiguous float32 tensors {@code [rows, columns]}.
 *
 * @param logits the policy
 * @param logReference log q
 * @param rewards Q
 */
record TorchTables(Tensor logits, Tensor logReference, Tensor rewards) implements AutoCloseable {

  static TorchTables fill(Workload workload) {
    torch.set_num_threads(workload.threads());
    TorchTables tables =
        new TorchTables(
            torch.empty(workload.rows(), workload.columns()),
            torch.empty(workload.rows(), workload.columns()),
            torch.empty(workload.rows(), workload.columns()));
    SyntheticRows synthetic = workload.synthetic();
    float[] row = new float[workload.columns()];
    for (int r = 0; r < workload.rows(); r++) {
      synthetic.readReference(r, row);
      write(tables.logReference, r, row);
      synthetic.readRewards(r, row);
      write(tables.rewards, r, row);
    }
    tables.reset();
    return tables;
  }

  private static void write(Tensor table, int row, float[] values) {
    try (PointerScope _ = new PointerScope()) {
      table.select(0, row).data_ptr_float().put(values);
    }
  }

  void reset() {
    try (PointerScope _ = new PointerScope()) {
      logits.copy_(logReference);
    }
  }

  void readLogits(int row, float[] destination) {
    try (PointerScope _ = new PointerScope()) {
      FloatPointer entries = logits.select(0, row).data_ptr_float();
      entries.get(destination);
    }
  }

  @Override
  public void close() {
    logits.close();
    logReference.close();
    rewards.close();
  }
}
