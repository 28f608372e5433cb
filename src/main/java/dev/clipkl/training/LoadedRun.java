package dev.clipkl.training;

import dev.clipkl.config.RunConfig;
import dev.clipkl.config.WeightKind;
import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.exact.MdpOptimum;
import dev.clipkl.exact.MdpSolver;
import dev.clipkl.exact.RowOptima;
import dev.clipkl.exact.TokenMdpSolver;
import dev.clipkl.exact.TokenOptimum;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.problem.FiniteMdp;
import dev.clipkl.problem.Problem;
import dev.clipkl.problem.PromptBandit;
import dev.clipkl.problem.TokenMdp;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/** A configured run: engine, problem, its exact optimum, and the policy at its start. */
public final class LoadedRun implements AutoCloseable {
  private final RunConfig config;
  private final PhaseClock clock;
  private final LoadedProblem loaded;
  private final RowProgram program;
  private final RowCoupling coupling;

  private LoadedRun(RunConfig config, LoadedProblem loaded, PhaseClock clock) {
    this.config = config;
    this.clock = clock;
    this.loaded = loaded;
    OptimizerKind optimizer = config.optimizer().kindFor(config.objective().divergence());
    Problem problem = loaded.problem();
    ActorState actor =
        ActorState.allocate(
            loaded.tables().space(),
            loaded.engine().kind().precision(),
            problem.states(),
            problem.actions(),
            optimizer);
    initialize(actor.logits(), loaded.tables(), config.run().threadCount());
    RowProgram ownUnits = program(config, optimizer);
    coupling = clock.during(Phase.OPTIMA, () -> couple(problem, actor, ownUnits));
    clock.during(Phase.VALUES, coupling::update);
    program =
        config.optimizer().weights() == WeightKind.VISITATION
            ? ownUnits.withSmoothness(CommonSmoothness.of(problem, coupling, ownUnits))
            : ownUnits;
  }

  /**
   * Opens the engine, reads the problem, and solves it.
   *
   * @param notes takes a line each about the engine and the tables
   * @throws dev.clipkl.failure.CommandException when an input is wrong or the machine cannot do it
   */
  public static LoadedRun open(RunConfig config, Consumer<String> notes) {
    return open(config, notes, new PhaseClock());
  }

  /** The same by a clock that runs already. */
  static LoadedRun open(RunConfig config, Consumer<String> notes, PhaseClock clock) {
    return clock.during(Phase.LOADING, () -> load(config, notes, clock));
  }

  @SuppressWarnings("MustBeClosed") // The problem is the run's, or closed on failure.
  private static LoadedRun load(RunConfig config, Consumer<String> notes, PhaseClock clock) {
    LoadedProblem loaded = LoadedProblem.open(config, notes);
    try {
      return new LoadedRun(config, loaded, clock);
    } catch (RuntimeException | Error e) {
      loaded.close();
      throw e;
    }
  }

  /** What the configuration has run on every row. */
  static RowProgram program(RunConfig config, OptimizerKind optimizer) {
    return new RowProgram(
        config.objective().divergence(),
        config.objective().lambda(),
        ClippedSurrogate.of(config.objective().clipEpsilon()),
        optimizer,
        config.optimizer().stepRule(),
        config.optimizer().stepSize(),
        config.optimizer().innerSteps(),
        config.optimizer().tolerance());
  }

  private RowCoupling couple(Problem problem, ActorState actor, RowProgram units) {
    WeightKind weights = config.optimizer().weights();
    return switch (problem) {
      case PromptBandit bandit -> independentRows(bandit, actor);
      case TokenMdp mdp when mdp.discount() == 0.0 -> independentRows(mdp, actor);
      case TokenMdp mdp -> {
        TokenOptimum optimum =
            new TokenMdpSolver(
                    mdp, units.divergence(), units.lambda(), loaded.engine(), loaded.threads())
                .solve();
        yield new SequenceRows(
            mdp, optimum, actor, loaded.engine(), units, weights, loaded.threads());
      }
      case FiniteMdp mdp -> {
        MdpSolver solver =
            new MdpSolver(mdp, config.objective().divergence(), config.objective().lambda());
        MdpOptimum optimum = solver.policyIteration();
        yield new MdpRows(mdp, solver, optimum, actor, weights, loaded.arena());
      }
    };
  }

  private IndependentRows independentRows(Problem problem, ActorState actor) {
    RowOptimum[] optima =
        RowOptima.solve(
            loaded.engine(),
            config.objective().divergence(),
            config.objective().lambda(),
            problem.reference(),
            problem.rewards());
    return new IndependentRows(problem, optima, actor, config.optimizer().weights());
  }

  private static void initialize(RowTable logits, ProblemTables tables, int threads) {
    RowTable initial = tables.initialLogits();
    RowTable source = initial == null ? tables.problem().reference() : initial;
    TableCopy.copy(source, logits, threads);
  }

  /** The configuration. */
  public RunConfig config() {
    return config;
  }

  /** Where the run's time goes. */
  PhaseClock clock() {
    return clock;
  }

  /** The engine. */
  public Engine engine() {
    return loaded.engine();
  }

  /** Why it is this engine. */
  public String engineReason() {
    return loaded.engineReason();
  }

  /** The problem. */
  public Problem problem() {
    return loaded.problem();
  }

  /** Where the tables came from, one line each. */
  public List<String> description() {
    return loaded.description();
  }

  /** What runs on every row. */
  public RowProgram program() {
    return program;
  }

  /** All rows with the actor. */
  public RowCoupling coupling() {
    return coupling;
  }

  /** What a user should know before the first step, a sentence each. */
  public List<String> warnings() {
    return RunWarnings.before(this);
  }

  /** Puts the actor back to where training starts. */
  public void restart() {
    ActorState actor = coupling.block().actor();
    initialize(actor.logits(), loaded.tables(), config.run().threadCount());
    Arrays.fill(actor.stepSizes(), Double.NaN);
    Arrays.fill(actor.momentumSteps(), 0);
    Arrays.fill(actor.finished(), false);
    coupling.update();
  }

  /** A zeroed table for another policy of this run; it lives as long as the run. */
  public RowTable allocatePolicy() {
    RowTable logits = coupling.block().actor().logits();
    return loaded.tables().space().allocate(logits.precision(), logits.rows(), logits.columns());
  }

  /** Bytes of the policy's table. */
  long policyBytes() {
    return coupling.block().actor().logits().bytes();
  }

  @Override
  public void close() {
    loaded.close();
  }
}
