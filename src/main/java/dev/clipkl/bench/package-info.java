/** Times row programs on this machine, beside the bandwidth of its memory. */
@NullMarked
package dev.clipkl.bench;

import org.jspecify.annotations.NullMarked;
