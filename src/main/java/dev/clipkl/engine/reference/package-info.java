/** The oracle: every row program in scalar float64. */
@NullMarked
package dev.clipkl.engine.reference;

import org.jspecify.annotations.NullMarked;
