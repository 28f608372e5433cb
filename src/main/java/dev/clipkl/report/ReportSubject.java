package dev.clipkl.report;

import dev.clipkl.compare.ComparedPolicy;
import dev.clipkl.compare.Comparison;
import dev.clipkl.compare.ComparisonFile;
import dev.clipkl.compare.PolicyMatch;
import dev.clipkl.failure.InputException;
import dev.clipkl.inspect.StoredRun;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a report is about: runs, or a comparison with the runs that it made.
 *
 * @param title its heading
 * @param runs read back
 * @param groups which of them belong side by side; all in one group without a comparison
 * @param comparison null for plain runs
 */
record ReportSubject(
    String title, List<Run> runs, List<Group> groups, @Nullable Comparison comparison) {
  ReportSubject {
    runs = List.copyOf(runs);
    groups = List.copyOf(groups);
  }

  private static final int MOST_NAMES = 2;

  /** A run and what it is called here; no two runs have the same label. */
  record Run(String label, StoredRun stored) {}

  /** Runs that are shown together, by their places. */
  record Group(String label, List<Integer> runs) {
    Group {
      runs = List.copyOf(runs);
    }
  }

  /**
   * Reads directories: of runs, or the one of a comparison.
   *
   * @throws InputException when one holds neither, or a file in it is unsound
   */
  static ReportSubject read(List<Path> directories) {
    for (Path directory : directories) {
      if (!StoredRun.isRun(directory) && !isComparison(directory)) {
        throw new InputException(
            "%s holds no run and no comparison, expected a folder with a config.yaml or a %s"
                .formatted(directory, ComparisonFile.NAME));
      }
    }
    if (directories.stream().noneMatch(directory -> isComparison(directory))) {
      return ofRuns(directories);
    }
    if (directories.size() > 1) {
      throw new InputException(
          "a comparison's report is its own: expected one folder with a %s, got %d folders"
              .formatted(ComparisonFile.NAME, directories.size()));
    }
    return ofComparison(
        directories.getFirst(),
        ComparisonFile.read(directories.getFirst().resolve(ComparisonFile.NAME)));
  }

  /** Whether a folder holds a comparison. */
  static boolean isComparison(Path directory) {
    return Files.isRegularFile(directory.resolve(ComparisonFile.NAME));
  }

  private static ReportSubject ofRuns(List<Path> directories) {
    List<StoredRun> stored = directories.stream().map(StoredRun::read).toList();
    Map<String, StoredRun> labelled = new LinkedHashMap<>();
    for (StoredRun run : stored) {
      boolean unique =
          stored.stream().filter(other -> other.name().equals(run.name())).count() == 1;
      String label = unique ? run.name() : run.directory().toString();
      if (labelled.put(label, run) != null) {
        throw new InputException("%s is named twice".formatted(run.directory()));
      }
    }
    List<Run> runs = new ArrayList<>();
    labelled.forEach((label, run) -> runs.add(new Run(label, run)));
    return new ReportSubject(title(runs), runs, List.of(group("All runs", runs.size())), null);
  }

  private static String title(List<Run> runs) {
    return runs.size() <= MOST_NAMES
        ? String.join(" and ", runs.stream().map(Run::label).toList())
        : "%s and %d more runs".formatted(runs.getFirst().label(), runs.size() - 1);
  }

  private static Group group(String label, int size) {
    List<Integer> places = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      places.add(i);
    }
    return new Group(label, places);
  }

  private static ReportSubject ofComparison(Path directory, Comparison comparison) {
    List<String> paths = new ArrayList<>();
    List<Run> runs = new ArrayList<>();
    List<Group> groups = new ArrayList<>();
    for (PolicyMatch match : comparison.matches()) {
      List<Integer> places = new ArrayList<>();
      for (ComparedPolicy policy : match.policies()) {
        int place = paths.indexOf(policy.run());
        if (place < 0) {
          place = paths.size();
          paths.add(policy.run());
          runs.add(new Run(label(policy), StoredRun.read(directory.resolve(policy.run()))));
        }
        places.add(place);
      }
      groups.add(new Group(Measures.matched(match), places));
    }
    if (groups.isEmpty()) {
      // A sweep, whose results are tables; or a frontier alone, which has a chart of its own.
      groups.add(group("All runs", 0));
    }
    return new ReportSubject(comparison.name(), distinct(runs, paths), groups, comparison);
  }

  private static String label(ComparedPolicy policy) {
    return "%s, λ = %s".formatted(policy.divergence(), Numbers.of(policy.lambda()));
  }

  /** Runs of one divergence and lambda are told apart by their directories. */
  private static List<Run> distinct(List<Run> runs, List<String> paths) {
    List<Run> distinct = new ArrayList<>();
    for (int i = 0; i < runs.size(); i++) {
      Run run = runs.get(i);
      boolean unique =
          runs.stream().filter(other -> other.label().equals(run.label())).count() == 1;
      distinct.add(unique ? run : new Run(run.label() + ", " + paths.get(i), run.stored()));
    }
    return distinct;
  }
}
