package dev.clipkl.comparison;

import dev.clipkl.bench.BenchMethod;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ReverseKl;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * LibTorch without autograd: the gradient {@code g = p (G - E_p G)} by hand, every operation in
 * place or into a preallocated tensor, with as few passes as we could find.
 *
 * <p>What an inner step does not change is computed once per outer iteration. The clip is one
 * comparison: with s = 1 where {@code A >= 0} and -1 elsewhere, an action keeps its advantage while
 * {@code s log p <= t}, where {@code t = s (log p_old + c) + h} and {@code [c - h, c + h]} is the
 * band of log ratios. At the first inner step all ratios are 1, and the comparison is left out.
 */
final class TorchInPlace implements Contender {
  private static final ClippedSurrogate CLIP = ClippedSurrogate.of(BenchMethod.CLIP_EPSILON);
  private static final Scalar CENTRE = new Scalar(0.5 * (CLIP.logUpper() + CLIP.logLower()));
  private static final Scalar HALF = new Scalar(0.5 * (CLIP.logUpper() - CLIP.logLower()));
  private static final Scalar ZERO = new Scalar(0.0);
  private static final Scalar ONE = new Scalar(1.0);
  private static final Scalar TWO = new Scalar(2.0);
  private static final Scalar LAMBDA = new Scalar(BenchMethod.LAMBDA);
  private static final Scalar MINUS_LAMBDA = new Scalar(-BenchMethod.LAMBDA);
  private static final Scalar STEP = new Scalar(BenchMethod.STEP);
  private static final Scalar STEP_LAMBDA = new Scalar(BenchMethod.STEP * BenchMethod.LAMBDA);

  private final TorchTables tables;
  private final boolean isReverse;
  private final int rows;
  private final int chunk;
  private final Tensor advantage;
  private final Tensor sign;
  private final Tensor limit;
  private final Tensor pull;
  private final Tensor logProb;
  private final Tensor prob;
  private final Tensor work;
  private final Tensor mean;

  TorchInPlace(Workload workload, Divergence divergence, int chunk) {
    tables = TorchTables.fill(workload);
    isReverse = divergence instanceof ReverseKl;
    rows = workload.rows();
    this.chunk = chunk;
    advantage = torch.empty(chunk, workload.columns());
    sign = torch.empty(chunk, workload.columns());
    limit = torch.empty(chunk, workload.columns());
    pull = torch.empty(chunk, workload.columns());
    logProb = torch.empty(chunk, workload.columns());
    prob = torch.empty(chunk, workload.columns());
    work = torch.empty(chunk, workload.columns());
    mean = torch.empty(chunk, 1);
  }

  @Override
  public void reset() {
    tables.reset();
  }

  @Override
  public void outerIteration(int innerSteps) {
    try (NoGradGuard _ = new NoGradGuard()) {
      for (int start = 0; start < rows; start += chunk) {
        int length = Math.min(chunk, rows - start);
        try (PointerScope _ = new PointerScope()) {
          new Chunk(start, length).run(innerSteps);
        }
      }
    }
  }

  /** Views of some rows. */
  private final class Chunk {
    private final Tensor logits;
    private final Tensor logReference;
    private final Tensor rewards;
    private final Tensor a;
    private final Tensor s;
    private final Tensor t;
    private final Tensor q;
    private final Tensor logP;
    private final Tensor p;
    private final Tensor g;
    private final Tensor m;

    Chunk(int start, int length) {
      logits = tables.logits().narrow(0, start, length);
      logReference = tables.logReference().narrow(0, start, length);
      rewards = tables.rewards().narrow(0, start, length);
      a = advantage.narrow(0, 0, length);
      s = sign.narrow(0, 0, length);
      t = limit.narrow(0, 0, length);
      q = pull.narrow(0, 0, length);
      logP = logProb.narrow(0, 0, length);
      p = prob.narrow(0, 0, length);
      g = work.narrow(0, 0, length);
      m = mean.narrow(0, 0, length);
    }

    void run(int innerSteps) {
      torch.log_softmax_out(logP, logits, 1);
      torch.exp_out(p, logP);
      expectation(rewards);
      torch.sub_out(a, rewards, m);
      if (isReverse) {
        torch.mul_out(q, logReference, LAMBDA);
      } else {
        torch.exp_out(q, logReference);
      }
      firstStep();
      if (innerSteps > 1) {
        // logP is still that of p_old.
        torch.ge_out(s, a, ZERO);
        s.mul_(TWO).sub_(ONE);
        torch.add_out(t, logP, CENTRE);
        t.mul_(s).add_(HALF);
      }
      for (int k = 1; k < innerSteps; k++) {
        laterStep();
      }
    }

    private void firstStep() {
      if (isReverse) {
        torch.add_out(g, a, logP, MINUS_LAMBDA);
        g.add_(q);
        expectation(g);
        g.sub_(m);
        logits.addcmul_(p, g, STEP);
      } else {
        // E_p A vanishes at p_old.
        torch.sub_out(g, a, LAMBDA);
        logits.addcmul_(p, g, STEP);
        logits.add_(q, STEP_LAMBDA);
      }
    }

    private void laterStep() {
      torch.log_softmax_out(logP, logits, 1);
      torch.exp_out(p, logP);
      torch.mul_out(g, logP, s);
      g.le_(t);
      if (isReverse) {
        torch.addcmul_out(g, q, g, a);
        g.add_(logP, MINUS_LAMBDA);
        expectation(g);
        g.sub_(m);
        logits.addcmul_(p, g, STEP);
      } else {
        // p (G - E_p G) with G = A - lambda (1 - q / p), without the quotient.
        g.mul_(a);
        expectation(g);
        m.add_(LAMBDA);
        g.sub_(m);
        logits.addcmul_(p, g, STEP);
        logits.add_(q, STEP_LAMBDA);
      }
    }

    /** Writes {@code E_p x} into m. */
    private void expectation(Tensor x) {
      torch.linalg_vecdot_out(m.squeeze(1), p, x, 1);
    }
  }

  @Override
  public void readLogits(int row, float[] destination) {
    tables.readLogits(row, destination);
  }

  @Override
  public void close() {
    tables.close();
    for (Tensor tensor : new Tensor[] {advantage, sign, limit, pull, logProb, prob, work, mean}) {
      tensor.close();
    }
  }
}
