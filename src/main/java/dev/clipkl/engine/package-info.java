/** The engine contract and the parameters of a row program. */
@NullMarked
package dev.clipkl.engine;

import org.jspecify.annotations.NullMarked;
