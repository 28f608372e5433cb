/** Who the rows are: reference rows, Q rows and start weights. */
@NullMarked
package dev.clipkl.problem;

import org.jspecify.annotations.NullMarked;
