/** clipkl beside LibTorch and ND4J: the same mathematics, checked, then timed in one process. */
@NullMarked
package dev.clipkl.comparison;

import org.jspecify.annotations.NullMarked;
