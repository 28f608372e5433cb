package dev.clipkl.config;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.commons.text.similarity.LevenshteinDistance;
import org.jspecify.annotations.Nullable;

/** The reference of all configuration keys, from the table that also validates them. */
public final class ConfigReference {
  /**
   * What there is to say about a key.
   *
   * @param key its dotted name
   * @param type what a value is
   * @param defaultValue what holds when it is not given
   * @param range which values are allowed; empty if all of the type
   * @param meaning one sentence
   */
  public record Entry(String key, String type, String defaultValue, String range, String meaning) {
    /** Type and range, as in {@code a number, > 0}. */
    public String allowed() {
      return range.isEmpty() ? type : type + ", " + range;
    }
  }

  private static final Map<String, ConfigKey<?>> BY_PATH = new LinkedHashMap<>();
  private static final Set<String> SECTIONS = new LinkedHashSet<>();

  static {
    for (ConfigKey<?> key : ConfigKeys.ALL) {
      BY_PATH.put(key.path(), key);
      if (!key.section().isEmpty()) {
        SECTIONS.add(key.section());
      }
    }
  }

  private ConfigReference() {}

  /** All keys, section by section. */
  public static List<Entry> entries() {
    return ConfigKeys.ALL.stream().map(ConfigReference::entry).toList();
  }

  private static Entry entry(ConfigKey<?> key) {
    return new Entry(key.path(), key.type(), key.defaultText(), key.range(), key.meaning());
  }

  /** All keys as a page of Markdown, a table for each section: {@code docs/configuration.md}. */
  public static String markdown() {
    StringBuilder page =
        new StringBuilder(
            """
            # Configuration

            Every key of a configuration file; each can also be given as `--set path=value`. This page is \
            what `./run.sh config --markdown` prints.
            """);
    String section = "none";
    for (ConfigKey<?> key : ConfigKeys.ALL) {
      if (!key.section().equals(section)) {
        section = key.section();
        page.append("\n## ").append(section.isEmpty() ? "At the top level" : "`" + section + "`");
        page.append("\n\n| key | value | default | meaning |\n|---|---|---|---|\n");
      }
      Entry entry = entry(key);
      page.append(
          "| `%s` | %s | %s | %s |\n"
              .formatted(entry.key(), entry.allowed(), entry.defaultValue(), entry.meaning()));
    }
    return page.toString();
  }

  /**
   * The known key or section that {@code unknown} most likely means: fewest edits, where another
   * section in front of the same name counts as one.
   */
  public static String nearest(String unknown) {
    LevenshteinDistance edits = LevenshteinDistance.getDefaultInstance();
    List<String> candidates = new ArrayList<>(BY_PATH.keySet());
    candidates.addAll(SECTIONS);
    return candidates.stream()
        .min(
            Comparator.comparingInt((String known) ->
                    Math.min(
                        edits.apply(unknown, known),
                        edits.apply(lastName(unknown), lastName(known)) + 1))
                .thenComparingInt(known -> edits.apply(unknown, known)))
        .orElseThrow();
  }

  private static String lastName(String path) {
    return path.substring(path.lastIndexOf('.') + 1);
  }

  static @Nullable ConfigKey<?> find(String path) {
    return BY_PATH.get(path);
  }

  static boolean isSection(String path) {
    return SECTIONS.contains(path);
  }
}
