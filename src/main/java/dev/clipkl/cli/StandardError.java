package dev.clipkl.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Puts the real standard error back in its place.
 *
 * <p>The JVM prints a warning about the incubating Vector API before {@link Main} begins, and has
 * no option against it. {@code run.sh} therefore starts the JVM with descriptor 2 leading into a
 * filter that drops this one line, and with the real standard error as another descriptor, named by
 * the system property {@code clipkl.stderr}. From here on the filter would only be in the way: it
 * is no terminal, and it could end before the process does.
 */
final class StandardError {
  private static final int DESCRIPTOR = 2;

  private StandardError() {}

  /** Does nothing when the process was not started by {@code run.sh}. */
  @SuppressWarnings("restricted")
  static void restore() {
    Integer original = Integer.getInteger("clipkl.stderr");
    if (original == null) {
      return;
    }
    try {
      Linker linker = Linker.nativeLinker();
      MethodHandle duplicate =
          linker.downcallHandle(
              linker.defaultLookup().findOrThrow("dup2"),
              FunctionDescriptor.of(
                  ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
      int result = (int) duplicate.invokeExact((int) original, DESCRIPTOR);
      if (result != DESCRIPTOR) {
        throw new IllegalStateException("descriptor " + original + " is not open");
      }
    } catch (Throwable e) {
      // The filter passes on everything else, so that nothing is lost.
      System.err.println("clipkl: standard error stays filtered: " + e.getMessage());
    }
  }
}
