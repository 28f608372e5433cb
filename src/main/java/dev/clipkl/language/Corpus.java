package dev.clipkl.language;

import java.util.function.Consumer;

/** A sequence of texts in a fixed order. */
public interface Corpus {
  /** What the texts are, on one line; it is stored with the models made from them. */
  String description();

  /**
   * Gives every text, in the same order each time, to {@code reader}.
   *
   * @throws dev.clipkl.failure.InputException if a text can't be read
   */
  void forEach(Consumer<String> reader);
}
