/** What every page of clipkl is made of: the chart library and charts in one style. */
@NullMarked
package dev.clipkl.web;

import org.jspecify.annotations.NullMarked;
