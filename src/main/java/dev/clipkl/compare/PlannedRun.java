package dev.clipkl.compare;

import dev.clipkl.config.RunConfig;
import java.util.Map;

/**
 * A run that a comparison consists of.
 *
 * @param id its folder's name, the same in every session
 * @param config what it does; its folder, threads and memory are set when it starts
 * @param settings what tells it from the others, for the table of results: values by key
 */
record PlannedRun(String id, RunConfig config, Map<String, String> settings) {}
