package dev.clipkl.table;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.clipkl.failure.InputException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The checked header of a safetensors file.
 *
 * @param metadata the texts under {@code __metadata__}
 * @param tensors the tensors by name, in the order of the header
 */
record SafetensorsHeader(Map<String, String> metadata, Map<String, Tensor> tensors) {
  static final String METADATA = "__metadata__";

  /** Reads and checks the header of the mapped {@code file}; see {@link SafetensorsFile#open}. */
  static SafetensorsHeader read(Path path, MemorySegment file) {
    return new Reader(path, file).read();
  }

  /** Where a tensor lies in the data, in bytes after the header. */
  private record Place(String name, long begin, long end) {}

  private static final class Reader {
    private final Path path;
    private final MemorySegment file;
    private final List<Place> places = new ArrayList<>();

    Reader(Path path, MemorySegment file) {
      this.path = path;
      this.file = file;
    }

    SafetensorsHeader read() {
      if (file.byteSize() < Long.BYTES) {
        throw wrong(
            "length of the file", "at least 8 bytes (the header's length)", file.byteSize());
      }
      long headerBytes = file.get(Tensor.LONG, 0);
      long longest = Math.min(SafetensorsFile.MAXIMUM_HEADER_BYTES, file.byteSize() - Long.BYTES);
      if (headerBytes < 0 || headerBytes > longest) {
        String limit =
            longest == SafetensorsFile.MAXIMUM_HEADER_BYTES
                ? "at most %d bytes (the format's limit)"
                : "at most %d bytes (what the file holds after its first 8)";
        throw wrong("header length", limit.formatted(longest), Long.toUnsignedString(headerBytes));
      }
      MemorySegment data = file.asSlice(Long.BYTES + headerBytes);
      Map<String, String> metadata = new LinkedHashMap<>();
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      for (Map.Entry<String, JsonNode> entry : parse(headerBytes).properties()) {
        if (entry.getKey().equals(METADATA)) {
          readMetadata(entry.getValue(), metadata);
        } else {
          tensors.put(entry.getKey(), readTensor(entry.getKey(), entry.getValue(), data));
        }
      }
      checkCoverage(data.byteSize());
      return new SafetensorsHeader(metadata, tensors);
    }

    private JsonNode parse(long headerBytes) {
      byte[] json = file.asSlice(Long.BYTES, headerBytes).toArray(ValueLayout.JAVA_BYTE);
      JsonMapper mapper =
          JsonMapper.builder()
              .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
              .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
              .build();
      try {
        JsonNode header = mapper.readTree(json);
        if (!header.isObject()) {
          String got = header.isMissingNode() ? "nothing" : header.getNodeType().toString();
          throw wrong("header", "a JSON object", got);
        }
        return header;
      } catch (JsonProcessingException e) {
        String problem = e.getOriginalMessage().lines().findFirst().orElse("not JSON");
        throw new InputException(
            "%s: header: expected a JSON object, got: %s".formatted(path, problem), e);
      } catch (IOException e) {
        throw new InputException("%s: header: %s".formatted(path, e.getMessage()), e);
      }
    }

    private void readMetadata(JsonNode node, Map<String, String> metadata) {
      if (!node.isObject()) {
        throw wrong(METADATA, "an object of strings", node);
      }
      for (Map.Entry<String, JsonNode> entry : node.properties()) {
        if (!entry.getValue().isTextual()) {
          throw wrong(METADATA + "." + entry.getKey(), "a string", entry.getValue());
        }
        metadata.put(entry.getKey(), entry.getValue().textValue());
      }
    }

    private Tensor readTensor(String name, JsonNode node, MemorySegment data) {
      String what = "tensor " + name;
      if (!node.isObject()) {
        throw wrong(what, "an object with dtype, shape and data_offsets", node);
      }
      TensorType type = readType(what, node.path("dtype"));
      long[] shape = readLongs(what + ": shape", node.path("shape"));
      long[] offsets = readLongs(what + ": data_offsets", node.path("data_offsets"));
      long bytes = bytes(what, type, shape);
      if (offsets.length != 2 || offsets[0] > offsets[1] || offsets[1] > data.byteSize()) {
        throw wrong(
            what + ": data_offsets",
            "[begin, end] within the file's %d bytes of data".formatted(data.byteSize()),
            node.path("data_offsets"));
      }
      if (offsets[1] - offsets[0] != bytes) {
        throw wrong(
            what + ": data_offsets",
            "%d bytes for %s %s".formatted(bytes, type, Arrays.toString(shape)),
            "%d bytes from %s".formatted(offsets[1] - offsets[0], node.path("data_offsets")));
      }
      places.add(new Place(name, offsets[0], offsets[1]));
      return new Tensor(path, name, type, shape, data.asSlice(offsets[0], bytes));
    }

    private TensorType readType(String what, JsonNode node) {
      for (TensorType type : TensorType.values()) {
        if (node.isTextual() && type.name().equals(node.textValue())) {
          return type;
        }
      }
      throw wrong(what + ": dtype", "one of " + Arrays.toString(TensorType.values()), node);
    }

    private long[] readLongs(String what, JsonNode node) {
      if (!node.isArray()) {
        throw wrong(what, "an array of whole numbers", node);
      }
      long[] values = new long[node.size()];
      for (int i = 0; i < values.length; i++) {
        JsonNode value = node.get(i);
        if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
          throw wrong(what, "whole numbers from 0 to 2^63 - 1", node);
        }
        values[i] = value.longValue();
      }
      return values;
    }

    private long bytes(String what, TensorType type, long[] shape) {
      try {
        // An empty tensor may have any other lengths.
        long bytes = Arrays.stream(shape).anyMatch(length -> length == 0) ? 0 : type.bytes();
        for (long length : shape) {
          bytes = Math.multiplyExact(bytes, length);
        }
        return bytes;
      } catch (ArithmeticException e) {
        throw wrong(what + ": shape", "fewer than 2^63 bytes", Arrays.toString(shape));
      }
    }

    /** Every byte of data belongs to exactly one tensor: no holes, no overlap, nothing after. */
    private void checkCoverage(long dataBytes) {
      places.sort(Comparator.comparingLong(Place::begin).thenComparingLong(Place::end));
      long covered = 0;
      for (Place place : places) {
        if (place.begin() != covered) {
          throw wrong(
              "tensor %s: data_offsets".formatted(place.name()),
              "to begin at %d, where the tensor before it ends".formatted(covered),
              "%d (%s)".formatted(place.begin(), place.begin() < covered ? "overlap" : "hole"));
        }
        covered = place.end();
      }
      if (covered != dataBytes) {
        throw wrong("data", "%d bytes, the end of the last tensor".formatted(covered), dataBytes);
      }
    }

    private InputException wrong(String what, String expected, Object got) {
      String found = got instanceof JsonNode node && node.isMissingNode() ? "nothing" : "" + got;
      return new InputException(
          "%s: %s: expected %s, got %s"
              .formatted(
                  path,
                  what,
                  expected,
                  found.length() > 200 ? found.substring(0, 200) + "..." : found));
    }
  }
}
