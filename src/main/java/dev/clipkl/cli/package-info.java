/** The command line: one class per subcommand. */
@NullMarked
package dev.clipkl.cli;

import org.jspecify.annotations.NullMarked;
