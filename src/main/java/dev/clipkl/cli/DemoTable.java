package dev.clipkl.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/**
 * What the demo shows.
 *
 * @param runs one per divergence
 * @param prompts a few prompts with each policy's most probable next tokens
 */
record DemoTable(List<Run> runs, List<Shown> prompts) {

  /**
   * One direction's result.
   *
   * @param divergence the regulariser
   * @param rewardBefore the reference's expected reward
   * @param rewardAfter the trained policy's expected reward
   * @param klPolicyToReference nats
   * @param klReferenceToPolicy nats
   * @param gap exact distance to the optimum
   * @param outerIterations outer iterations
   * @param seconds seconds of training
   * @param directory the run directory
   */
  record Run(
      String divergence,
      double rewardBefore,
      double rewardAfter,
      double klPolicyToReference,
      double klReferenceToPolicy,
      double gap,
      int outerIterations,
      double seconds,
      String directory) {}

  /** A token as it is displayed, and its probability. */
  record Token(String text, double probability) {}

  /**
   * The most probable next tokens of one policy.
   *
   * @param policy {@code reference} or a divergence
   */
  record NextTokens(String policy, List<Token> tokens) {}

  /** One prompt with the most probable next tokens of each policy. */
  record Shown(String prompt, List<NextTokens> policies) {}

  /** Prints a table of runs. */
  static void printRuns(List<Run> runs, PrintWriter text) {
    text.println();
    text.println("                  reward            KL to reference        exact gap   outer");
    text.println(
        "             before    after   policy->ref  ref->policy  to optimum   steps  seconds");
    for (Run run : runs) {
      text.printf(
          Locale.ROOT,
          "%-11s  %.4f   %.4f   %11.4f  %11.4f    %8.1e  %6d  %7.1f%n",
          run.divergence(),
          run.rewardBefore(),
          run.rewardAfter(),
          run.klPolicyToReference(),
          run.klReferenceToPolicy(),
          run.gap(),
          run.outerIterations(),
          run.seconds());
    }
  }

  void print(PrintWriter text) {
    printRuns(runs, text);
    text.println();
    text.println("The most probable next tokens, in percent (␣ is a space):");
    for (Shown shown : prompts) {
      text.println();
      text.println("\"" + shown.prompt() + " ...\"");
      for (NextTokens next : shown.policies()) {
        StringBuilder line =
            new StringBuilder(String.format(Locale.ROOT, "  %-11s", next.policy()));
        for (Token token : next.tokens()) {
          line.append(
              String.format(Locale.ROOT, "  %s %.1f", token.text(), 100.0 * token.probability()));
        }
        text.println(line);
      }
    }
    text.println();
    for (Run run : runs) {
      text.println("policy: " + run.directory() + "/policy.safetensors");
    }
  }
}
