/** The engine {@code cuda} on a real GPU: against the oracle, then timed. See src/bench/gpu. */
@NullMarked
package dev.clipkl.gpu;

import org.jspecify.annotations.NullMarked;
