/** The equations, once each: f-divergences, clipped surrogate, preconditioners. */
@NullMarked
package dev.clipkl.objective;

import org.jspecify.annotations.NullMarked;
