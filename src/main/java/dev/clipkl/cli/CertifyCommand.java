package dev.clipkl.cli;

import dev.clipkl.certify.Certificate;
import dev.clipkl.certify.Certification;
import dev.clipkl.config.RunConfig;
import dev.clipkl.failure.CheckFailedException;
import dev.clipkl.failure.CommandException;
import dev.clipkl.inspect.PolicySource;
import dev.clipkl.table.AtomicFile;
import dev.clipkl.training.TrainingListener;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code clipkl certify}: what is proven of a run, held against what it did. */
@Command(
    name = "certify",
    description =
        "Certifies a run: the exact value, certified bounds of the optimum, predicted and measured"
            + " rates, and every claim of the theory with what was measured, its bound and its"
            + " slack. The run is replayed, which gives the same bits again, and keeps the result as"
            + " certificate.json. Exit code 1 when a proven claim fails.",
    footer = {
      "  ./run.sh certify runs/demo/reverse-kl",
      "  ./run.sh certify examples/mdp.yaml --set objective.lambda=0.5 --json"
    })
final class CertifyCommand implements Runnable {
  /** The certificate's file in the run's directory. */
  private static final String FILE = "certificate.json";

  @Spec private CommandSpec command;

  @Mixin private final ResultOutput output = new ResultOutput();

  @Parameters(
      paramLabel = "RUN_DIR|CONFIG.yaml",
      description =
          "A finished run's directory; or a configuration, which is trained in memory first.")
  private Path source = Path.of("");

  @Option(
      names = "--set",
      paramLabel = "PATH=VALUE",
      description = "With CONFIG.yaml: overrides one key; may be repeated.")
  private List<String> overrides = new ArrayList<>();

  @Option(
      names = "--no-replay",
      description = "Certify the last policy only: quicker, and nothing about the way to it.")
  private boolean withoutReplay;

  @Override
  public void run() {
    PrintWriter narration = output.narration();
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void note(String line) {
            narration.println(line);
            narration.flush();
          }
        };
    Certificate certificate = certificate(listener);
    if (Files.isDirectory(source)) {
      keep(certificate, listener);
    }
    output.print(certificate, out -> new CertificateTable(certificate).print(out));
    String failure = Certification.failure(certificate);
    if (failure != null) {
      throw new CheckFailedException(failure);
    }
  }

  /**
   * Leaves the certificate with the run, for reports. One that tells of the way to the policy is
   * not replaced by one that does not; a folder that cannot be written to only lacks it.
   */
  private void keep(Certificate certificate, TrainingListener listener) {
    Path file = source.resolve(FILE);
    if (withoutReplay && Files.exists(file)) {
      return;
    }
    try {
      AtomicFile.writeString(file, ResultOutput.toJson(certificate) + "\n");
    } catch (CommandException e) {
      listener.note("the certificate is not kept: " + e.getMessage());
    }
  }

  private Certificate certificate(TrainingListener listener) {
    if (!Files.isDirectory(source)) {
      RunConfig config = RunConfig.read(source, overrides);
      return Certification.ofConfiguration(config, source.toString(), !withoutReplay, listener);
    }
    if (!overrides.isEmpty()) {
      throw new ParameterException(
          command.commandLine(), "--set goes with CONFIG.yaml: a run has its own configuration");
    }
    return Certification.ofRun(
        source, new PolicySource(source).policyFile(), !withoutReplay, listener);
  }
}
