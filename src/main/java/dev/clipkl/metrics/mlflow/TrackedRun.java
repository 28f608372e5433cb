package dev.clipkl.metrics.mlflow;

import java.nio.file.Path;
import java.util.Map;

/**
 * What there is to say about a run when it starts.
 *
 * @param name of the run
 * @param parameters the configuration, by key
 * @param tags further facts, by name
 * @param lines the run's {@code metrics.jsonl}
 * @param idFile keeps MLflow's name of the run, so that a resumed run goes on in it
 */
public record TrackedRun(
    String name,
    Map<String, String> parameters,
    Map<String, String> tags,
    Path lines,
    Path idFile) {}
