/** The only training loop, with checkpoint and resume. */
@NullMarked
package dev.clipkl.training;

import org.jspecify.annotations.NullMarked;
