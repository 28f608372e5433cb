/** Row programs on an NVIDIA GPU: a row per block of threads or per cluster of blocks. */
@NullMarked
package dev.clipkl.engine.cuda;

import org.jspecify.annotations.NullMarked;
