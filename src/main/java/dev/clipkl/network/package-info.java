/** Policies as networks of Deeplearning4j. */
@NullMarked
package dev.clipkl.network;

import org.jspecify.annotations.NullMarked;
