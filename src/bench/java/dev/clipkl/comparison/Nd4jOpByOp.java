package dev.clipkl.comparison;

import dev.clipkl.bench.BenchMethod;
import dev.clipkl.bench.SyntheticRows;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ReverseKl;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.impl.broadcast.BroadcastDivOp;
import org.nd4j.linalg.api.ops.impl.broadcast.BroadcastSubOp;
import org.nd4j.linalg.api.ops.impl.reduce.same.Max;
import org.nd4j.linalg.api.ops.impl.reduce.same.Sum;
import org.nd4j.linalg.api.ops.impl.reduce3.Dot;
import org.nd4j.linalg.api.ops.impl.scalar.Step;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Exp;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Log;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The same by-hand gradient as {@link TorchInPlace}, operation by operation on ND4J arrays, in
 * place. Its {@code log_softmax} is several times slower than its parts, and so are boolean masks:
 * both are taken apart.
 */
final class Nd4jOpByOp implements Contender {
  private static final ClippedSurrogate CLIP = ClippedSurrogate.of(BenchMethod.CLIP_EPSILON);
  private static final double CENTRE = 0.5 * (CLIP.logUpper() + CLIP.logLower());
  private static final double HALF = 0.5 * (CLIP.logUpper() - CLIP.logLower());

  private final boolean isReverse;
  private final int rows;
  private final int chunk;
  private final INDArray logits;
  private final INDArray logReference;
  private final INDArray rewards;
  private final INDArray advantage;
  private final INDArray sign;
  private final INDArray limit;
  private final INDArray pull;
  private final INDArray logProb;
  private final INDArray prob;
  private final INDArray work;
  private final INDArray rowNumber;

  Nd4jOpByOp(Workload workload, Divergence divergence, int chunk) {
    isReverse = divergence instanceof ReverseKl;
    rows = workload.rows();
    this.chunk = chunk;
    logits = table(rows, workload.columns());
    logReference = table(rows, workload.columns());
    rewards = table(rows, workload.columns());
    advantage = table(chunk, workload.columns());
    sign = table(chunk, workload.columns());
    limit = table(chunk, workload.columns());
    pull = table(chunk, workload.columns());
    logProb = table(chunk, workload.columns());
    prob = table(chunk, workload.columns());
    work = table(chunk, workload.columns());
    rowNumber = Nd4j.createUninitialized(DataType.FLOAT, chunk);
    SyntheticRows synthetic = workload.synthetic();
    float[] row = new float[workload.columns()];
    for (int r = 0; r < rows; r++) {
      synthetic.readReference(r, row);
      logReference.getRow(r).assign(Nd4j.createFromArray(row));
      synthetic.readRewards(r, row);
      rewards.getRow(r).assign(Nd4j.createFromArray(row));
    }
    reset();
  }

  private static INDArray table(int rows, int columns) {
    return Nd4j.createUninitialized(DataType.FLOAT, rows, columns);
  }

  @Override
  public void reset() {
    logits.assign(logReference);
  }

  @Override
  public void outerIteration(int innerSteps) {
    for (int start = 0; start < rows; start += chunk) {
      new Chunk(start, Math.min(chunk, rows - start)).run(innerSteps);
    }
  }

  /** Views of some rows; the names are those of {@link TorchInPlace}. */
  private final class Chunk {
    private final INDArray theta;
    private final INDArray logQ;
    private final INDArray r;
    private final INDArray a;
    private final INDArray s;
    private final INDArray t;
    private final INDArray q;
    private final INDArray logP;
    private final INDArray p;
    private final INDArray g;
    private final INDArray m;

    Chunk(int start, int length) {
      theta = rows(logits, start, length);
      logQ = rows(logReference, start, length);
      r = rows(rewards, start, length);
      a = rows(advantage, 0, length);
      s = rows(sign, 0, length);
      t = rows(limit, 0, length);
      q = rows(pull, 0, length);
      logP = rows(logProb, 0, length);
      p = rows(prob, 0, length);
      g = rows(work, 0, length);
      m = rowNumber.get(NDArrayIndex.interval(0, length));
    }

    private static INDArray rows(INDArray table, int start, int length) {
      return table.get(NDArrayIndex.interval(start, start + length), NDArrayIndex.all());
    }

    void run(int innerSteps) {
      normalize();
      execute(new Dot(p, r, m, 1));
      execute(new BroadcastSubOp(r, m, a, 0));
      if (isReverse) {
        logQ.muli(BenchMethod.LAMBDA, q);
      } else {
        execute(new Exp(logQ, q));
      }
      step(true);
      if (innerSteps > 1) {
        // 1 where A >= 0: no float32 lies between 0 and the largest negative subnormal.
        execute(new Step(a, s, -Float.MIN_VALUE));
        s.muli(2.0).subi(1.0);
        logP.addi(CENTRE, t);
        t.muli(s).addi(HALF);
      }
      for (int k = 1; k < innerSteps; k++) {
        normalize();
        step(false);
      }
    }

    /** log p and p from the logits. */
    private void normalize() {
      execute(new Max(theta, null, m, 1));
      execute(new BroadcastSubOp(theta, m, logP, 0));
      execute(new Exp(logP, p));
      execute(new Sum(p, null, m, 1));
      execute(new BroadcastDivOp(p, m, p, 0));
      execute(new Log(m, m));
      execute(new BroadcastSubOp(logP, m, logP, 0));
    }

    private void step(boolean isFirst) {
      INDArray kept = a;
      if (!isFirst) {
        logP.muli(s, g);
        t.subi(g, g);
        execute(new Step(g, g, 0.0));
        g.muli(a);
        kept = g;
      }
      if (isReverse) {
        kept.addi(q, g);
        axpy(-BenchMethod.LAMBDA, logP, g);
        execute(new Dot(p, g, m, 1));
        execute(new BroadcastSubOp(g, m, g, 0));
      } else {
        execute(new Dot(p, kept, m, 1));
        m.addi(BenchMethod.LAMBDA);
        execute(new BroadcastSubOp(kept, m, g, 0));
      }
      g.muli(p);
      axpy(BenchMethod.STEP, g, theta);
      if (!isReverse) {
        axpy(BenchMethod.STEP * BenchMethod.LAMBDA, q, theta);
      }
    }

    private void axpy(double factor, INDArray x, INDArray y) {
      Nd4j.getBlasWrapper().level1().axpy(x.length(), factor, x, y);
    }

    private static void execute(Op operation) {
      Nd4j.getExecutioner().exec(operation);
    }
  }

  @Override
  public void readLogits(int row, float[] destination) {
    float[] values = logits.getRow(row).toFloatVector();
    System.arraycopy(values, 0, destination, 0, values.length);
  }

  @Override
  public void close() {
    for (INDArray array :
        new INDArray[] {
          logits,
          logReference,
          rewards,
          advantage,
          sign,
          limit,
          pull,
          logProb,
          prob,
          work,
          rowNumber
        }) {
      array.close();
    }
  }
}
