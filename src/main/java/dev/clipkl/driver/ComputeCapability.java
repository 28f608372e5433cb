package dev.clipkl.driver;

/** A CUDA device's compute capability, for instance 8.9. */
public record ComputeCapability(int major, int minor) implements Comparable<ComputeCapability> {

  @Override
  public int compareTo(ComputeCapability other) {
    return major != other.major
        ? Integer.compare(major, other.major)
        : Integer.compare(minor, other.minor);
  }

  @Override
  public String toString() {
    return major + "." + minor;
  }
}
