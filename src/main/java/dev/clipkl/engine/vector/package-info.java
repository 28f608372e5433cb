/** Fused row programs on the Java Vector API. */
@NullMarked
package dev.clipkl.engine.vector;

import org.jspecify.annotations.NullMarked;
