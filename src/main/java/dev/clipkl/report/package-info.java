/** One self-contained page, and charts as files, about runs or a comparison; reads files only. */
@NullMarked
package dev.clipkl.report;

import org.jspecify.annotations.NullMarked;
