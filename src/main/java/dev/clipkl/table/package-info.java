/** Off-heap row tables, safetensors files, atomic files and the memory budget. */
@NullMarked
package dev.clipkl.table;

import org.jspecify.annotations.NullMarked;
