package dev.clipkl.cli;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The libraries on the class path with their versions. */
final class LibraryFindings {
  private static final Pattern VERSIONED = Pattern.compile("(.+?)-(\\d[^/]*)\\.jar");

  private LibraryFindings() {}

  /**
   * Names the libraries and checks that each is there: the JVM itself ignores missing ones until a
   * class is wanted.
   *
   * @param classPath in the form of the system property {@code java.class.path}
   */
  static List<Finding> of(String classPath) {
    Map<String, Object> versions = new TreeMap<>();
    List<Path> entries =
        Stream.of(classPath.split(Pattern.quote(File.pathSeparator))).map(Path::of).toList();
    // Only the program's own manifest counts: libraries' manifests name jars by names of their own.
    List<Path> libraries =
        entries.size() == 1
            ? Stream.concat(entries.stream(), manifestClassPath(entries.getFirst())).toList()
            : entries;
    for (Path library : libraries) {
      Matcher name = VERSIONED.matcher(String.valueOf(library.getFileName()));
      if (name.matches()) {
        versions.put(name.group(1), name.group(2));
      }
    }
    List<String> missing = libraries.stream().filter(Files::notExists).map(Path::toString).toList();
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("versions", versions);
    facts.put("missing", missing);
    if (!missing.isEmpty()) {
      return List.of(
          Finding.missing(
              "libraries",
              "not found: " + String.join(", ", missing),
              "delete the folder target and start run.sh again",
              facts));
    }
    String list =
        String.join(
            ", ", versions.entrySet().stream().map(e -> e.getKey() + " " + e.getValue()).toList());
    return List.of(Finding.ok("libraries", list, facts));
  }

  /** The entries that a jar's manifest adds, resolved against the jar's folder. */
  private static Stream<Path> manifestClassPath(Path entry) {
    if (!Files.isRegularFile(entry)) {
      return Stream.empty();
    }
    try (JarFile jar = new JarFile(entry.toFile())) {
      Manifest manifest = jar.getManifest();
      String classPath =
          manifest == null
              ? null
              : manifest.getMainAttributes().getValue(Attributes.Name.CLASS_PATH);
      return classPath == null || classPath.isBlank()
          ? Stream.empty()
          : Stream.of(classPath.strip().split(" +")).map(entry::resolveSibling);
    } catch (IOException e) {
      return Stream.empty();
    }
  }
}
