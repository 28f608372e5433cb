/** What a run is proven to have done: replayed, measured, and held against the theory. */
@NullMarked
package dev.clipkl.certify;

import org.jspecify.annotations.NullMarked;
