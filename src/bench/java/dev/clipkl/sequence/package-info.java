/** What an outer iteration of a large sequence problem costs, and where. */
@NullMarked
package dev.clipkl.sequence;

import org.jspecify.annotations.NullMarked;
