package dev.clipkl.cli;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.AtomicFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Option;

/**
 * The one file that a command writes, {@code --out}, which replaces an existing file only with
 * {@code --force}. Add it to a command with {@code @Mixin}.
 */
final class OutputFile {
  private final List<String> extensions;

  @Option(names = "--out", required = true, paramLabel = "FILE", description = "The file to write.")
  private Path path = Path.of("");

  @Option(names = "--force", description = "Replace the file if it exists.")
  private boolean force;

  /**
   * @param extensions the endings that the file's name may have, with their dots
   */
  OutputFile(String... extensions) {
    this.extensions = List.of(extensions);
  }

  /** Whether the file's name ends in {@code extension}, in any letter case. */
  boolean isNamed(String extension) {
    return isNamed(path, extension);
  }

  private static boolean isNamed(Path path, String extension) {
    return path.toString().toLowerCase(Locale.ROOT).endsWith(extension);
  }

  /**
   * The file, after finding out that it may and can be written: nobody wants to learn that after
   * the work is done.
   *
   * @param inputs the files that the command reads
   * @throws InputException if the name has another ending, the file exists, it is one of the
   *     inputs, or its folder is missing or not writable
   */
  Path require(Path... inputs) {
    return require(path, extensions, force, inputs);
  }

  /** The same for a command that need not write a file. */
  static Path require(Path path, List<String> extensions, boolean force, Path... inputs) {
    if (extensions.stream().noneMatch(extension -> isNamed(path, extension))) {
      throw new InputException(
          "--out must end in %s, got %s".formatted(String.join(" or ", extensions), path));
    }
    AtomicFile.open(path).close();
    if (!Files.exists(path)) {
      return path;
    }
    for (Path input : inputs) {
      if (isSame(path, input)) {
        throw new InputException("--out: %s is the file to read, choose another".formatted(path));
      }
    }
    if (!force) {
      throw new InputException(
          "--out: %s exists already; choose another file, or replace it with --force"
              .formatted(path));
    }
    return path;
  }

  private static boolean isSame(Path path, Path input) {
    try {
      return Files.exists(input) && Files.isSameFile(input, path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
