package dev.clipkl.engine.nd4j;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The libraries of CUDA 11.6 that nd4j-cuda links to; they are the machine's, not this project's.
 */
final class CudaLibraries {
  private static final List<String> NEEDED =
      List.of("libcudart.so.11.0", "libcublas.so.11", "libcusolver.so.11");

  /** Where nd4j-cuda itself looks, after the system's own folders. */
  private static final Path FOLDER = Path.of("/usr/local/cuda-11.6/lib64");

  private CudaLibraries() {}

  /** Those that cannot be loaded here. */
  static List<String> missing() {
    return NEEDED.stream().filter(library -> !isLoadable(library)).toList();
  }

  @SuppressWarnings("restricted") // The manifest grants native access.
  private static boolean isLoadable(String library) {
    if (Files.exists(FOLDER.resolve(library))) {
      return true;
    }
    try (Arena arena = Arena.ofConfined()) {
      SymbolLookup.libraryLookup(library, arena);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
