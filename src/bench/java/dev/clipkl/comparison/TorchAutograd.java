package dev.clipkl.comparison;

import dev.clipkl.bench.BenchMethod;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ReverseKl;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The loss as TRL and verl write it, over the whole vocabulary instead of a sampled token: {@code
 * log_softmax}, ratio, {@code min(ratio A, clamp(ratio) A)}, KL, {@code backward()}, update.
 *
 * <p>As TRL does, the first inner step takes its own log-probabilities as the old ones, so that
 * p_old costs no forward pass. Forward KL is the one line of its definition.
 */
final class TorchAutograd implements Contender {
  private final TorchTables tables;
  private final boolean isReverse;
  private final int rows;
  private final int chunk;

  TorchAutograd(Workload workload, Divergence divergence, int chunk) {
    tables = TorchTables.fill(workload);
    isReverse = divergence instanceof ReverseKl;
    rows = workload.rows();
    this.chunk = chunk;
  }

  @Override
  public void reset() {
    tables.reset();
  }

  @Override
  public void outerIteration(int innerSteps) {
    for (int start = 0; start < rows; start += chunk) {
      try (PointerScope _ = new PointerScope()) {
        int length = Math.min(chunk, rows - start);
        innerLoop(
            tables.logits().narrow(0, start, length).detach().requires_grad_(true),
            tables.logReference().narrow(0, start, length),
            tables.rewards().narrow(0, start, length),
            innerSteps);
      }
    }
  }

  private void innerLoop(Tensor logits, Tensor logReference, Tensor rewards, int innerSteps) {
    Scalar lambda = new Scalar(BenchMethod.LAMBDA);
    Scalar step = new Scalar(BenchMethod.STEP);
    ScalarOptional lower = new ScalarOptional(new Scalar(1.0 - BenchMethod.CLIP_EPSILON));
    ScalarOptional upper = new ScalarOptional(new Scalar(1.0 + BenchMethod.CLIP_EPSILON));
    Tensor oldLogProb = logits;
    Tensor oldProb = logits;
    Tensor advantage = logits;
    for (int k = 0; k < innerSteps; k++) {
      // A scope of its own: the graph of a step is freed before the next one is built.
      try (PointerScope _ = new PointerScope()) {
        Tensor logProb = torch.log_softmax(logits, 1);
        if (k == 0) {
          oldLogProb = logProb.detach();
          oldProb = oldLogProb.exp();
          advantage = rewards.sub(oldProb.mul(rewards).sum(new long[] {1}, true, null));
          // Without a second owner they would end with the first step's scope.
          oldLogProb.retainReference();
          oldProb.retainReference();
          advantage.retainReference();
        }
        Tensor ratio = torch.exp(logProb.sub(oldLogProb));
        Tensor surrogate =
            torch.min(ratio.mul(advantage), torch.clamp(ratio, lower, upper).mul(advantage));
        Tensor divergence =
            isReverse
                ? logProb.exp().mul(logProb.sub(logReference))
                : logReference.exp().mul(logReference.sub(logProb));
        Tensor loss = divergence.mul(lambda).sub(surrogate.mul(oldProb)).sum();
        loss.backward();
        try (AutoGradMode _ = new AutoGradMode(false)) {
          logits.sub_(logits.grad(), step);
        }
        logits.mutable_grad().reset();
      }
    }
    oldLogProb.releaseReference();
    oldProb.releaseReference();
    advantage.releaseReference();
  }

  @Override
  public void readLogits(int row, float[] destination) {
    tables.readLogits(row, destination);
  }

  @Override
  public void close() {
    tables.close();
  }
}
