/** Sends a run to an MLflow tracking server, beside the training and never in its way. */
@NullMarked
package dev.clipkl.metrics.mlflow;

import org.jspecify.annotations.NullMarked;
