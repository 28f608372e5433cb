package dev.clipkl.engine.cuda;

import dev.clipkl.driver.ComputeCapability;
import dev.clipkl.driver.CudaContext;
import dev.clipkl.driver.CudaModule;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.objective.AlphaDivergence;
import dev.clipkl.objective.ChiSquared;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.JensenShannon;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.objective.SquaredHellinger;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;

/** The kernels in this program's jar, one module of PTX per divergence and kind of device. */
final class KernelLibrary {
  /** The least capability that there is PTX for. */
  static final ComputeCapability LEAST = new ComputeCapability(8, 0);

  /** From here on devices have clusters of blocks. */
  private static final ComputeCapability CLUSTERS = new ComputeCapability(9, 0);

  /** PTX that every device runs: a row per block. */
  private static final String ALL = "sm_80";

  /** PTX for devices that have clusters: a row per cluster. */
  private static final String WITH_CLUSTERS = "sm_90";

  private final CudaContext context;
  private final boolean hasClusters;
  private final Map<String, CudaModule> modules = new HashMap<>();

  KernelLibrary(CudaContext context) {
    this.context = context;
    hasClusters = context.device().capability().compareTo(CLUSTERS) >= 0;
  }

  /** Whether {@link #clusters} can be asked for. */
  boolean hasClusters() {
    return hasClusters;
  }

  /** A divergence's kernels for blocks, compiled by the driver when they are first asked for. */
  CudaModule blocks(Divergence divergence) {
    return module(divergence, ALL);
  }

  /** The same for clusters. */
  CudaModule clusters(Divergence divergence) {
    return module(divergence, WITH_CLUSTERS);
  }

  private CudaModule module(Divergence divergence, String target) {
    return modules.computeIfAbsent(
        "%s.%s.ptx".formatted(name(divergence), target),
        file -> context.loadModule(file, ptx(file)));
  }

  /** Whether there are kernels that only take one step. */
  static boolean hasStepKernel(Divergence divergence, OptimizerKind optimizer) {
    return switch (optimizer) {
      case GRADIENT, PRECONDITIONED ->
          divergence instanceof ReverseKl || divergence instanceof ForwardKl;
      case NATURAL, NEWTON -> divergence instanceof ReverseKl;
      case NESTEROV, ADAM -> false;
    };
  }

  private static String name(Divergence divergence) {
    return switch (divergence) {
      case ReverseKl f -> "reverse-kl";
      case ForwardKl f -> "forward-kl";
      case JensenShannon f -> "js";
      case ChiSquared f -> "chi2";
      case SquaredHellinger f -> "hellinger2";
      case AlphaDivergence f -> "alpha";
    };
  }

  private static byte[] ptx(String file) {
    try (InputStream in = KernelLibrary.class.getResourceAsStream(file)) {
      if (in == null) {
        throw new EnvironmentException("the kernels %s are not in clipkl's jar".formatted(file));
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new EnvironmentException("cannot read the kernels %s: %s".formatted(file, e), e);
    }
  }
}
