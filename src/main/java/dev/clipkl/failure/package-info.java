/** The exceptions that end a command: one line for the user and an exit code. */
@NullMarked
package dev.clipkl.failure;

import org.jspecify.annotations.NullMarked;
