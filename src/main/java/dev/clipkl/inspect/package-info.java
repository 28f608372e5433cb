/** Runs read back from their directories: metrics, policy, reference, and what training changed. */
@NullMarked
package dev.clipkl.inspect;

import org.jspecify.annotations.NullMarked;
