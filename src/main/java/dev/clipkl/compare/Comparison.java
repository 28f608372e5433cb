package dev.clipkl.compare;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a comparison found, as {@code comparison.json} holds it.
 *
 * @param formatVersion of the file, 1
 * @param name what the comparison is called: its configuration's name
 * @param problem what was optimized over, a line each: prompts, reference, reward
 * @param fingerprint the problem's checksum; that of every run below is the same
 * @param matches policies side by side: at the same lambda, then at each budget
 * @param frontier rewards against divergences over a grid of lambda; null when none was asked for
 */
public record Comparison(
    int formatVersion,
    String name,
    List<String> problem,
    String fingerprint,
    List<PolicyMatch> matches,
    @Nullable Frontier frontier) {
  public Comparison {
    problem = List.copyOf(problem);
    matches = List.copyOf(matches);
  }
}
