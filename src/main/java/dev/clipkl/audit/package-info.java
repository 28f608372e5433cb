/** Monte-Carlo estimators of the KL divergence, held against the exact sums over the vocabulary. */
@NullMarked
package dev.clipkl.audit;

import org.jspecify.annotations.NullMarked;
