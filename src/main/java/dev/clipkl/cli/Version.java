package dev.clipkl.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** The version of clipkl, as the build wrote it, and of the JDK it runs on. */
public final class Version implements IVersionProvider {
  /** The version of clipkl, such as {@code 0.1.0}. */
  public static String clipkl() {
    Properties properties = new Properties();
    try (InputStream resource =
        Objects.requireNonNull(Version.class.getResourceAsStream("version.properties"))) {
      properties.load(resource);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return Objects.requireNonNull(properties.getProperty("version"));
  }

  /** The JDK's full version and its vendor, such as {@code 25.0.3+9-LTS (Eclipse Adoptium)}. */
  public static String jdk() {
    return Runtime.version() + " (" + System.getProperty("java.vendor") + ")";
  }

  @Override
  public String[] getVersion() {
    return new String[] {"clipkl " + clipkl(), "JDK " + jdk()};
  }
}
