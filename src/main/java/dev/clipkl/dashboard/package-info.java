/** A page that shows a run as it goes, served to this machine alone. */
@NullMarked
package dev.clipkl.dashboard;

import org.jspecify.annotations.NullMarked;
