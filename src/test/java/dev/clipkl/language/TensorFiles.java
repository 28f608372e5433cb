package dev.clipkl.language;

import dev.clipkl.table.SafetensorsWriter;
import dev.clipkl.table.TensorType;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Small safetensors files for tests. */
final class TensorFiles {
  private TensorFiles() {}

  static Path write(Path path, String name, TensorType type, double[] values, long... shape) {
    var declaration = new SafetensorsWriter.Declaration(name, type, shape);
    try (var writer = SafetensorsWriter.open(path, Map.of(), List.of(declaration))) {
      writer.writeDoubles(values, values.length);
      writer.commit();
    }
    return path;
  }
}
