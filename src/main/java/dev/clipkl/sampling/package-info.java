/** Texts of a sequence problem's policies, and their averages beside the exact expectations. */
@NullMarked
package dev.clipkl.sampling;

import org.jspecify.annotations.NullMarked;
