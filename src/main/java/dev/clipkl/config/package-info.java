/** Run configuration: YAML and flags, checked at once. */
@NullMarked
package dev.clipkl.config;

import org.jspecify.annotations.NullMarked;
