/** Text to tables: tokenizers, prompts, n-gram reference, preference rewards. */
@NullMarked
package dev.clipkl.language;

import org.jspecify.annotations.NullMarked;
