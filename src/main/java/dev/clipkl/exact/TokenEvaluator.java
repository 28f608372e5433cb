package dev.clipkl.exact;

import dev.clipkl.engine.CompensatedSum;
import dev.clipkl.engine.RowThreads;
import dev.clipkl.objective.Divergence;
import dev.clipkl.problem.TokenMdp;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * Evaluates policies of a token MDP in float64 (THEORY 0 and 1): one pass over the policy's table,
 * then sweeps over the chain of its classes.
 */
public final class TokenEvaluator {
  private final TokenMdp mdp;
  private final Divergence divergence;
  private final double lambda;
  private final RowThreads threads;
  private final List<double[][]> scratch;

  /**
   * An evaluator of one objective.
   *
   * @param lambda weight of the divergence, above 0
   */
  public TokenEvaluator(TokenMdp mdp, Divergence divergence, double lambda, RowThreads threads) {
    this.mdp = mdp;
    this.divergence = divergence;
    this.lambda = lambda;
    this.threads = threads;
    scratch = Stream.generate(() -> new double[3][mdp.actions()]).limit(threads.threads()).toList();
  }

  /**
   * What a policy is worth.
   *
   * @param values {@code V(s)}, {@code (I - gamma P) V = E_p[r] - lambda D} (THEORY 0.2), {@code
   *     [states]}
   * @param visitation {@code d(s)} (THEORY 0.5), {@code [states]}
   * @param rewards {@code E_p[r]}, {@code [states]}
   * @param divergences {@code D_s(p)}, {@code [states]}
   * @param masses the policy's probability of each class, {@code [states, classes]}
   * @param errorBound how far {@code values} can be from the solution of the linear system, by its
   *     residual
   */
  @SuppressWarnings("ArrayRecordComponent") // Results to read, never compared.
  public record Evaluation(
      double[] values,
      double[] visitation,
      double[] rewards,
      double[] divergences,
      double[][] masses,
      double errorBound) {
    /** Before any policy. */
    public static final Evaluation NONE =
        new Evaluation(
            new double[0], new double[0], new double[0], new double[0], new double[0][], 0.0);
  }

  /**
   * V and d of a policy.
   *
   * @param logits any that softmax turns into the policy, {@code [states, tokens]}
   */
  public Evaluation evaluate(RowTable logits) {
    int states = mdp.states();
    double[] rewards = new double[states];
    double[] divergences = new double[states];
    double[][] masses = new double[states][mdp.classes()];
    threads.visit(
        scratch,
        0,
        states,
        (memory, state) -> {
          double[] policy = memory[0];
          readLogPolicy(logits, state, policy);
          mdp.reference().readRow(state, memory[1]);
          mdp.rewards().readRow(state, memory[2]);
          CompensatedSum reward = new CompensatedSum();
          CompensatedSum trained = new CompensatedSum();
          for (int a = 0; a < policy.length; a++) {
            double logReference = memory[1][a];
            trained.add(Math.exp(logReference) * divergence.value(policy[a] - logReference));
            policy[a] = Math.exp(policy[a]);
            reward.add(policy[a] * memory[2][a]);
          }
          rewards[state] = reward.value();
          divergences[state] = trained.value();
          mdp.next().sum(policy, masses[state]);
        });
    double[] income = new double[states];
    for (int s = 0; s < states; s++) {
      income[s] = rewards[s] - lambda * divergences[s];
    }
    TokenChain chain = new TokenChain(mdp, masses, threads);
    TokenChain.Solution values = chain.values(income);
    return new Evaluation(
        values.x(), chain.visitation().x(), rewards, divergences, masses, values.errorBound());
  }

  /**
   * A row of {@code log softmax}, nats.
   *
   * @param destination {@code [tokens]}; written
   */
  public static void readLogPolicy(RowTable logits, long state, double[] destination) {
    logits.readRow(state, destination);
    double largest = Arrays.stream(destination).max().orElseThrow();
    double sum = 0.0;
    for (double logit : destination) {
      sum += Math.exp(logit - largest);
    }
    double logNormalizer = Math.log(sum);
    for (int a = 0; a < destination.length; a++) {
      // The maximum goes first: a large common offset would swallow the logarithm of the sum.
      destination[a] = (destination[a] - largest) - logNormalizer;
    }
  }

  /**
   * {@code Q(s, a) = r(s, a) + gamma V(class(a))} (THEORY 0.3) of one state.
   *
   * @param values V, {@code [states]}
   * @param destination {@code [tokens]}; written
   */
  public void readActionValues(double[] values, int state, double[] destination) {
    mdp.rewards().readRow(state, destination);
    for (int a = 0; a < destination.length; a++) {
      int next = mdp.next(state, a);
      if (next >= 0) {
        destination[a] += mdp.discount() * values[next];
      }
    }
  }
}
