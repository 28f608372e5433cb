package dev.clipkl.metrics.mlflow;

import dev.clipkl.metrics.MetricRecord;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.mlflow.api.proto.Service;
import org.mlflow.api.proto.Service.CreateRun;
import org.mlflow.api.proto.Service.Metric;
import org.mlflow.api.proto.Service.Param;
import org.mlflow.api.proto.Service.RunStatus;
import org.mlflow.api.proto.Service.RunTag;
import org.mlflow.tracking.MlflowClient;
import org.mlflow.tracking.MlflowHttpException;
import org.mlflow.tracking.creds.BasicMlflowHostCreds;

/**
 * One MLflow server, by its official client. Every method is a call or a few, which may take any
 * time, and throws what the client throws.
 */
final class TrackingServer implements AutoCloseable {
  private static final String DEFAULT_EXPERIMENT = "clipkl";
  private static final int NOT_FOUND = 404;

  /** The client's HTTP library tells of every connection that it makes again. Kept: it is weak. */
  private static final Logger HTTP = Logger.getLogger("org.mlflow_project");

  static {
    HTTP.setLevel(Level.OFF);
  }

  private final MlflowClient client;
  private final String experiment;

  /**
   * Makes a client; calls nothing yet.
   *
   * @param environment where MLflow's own names give the experiment, a user and password, or a
   *     token
   */
  TrackingServer(URI uri, Map<String, String> environment) {
    experiment = environment.getOrDefault("MLFLOW_EXPERIMENT_NAME", DEFAULT_EXPERIMENT);
    client =
        new MlflowClient(
            new BasicMlflowHostCreds(
                uri.toString().replaceFirst("/+$", ""),
                environment.get("MLFLOW_TRACKING_USERNAME"),
                environment.get("MLFLOW_TRACKING_PASSWORD"),
                environment.get("MLFLOW_TRACKING_TOKEN"),
                false));
  }

  /** Starts a run with its parameters; MLflow's name of it. */
  String create(TrackedRun run) {
    String id =
        client
            .createRun(
                CreateRun.newBuilder()
                    .setExperimentId(experimentId())
                    .setRunName(run.name())
                    .setStartTime(System.currentTimeMillis())
                    .addTags(tag("mlflow.runName", run.name()))
                    .addTags(tag("mlflow.source.name", "clipkl"))
                    .build())
            .getRunId();
    List<Param> parameters = new ArrayList<>();
    run.parameters()
        .forEach(
            (key, value) -> parameters.add(Param.newBuilder().setKey(key).setValue(value).build()));
    client.logBatch(id, List.of(), parameters, tags(run.tags()));
    return id;
  }

  /** By a search: asked for by its name, one that does not exist is an error, and made again. */
  private String experimentId() {
    char quote = experiment.indexOf('\'') < 0 ? '\'' : '"';
    return client.searchExperiments("name = " + quote + experiment + quote).getItems().stream()
        .findFirst()
        .map(Service.Experiment::getExperimentId)
        .orElseGet(() -> client.createExperiment(experiment));
  }

  /**
   * Goes on with a run that an earlier session started.
   *
   * @return the latest outer iteration that the server has; -1 for none, and when it no longer
   *     knows the run
   */
  Resumed resume(String id) {
    Service.Run run;
    try {
      run = client.getRun(id);
    } catch (MlflowHttpException e) {
      if (e.getStatusCode() == NOT_FOUND) {
        return new Resumed(false, -1);
      }
      throw e;
    }
    client.sendPost("runs/update", "{\"run_id\":\"" + id + "\",\"status\":\"RUNNING\"}");
    long latest =
        run.getData().getMetricsList().stream().mapToLong(Metric::getStep).max().orElse(-1);
    return new Resumed(true, latest);
  }

  /**
   * What a server knows of a run.
   *
   * @param known whether it knows it at all
   * @param latest the latest outer iteration that it has; -1 for none
   */
  record Resumed(boolean known, long latest) {}

  /** Sends what numbers there are. */
  void log(String id, List<MetricRecord> records, long timestamp) {
    List<Metric> metrics = new ArrayList<>();
    for (MetricRecord record : records) {
      record
          .values()
          .forEach((key, value) -> {
            if (Double.isFinite(value)) {
              metrics.add(
                  Metric.newBuilder()
                      .setKey(key)
                      .setValue(value)
                      .setStep(record.outerIteration())
                      .setTimestamp(timestamp)
                      .build());
            }
          });
    }
    client.logBatch(id, metrics, List.of(), List.of());
  }

  /** Ends a run. */
  void end(String id, RunStatus status, Map<String, String> tags) {
    client.logBatch(id, List.of(), List.of(), tags(tags));
    client.setTerminated(id, status);
  }

  private static List<RunTag> tags(Map<String, String> tags) {
    List<RunTag> list = new ArrayList<>();
    tags.forEach((key, value) -> list.add(tag(key, value)));
    return list;
  }

  private static RunTag tag(String key, String value) {
    return RunTag.newBuilder().setKey(key).setValue(value).build();
  }

  @Override
  public void close() {
    client.close();
  }
}
