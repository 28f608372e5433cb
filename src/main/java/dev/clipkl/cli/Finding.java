package dev.clipkl.cli;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One thing that {@code doctor} looked at.
 *
 * @param name what was looked at, such as {@code memory}
 * @param status how it is
 * @param required whether clipkl is of no use while this is unavailable
 * @param detail what was found, for a reader
 * @param remedy what to change, or null when nothing needs to change
 * @param facts the same in single values, in the order of insertion; sizes in bytes
 */
record Finding(
    String name,
    Status status,
    boolean required,
    String detail,
    @Nullable String remedy,
    Map<String, Object> facts) {

  /** How it is: usable, usable with a reservation, or not usable. */
  enum Status {
    @JsonProperty("ok")
    OK,
    @JsonProperty("warn")
    WARN,
    @JsonProperty("unavailable")
    UNAVAILABLE
  }

  static Finding ok(String name, String detail, Map<String, Object> facts) {
    return new Finding(name, Status.OK, false, detail, null, facts);
  }

  static Finding warn(String name, String detail, String remedy, Map<String, Object> facts) {
    return new Finding(name, Status.WARN, false, detail, remedy, facts);
  }

  /** Something that clipkl can do without, such as one engine of several. */
  static Finding unavailable(String name, String detail, String remedy, Map<String, Object> facts) {
    return new Finding(name, Status.UNAVAILABLE, false, detail, remedy, facts);
  }

  /** Something that clipkl cannot do without. */
  static Finding missing(String name, String detail, String remedy, Map<String, Object> facts) {
    return new Finding(name, Status.UNAVAILABLE, true, detail, remedy, facts);
  }

  /** Whether clipkl is of use in spite of this finding. */
  boolean usable() {
    return status != Status.UNAVAILABLE || !required;
  }
}
