package dev.clipkl.engine;

import dev.clipkl.table.ColumnGroups;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import java.util.concurrent.Semaphore;
import java.util.function.ObjIntConsumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Runs the {@link RowLoop}s of a batch of rows side by side and answers their requests together.
 *
 * <p>Each loop has a virtual thread of its own, which does nothing but decide: it leaves a request
 * in its slot and sleeps. When all of them sleep, the caller's thread executes one kind of sweep
 * for every slot that asks for it, as few ranges of slots as possible, and wakes those. Rows never
 * meet, so the order is free; the one chosen lets rows that backtrack catch up with the others.
 */
final class Lockstep {

  /** What a row may ask for; where rows ask for different sweeps, the first of these goes first. */
  private enum Sweep {
    LOAD,
    ACTION_VALUE_SPAN,
    DIRECTION,
    GRADIENT_NORM,
    WRITE_GRADIENT,
    COEFFICIENT_SPAN,
    LARGEST_CURVATURE,
    PROPOSE,
    ACCEPT,
    COUNT_CLIPPED,
    SUMMARIZE,
    GROUP_MASSES,
    ANCHOR,
    MEASURE,
    STORE
  }

  /** Ends the thread of a row whose batch has failed. */
  private static final class Abandoned extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Abandoned() {
      super("the batch has failed", null, false, false);
    }
  }

  private final BatchArithmetic batch;
  private final Slot[] slots;
  private final Semaphore asleep = new Semaphore(0);
  private final SurrogatePoint[] points;
  private final AscentDirection[] directions;
  private final int[] momentumSteps;
  private final double[] steps;
  private final double[] momenta;
  private final double[] nextMomenta;
  private final double[] answers;
  private final @Nullable RowOptimum[] optima;
  private final double[][] metrics;
  private final double[][] masses;
  private @Nullable ColumnGroups groups;
  private volatile @Nullable Throwable failure;

  Lockstep(BatchArithmetic batch) {
    this.batch = batch;
    int count = batch.slots();
    slots = IntStream.range(0, count).mapToObj(Slot::new).toArray(Slot[]::new);
    points = new SurrogatePoint[count];
    Arrays.setAll(points, slot -> new SurrogatePoint());
    directions = new AscentDirection[count];
    Arrays.setAll(directions, slot -> new AscentDirection());
    momentumSteps = new int[count];
    steps = new double[count];
    momenta = new double[count];
    nextMomenta = new double[count];
    answers = new double[count];
    optima = new RowOptimum[count];
    metrics = new double[count][];
    masses = new double[count][];
  }

  private ColumnGroups groups() {
    if (groups == null) {
      throw new IllegalStateException("no groups");
    }
    return groups;
  }

  /**
   * Visits the rows {@code [firstRow, endRow)}, no more of them than there are slots.
   *
   * @throws RuntimeException the first failure of a row or a sweep; all rows have then stopped
   */
  void visit(
      RowBlock block, RowProgram program, int firstRow, int endRow, ObjIntConsumer<RowLoop> task) {
    int count = endRow - firstRow;
    failure = null;
    batch.begin(block, program, firstRow);
    for (int s = 0; s < count; s++) {
      slots[s].start(firstRow + s, task);
    }
    int awake = count;
    while (awake > 0) {
      asleep.acquireUninterruptibly(awake);
      awake = answer(count);
    }
    switch (failure) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      case Throwable e -> throw new IllegalStateException(e);
    }
  }

  /** Executes the first kind of sweep that a slot asks for; returns how many slots it woke. */
  private int answer(int count) {
    Sweep first = null;
    for (int s = 0; s < count; s++) {
      Sweep request = slots[s].request;
      if (request != null && (first == null || request.compareTo(first) < 0)) {
        first = request;
      }
    }
    if (first == null) {
      return 0;
    }
    if (failure == null) {
      try {
        execute(first, count);
      } catch (RuntimeException | Error e) {
        failure = e;
      }
    }
    int woken = 0;
    for (int s = 0; s < count; s++) {
      // After a failure everyone is woken, to end.
      if (slots[s].request != null && (failure != null || slots[s].request == first)) {
        slots[s].request = null;
        slots[s].answered.release();
        woken++;
      }
    }
    return woken;
  }

  private void execute(Sweep sweep, int count) {
    int end;
    for (int first = 0; first < count; first = end + 1) {
      end = first;
      while (end < count && slots[end].request == sweep) {
        end++;
      }
      if (end > first) {
        execute(sweep, first, end);
      }
    }
  }

  private void execute(Sweep sweep, int first, int end) {
    switch (sweep) {
      case LOAD -> batch.load(first, end);
      case STORE -> batch.store(first, end);
      case ACTION_VALUE_SPAN -> batch.actionValueSpan(first, end, answers);
      case ANCHOR -> batch.anchor(first, end);
      case MEASURE -> batch.measure(first, end, points);
      case COUNT_CLIPPED -> batch.countClipped(first, end, points);
      case DIRECTION -> batch.direction(first, end, momentumSteps, directions);
      case GRADIENT_NORM -> batch.gradientNorm(first, end, answers);
      case COEFFICIENT_SPAN -> batch.coefficientSpan(first, end, answers);
      case LARGEST_CURVATURE -> batch.largestCurvature(first, end, answers);
      case PROPOSE -> batch.propose(first, end, steps, momenta, nextMomenta, points);
      case ACCEPT -> batch.accept(first, end);
      case SUMMARIZE -> batch.summarize(first, end, optima, metrics);
      case GROUP_MASSES -> batch.groupMasses(first, end, groups(), masses);
      case WRITE_GRADIENT -> batch.writeGradient(first, end, slots[first].destination());
    }
  }

  /** One row's place in the batch: to its loop, the arithmetic of one row. */
  private final class Slot implements RowArithmetic {
    private final int index;
    private final RowLoop loop = new RowLoop(this);
    private final Semaphore answered = new Semaphore(0);
    private @Nullable RowTable destination;

    /** Written by the row's thread before it sleeps, and by the caller's before it wakes it. */
    private @Nullable Sweep request;

    Slot(int index) {
      this.index = index;
    }

    RowTable destination() {
      if (destination == null) {
        throw new IllegalStateException("no destination in slot " + index);
      }
      return destination;
    }

    void start(int row, ObjIntConsumer<RowLoop> task) {
      Thread.ofVirtual()
          .name("row-" + row)
          .start(() -> {
            try {
              task.accept(loop, row);
            } catch (Abandoned e) {
              // The batch's failure is already known.
            } catch (RuntimeException | Error e) {
              failure = e;
            } finally {
              asleep.release();
            }
          });
    }

    private void ask(Sweep sweep) {
      request = sweep;
      asleep.release();
      answered.acquireUninterruptibly();
      if (failure != null) {
        throw new Abandoned();
      }
    }

    @Override
    public void load(RowBlock block, RowProgram program, int row) {
      ask(Sweep.LOAD);
    }

    @Override
    public void store(RowBlock block, int row) {
      ask(Sweep.STORE);
    }

    @Override
    public double actionValueSpan() {
      ask(Sweep.ACTION_VALUE_SPAN);
      return answers[index];
    }

    @Override
    public void anchor() {
      ask(Sweep.ANCHOR);
    }

    @Override
    public void measure(SurrogatePoint point) {
      points[index] = point;
      ask(Sweep.MEASURE);
    }

    @Override
    public void countClipped(SurrogatePoint point) {
      points[index] = point;
      ask(Sweep.COUNT_CLIPPED);
    }

    @Override
    public void direction(int momentum, AscentDirection direction) {
      momentumSteps[index] = momentum;
      directions[index] = direction;
      ask(Sweep.DIRECTION);
    }

    @Override
    public double gradientNorm() {
      ask(Sweep.GRADIENT_NORM);
      return answers[index];
    }

    @Override
    public double coefficientSpan() {
      ask(Sweep.COEFFICIENT_SPAN);
      return answers[index];
    }

    @Override
    public double largestCurvature() {
      ask(Sweep.LARGEST_CURVATURE);
      return answers[index];
    }

    @Override
    public void propose(double step, double momentum, double nextMomentum, SurrogatePoint point) {
      steps[index] = step;
      momenta[index] = momentum;
      nextMomenta[index] = nextMomentum;
      points[index] = point;
      ask(Sweep.PROPOSE);
    }

    @Override
    public void proposeLast(double step, boolean isSummarized) {
      propose(step, 0.0, 0.0, points[index]);
    }

    @Override
    public void accept() {
      ask(Sweep.ACCEPT);
    }

    @Override
    public void summarize(@Nullable RowOptimum optimum, double[] rowMetrics) {
      optima[index] = optimum;
      metrics[index] = rowMetrics;
      ask(Sweep.SUMMARIZE);
    }

    @Override
    public void groupMasses(ColumnGroups columns, double[] rowMasses) {
      groups = columns;
      masses[index] = rowMasses;
      ask(Sweep.GROUP_MASSES);
    }

    @Override
    public void writeGradient(RowTable table, int row) {
      destination = table;
      ask(Sweep.WRITE_GRADIENT);
    }
  }
}
