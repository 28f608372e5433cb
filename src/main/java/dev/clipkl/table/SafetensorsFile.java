package dev.clipkl.table;

import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A safetensors file, memory-mapped for reading and fully checked when opened, of any size.
 *
 * <p>The layout: 8 bytes of header length (little-endian), a JSON header that gives each tensor's
 * type, shape and place, then the data of all tensors without gaps. Closing unmaps the file.
 */
public final class SafetensorsFile implements AutoCloseable {
  /** Longest header accepted, in bytes; the format's own limit. */
  public static final long MAXIMUM_HEADER_BYTES = 100_000_000;

  private final Path path;
  private final SafetensorsHeader header;
  private final Runnable unmap;
  private boolean closed;

  private SafetensorsFile(Path path, SafetensorsHeader header, Runnable unmap) {
    this.path = path;
    this.header = header;
    this.unmap = unmap;
  }

  /**
   * Maps the file and checks its header and that every byte of data belongs to one tensor.
   *
   * @throws InputException if the file is missing, unreadable or not a sound safetensors file:
   *     naming the file, what is wrong, what was expected and what there is
   * @throws EnvironmentException if the file cannot be mapped
   */
  @SuppressWarnings("MustBeClosed") // The arena is closed by close(), or here on failure.
  public static SafetensorsFile open(Path path) {
    Arena arena = Arena.ofShared();
    try {
      return new SafetensorsFile(path, map(path, arena), arena::close);
    } catch (RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  /**
   * The same for as long as {@code arena} lives: closing the file does not end that.
   *
   * @throws InputException as {@link #open(Path)}
   * @throws EnvironmentException as {@link #open(Path)}
   */
  public static SafetensorsFile open(Path path, Arena arena) {
    return new SafetensorsFile(path, map(path, arena), () -> {});
  }

  private static SafetensorsHeader map(Path path, Arena arena) {
    if (Files.isDirectory(path)) {
      throw new InputException("%s: expected a safetensors file, got a folder".formatted(path));
    }
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      return SafetensorsHeader.read(
          path, channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
    } catch (NoSuchFileException e) {
      throw new InputException("%s: no such file".formatted(path), e);
    } catch (AccessDeniedException e) {
      throw new InputException("%s: no permission to read it".formatted(path), e);
    } catch (IOException e) {
      throw new EnvironmentException("cannot read %s: %s".formatted(path, e.getMessage()), e);
    }
  }

  /** The file's path, as it was given. */
  public Path path() {
    return path;
  }

  /** The file's {@code __metadata__}; empty when it has none. */
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(header.metadata());
  }

  /** The names of the tensors, in the order of the header. */
  public Set<String> names() {
    return Collections.unmodifiableSet(header.tensors().keySet());
  }

  /**
   * The tensor called {@code name}.
   *
   * @throws InputException naming the file and the tensors it holds, if {@code name} is not one
   */
  public Tensor tensor(String name) {
    return find(name)
        .orElseThrow(() ->
            new InputException(
                "%s: no tensor named %s; it holds %s"
                    .formatted(
                        path, name, names().isEmpty() ? "none" : String.join(", ", names()))));
  }

  /** The tensor called {@code name}, if there is one. */
  public Optional<Tensor> find(String name) {
    return Optional.ofNullable(header.tensors().get(name));
  }

  /**
   * Unmaps the file, unless an arena was given for it; its tensors can no longer be read. Closing
   * it again does nothing.
   */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      unmap.run();
    }
  }
}
