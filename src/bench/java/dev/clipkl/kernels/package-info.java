/** JMH benchmarks of what row programs are made of. */
@NullMarked
package dev.clipkl.kernels;

import org.jspecify.annotations.NullMarked;
