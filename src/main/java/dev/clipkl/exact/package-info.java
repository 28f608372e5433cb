/** What no trainer reaches by sampling: row optima with error bounds and exact gaps. */
@NullMarked
package dev.clipkl.exact;

import org.jspecify.annotations.NullMarked;
