/** Row programs as ND4J array operations on batches of rows, on whichever backend is present. */
@NullMarked
package dev.clipkl.engine.nd4j;

import org.jspecify.annotations.NullMarked;
