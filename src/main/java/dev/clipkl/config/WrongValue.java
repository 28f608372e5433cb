package dev.clipkl.config;

/** A text that is no value of its key. Its message follows the key's name in a sentence. */
final class WrongValue extends Exception {
  WrongValue(String message) {
    super(message, null, false, false);
  }
}
