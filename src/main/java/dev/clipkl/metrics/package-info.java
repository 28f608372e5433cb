/** Named numbers and where they go. */
@NullMarked
package dev.clipkl.metrics;

import org.jspecify.annotations.NullMarked;
