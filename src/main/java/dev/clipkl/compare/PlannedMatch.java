package dev.clipkl.compare;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which lambda each divergence is trained at, so that all have something in common.
 *
 * @param measure as in {@link PolicyMatch}
 * @param target as in {@link PolicyMatch}
 * @param lambdas by divergence, in the order of the configuration
 */
record PlannedMatch(@Nullable String measure, double target, Map<String, Double> lambdas) {
  PlannedMatch {
    lambdas = Collections.unmodifiableMap(new LinkedHashMap<>(lambdas));
  }
}
