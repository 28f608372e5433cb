/** NVIDIA's driver through the Foreign Function &amp; Memory API: the library alone, no toolkit. */
@NullMarked
package dev.clipkl.driver;

import org.jspecify.annotations.NullMarked;
