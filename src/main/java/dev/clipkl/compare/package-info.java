/** Several divergences on one problem: at one lambda, at one budget, along the frontier. */
@NullMarked
package dev.clipkl.compare;

import org.jspecify.annotations.NullMarked;
