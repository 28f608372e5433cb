package dev.clipkl.config;

import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.failure.InputException;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.table.RowTable.Precision;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A resolved run configuration: every key has its value, given or default.
 *
 * <p>Paths in it are as they were given; a relative one is relative to the working directory, not
 * to the configuration file, so that a file and the same keys by {@code --set} mean the same.
 *
 * @param problem what is optimized over
 * @param objective what is optimized
 * @param optimizer how
 * @param mode which algorithm the optimizer's defaults stand for
 * @param run where and with what
 * @param compare what {@code compare} makes of it; other commands do not look at it
 */
public record RunConfig(
    Problem problem,
    Objective objective,
    Optimizer optimizer,
    Mode mode,
    Run run,
    Compare compare) {

  private static final Pattern LEVELS = Pattern.compile("\\.");

  /** A configuration with nothing in section {@code compare}. */
  public RunConfig(Problem problem, Objective objective, Optimizer optimizer, Mode mode, Run run) {
    this(problem, objective, optimizer, mode, run, Compare.DEFAULT);
  }

  /**
   * Section {@code problem}: either {@code importFile}, or prompts, tokenizer, reference and
   * reward.
   *
   * @param kind what the states are
   * @param prompts the prompts' JSONL file
   * @param tokenizer a built-in tokenizer's name or the path of a tokenizer.json
   * @param reference the reference policy's file
   * @param reward the reward's file
   * @param importFile a whole problem as safetensors
   * @param discount the discount factor in [0, 1]; 0 for a bandit
   * @param contexts what a sequence problem's states are
   * @param start how averages weigh the states
   * @param storage how a bandit's reference and reward tables are stored; not float64
   */
  public record Problem(
      ProblemKind kind,
      Optional<Path> prompts,
      Optional<String> tokenizer,
      Optional<Path> reference,
      Optional<Path> reward,
      Optional<Path> importFile,
      double discount,
      Contexts contexts,
      StartDistribution start,
      Precision storage) {
    public Problem {
      ConfigKeys.DISCOUNT.require(discount);
    }
  }

  /**
   * The part of section {@code problem} that sequence problems alone have.
   *
   * @param classes number of context classes, at least 2
   * @param horizon most tokens of a text; 0 for no limit
   * @param exploration share of the start distribution that all classes have evenly, in (0, 1]
   * @param endReward added to the reward of the end-of-text token
   */
  public record Contexts(int classes, int horizon, double exploration, double endReward) {
    public Contexts {
      ConfigKeys.CLASSES.require(classes);
      ConfigKeys.HORIZON.require(horizon);
      ConfigKeys.EXPLORATION.require(exploration);
      ConfigKeys.END_REWARD.require(endReward);
    }
  }

  /**
   * Section {@code objective}.
   *
   * @param divergence the divergence to the reference
   * @param lambda its weight, above 0
   * @param clipEpsilon the ratio band's half width, in (0, 1)
   */
  public record Objective(Divergence divergence, double lambda, double clipEpsilon) {
    public Objective {
      ConfigKeys.LAMBDA.require(lambda);
      ConfigKeys.CLIP_EPSILON.require(clipEpsilon);
    }
  }

  /**
   * Section {@code optimizer}.
   *
   * @param kind the ascent direction; empty for {@code auto}
   * @param stepRule how long a step is
   * @param stepSize in units of the optimizer's unit step, above 0
   * @param weights the factor on a state's step
   * @param innerSteps steps per outer iteration, at least 1
   * @param outerIterations the most there are, at least 1
   * @param tolerance the exact mean gap at which the run stops, at least 0
   * @param maxSeconds seconds of training after which the run stops, above 0
   */
  public record Optimizer(
      Optional<OptimizerKind> kind,
      StepRuleKind stepRule,
      double stepSize,
      WeightKind weights,
      int innerSteps,
      int outerIterations,
      double tolerance,
      Optional<Double> maxSeconds) {
    public Optimizer {
      ConfigKeys.STEP_SIZE.require(stepSize);
      ConfigKeys.INNER_STEPS.require(innerSteps);
      ConfigKeys.OUTER_ITERATIONS.require(outerIterations);
      ConfigKeys.TOLERANCE.require(tolerance);
      maxSeconds.ifPresent(ConfigKeys.MAX_SECONDS::require);
    }

    /** The ascent direction, where {@code auto} is the one recommended for the divergence. */
    public OptimizerKind kindFor(Divergence divergence) {
      return kind.orElseGet(() -> OptimizerKind.recommendedFor(divergence));
    }
  }

  /**
   * Section {@code run}.
   *
   * @param engine what executes the run
   * @param threads CPU threads; 0 for all cores
   * @param memory {@code auto} or a size, as {@link dev.clipkl.table.MemoryBudget#parse} takes it
   * @param checkpointEvery the time between checkpoints; zero for one per block of outer iterations
   * @param metricsEvery outer iterations between two lines of metrics, at least 1
   * @param trackers where metrics go besides {@code metrics.jsonl}
   * @param out the run directory
   */
  public record Run(
      EngineChoice engine,
      int threads,
      String memory,
      Duration checkpointEvery,
      int metricsEvery,
      Trackers trackers,
      Path out) {
    public Run {
      ConfigKeys.THREADS.require(threads);
      ConfigKeys.MEMORY.require(memory);
      ConfigKeys.CHECKPOINT_EVERY.require(checkpointEvery);
      ConfigKeys.METRICS_EVERY.require(metricsEvery);
    }

    /** {@link #threads}, where 0 is the number of cores. */
    public int threadCount() {
      return threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
    }
  }

  /**
   * Section {@code compare}.
   *
   * @param divergences what is compared at one lambda and at one budget
   * @param budget nats of KL that the optima share; empty for those of the first divergence's
   * @param frontierLambdas the frontier's grid, in this order; empty for no frontier
   * @param frontierTrained whether policies are trained on the grid
   * @param sweep values by key, as the keys write them; a run for each combination
   * @param promptCount prompts of a random subset; 0 for all prompts
   * @param promptSeeds one subset each
   * @param parallel runs at a time, at least 1
   * @param top tokens of a row that overlaps look at, at least 1
   */
  public record Compare(
      List<Divergence> divergences,
      Optional<Double> budget,
      List<Double> frontierLambdas,
      boolean frontierTrained,
      Map<String, List<String>> sweep,
      int promptCount,
      List<Integer> promptSeeds,
      int parallel,
      int top) {
    private static final List<Divergence> BOTH_KL = List.of(new ForwardKl(), new ReverseKl());

    /** Every key's default. */
    public static final Compare DEFAULT =
        new Compare(
            BOTH_KL,
            Optional.empty(),
            required(ConfigKeys.FRONTIER_LAMBDAS.defaultValue()),
            required(ConfigKeys.FRONTIER_TRAINED.defaultValue()),
            required(ConfigKeys.SWEEP.defaultValue()),
            required(ConfigKeys.PROMPT_COUNT.defaultValue()),
            required(ConfigKeys.PROMPT_SEEDS.defaultValue()),
            required(ConfigKeys.PARALLEL.defaultValue()),
            required(ConfigKeys.TOP.defaultValue()));

    public Compare {
      divergences = List.copyOf(divergences);
      budget.ifPresent(ConfigKeys.BUDGET::require);
      frontierLambdas = List.copyOf(frontierLambdas);
      ConfigKeys.FRONTIER_LAMBDAS.require(frontierLambdas);
      ConfigKeys.SWEEP.require(sweep);
      sweep = Collections.unmodifiableMap(new LinkedHashMap<>(sweep));
      ConfigKeys.PROMPT_COUNT.require(promptCount);
      promptSeeds = List.copyOf(promptSeeds);
      ConfigKeys.PARALLEL.require(parallel);
      ConfigKeys.TOP.require(top);
    }

    private static <T> T required(@Nullable T value) {
      return Objects.requireNonNull(value);
    }

    /** What is compared when nothing is said: a sweep alone compares nothing else. */
    static List<Divergence> defaultDivergences(Map<String, List<String>> sweep, int promptCount) {
      return sweep.isEmpty() && promptCount == 0 ? BOTH_KL : List.of();
    }

    /** Whether there are runs for combinations of values or subsets of the prompts. */
    public boolean hasSweep() {
      return !sweep.isEmpty() || promptCount > 0;
    }
  }

  /**
   * Where metrics go besides {@code metrics.jsonl}.
   *
   * @param tensorBoard whether a TensorBoard event file is written
   * @param csv whether {@code metrics.csv} is written
   * @param mlflow the tracking server that the run is sent to
   */
  public record Trackers(boolean tensorBoard, boolean csv, Optional<URI> mlflow) {
    public Trackers {
      mlflow.ifPresent(ConfigKeys.MLFLOW::require);
    }
  }

  /**
   * Reads a YAML file.
   *
   * @param overrides {@code path=value} each, in the order given; they win over the file
   * @throws InputException if the file is missing or not YAML; or with one line for every unknown
   *     key, wrong value, missing value and contradiction
   */
  public static RunConfig read(Path file, List<String> overrides) {
    String yaml;
    try {
      yaml = Files.readString(file);
    } catch (NoSuchFileException e) {
      throw new InputException("%s: no such configuration file".formatted(file), e);
    } catch (CharacterCodingException e) {
      throw new InputException("%s: not YAML: not encoded in UTF-8".formatted(file), e);
    } catch (IOException e) {
      String reason = Files.isDirectory(file) ? "it is a folder" : "it cannot be read";
      throw new InputException(
          "%s: expected a configuration file, but %s".formatted(file, reason), e);
    }
    String name = String.valueOf(file.getFileName()).replaceFirst("(?i)\\.ya?ml$", "");
    return parse(yaml, file.toString(), name, overrides);
  }

  /**
   * Reads a YAML text.
   *
   * @param source what the text is called in messages
   * @param name the run's name, for its default run directory
   * @param overrides as for {@link #read}
   * @throws InputException as for {@link #read}
   */
  public static RunConfig parse(String yaml, String source, String name, List<String> overrides) {
    return ConfigResolver.resolve(yaml, source, name, overrides);
  }

  /** The same configuration with another run directory. */
  public RunConfig withOut(Path out) {
    Run other =
        new Run(
            run.engine(),
            run.threads(),
            run.memory(),
            run.checkpointEvery(),
            run.metricsEvery(),
            run.trackers(),
            out);
    return new RunConfig(problem, objective, optimizer, mode, other, compare);
  }

  /**
   * The same configuration with other paths: each of {@code problem} and {@code run} by {@code
   * paths}, {@code problem.tokenizer} by {@code tokenizer}.
   */
  public RunConfig withPaths(UnaryOperator<Path> paths, UnaryOperator<String> tokenizer) {
    Problem other =
        new Problem(
            problem.kind(),
            problem.prompts().map(paths),
            problem.tokenizer().map(tokenizer),
            problem.reference().map(paths),
            problem.reward().map(paths),
            problem.importFile().map(paths),
            problem.discount(),
            problem.contexts(),
            problem.start(),
            problem.storage());
    return new RunConfig(other, objective, optimizer, mode, run, compare)
        .withOut(paths.apply(run.out()));
  }

  /**
   * The same run with some keys set anew, and nothing in section {@code compare}.
   *
   * @param settings {@code path=value} each
   * @throws InputException with one line for every wrong value and contradiction
   */
  public RunConfig with(List<String> settings) {
    RunConfig alone = new RunConfig(problem, objective, optimizer, mode, run);
    return parse(alone.toYaml(), "configuration", "unnamed", settings);
  }

  /** The text of a key's value; empty where it has none. */
  public Optional<String> text(String path) {
    return Optional.ofNullable(ConfigReference.find(path)).flatMap(key -> key.text(this));
  }

  /** All keys that have a value, by path, in the order of the reference. */
  public Map<String, String> values() {
    Map<String, String> values = new LinkedHashMap<>();
    for (ConfigKey<?> key : ConfigKeys.ALL) {
      key.text(this).ifPresent(text -> values.put(key.path(), text));
    }
    return values;
  }

  /** All keys with their values as YAML, which {@link #parse} reads back to an equal value. */
  public String toYaml() {
    StringWriter yaml = new StringWriter();
    YAMLFactory factory =
        YAMLFactory.builder()
            .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
            .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
            .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
            .disable(YAMLGenerator.Feature.SPLIT_LINES)
            .build();
    try (YAMLGenerator generator = factory.createGenerator(yaml)) {
      generator.writeStartObject();
      String section = "";
      for (ConfigKey<?> key : ConfigKeys.ALL) {
        if (key.path().startsWith("compare.") && compare.equals(Compare.DEFAULT)) {
          continue;
        }
        changeSection(generator, section, key.section());
        section = key.section();
        writeValue(generator, key);
      }
      changeSection(generator, section, "");
      generator.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory", e);
    }
    return yaml.toString();
  }

  /** Closes and opens sections on the way from one to another; names between dots are levels. */
  private static void changeSection(YAMLGenerator generator, String from, String to)
      throws IOException {
    List<String> open = levels(from);
    List<String> wanted = levels(to);
    int shared = 0;
    while (shared < Math.min(open.size(), wanted.size())
        && open.get(shared).equals(wanted.get(shared))) {
      shared++;
    }
    for (int level = shared; level < open.size(); level++) {
      generator.writeEndObject();
    }
    for (String name : wanted.subList(shared, wanted.size())) {
      generator.writeObjectFieldStart(name);
    }
  }

  private static List<String> levels(String section) {
    return section.isEmpty() ? List.of() : LEVELS.splitAsStream(section).toList();
  }

  private void writeValue(YAMLGenerator generator, ConfigKey<?> key) throws IOException {
    generator.writeFieldName(key.name());
    Optional<String> text = key.text(this);
    if (text.isEmpty()) {
      generator.writeNull();
      return;
    }
    switch (key.form()) {
      case TEXT -> generator.writeString(text.get());
      case NUMBER -> generator.writeNumber(text.get());
      case TEXTS -> writeList(generator, ValueTexts.split(text.get()), false);
      case NUMBERS -> writeList(generator, ValueTexts.split(text.get()), true);
      case LISTS_BY_KEY -> {
        generator.writeStartObject();
        for (Map.Entry<String, List<String>> entry : compare.sweep().entrySet()) {
          generator.writeFieldName(entry.getKey());
          ConfigKey<?> swept = ConfigReference.find(entry.getKey());
          writeList(
              generator, entry.getValue(), swept != null && swept.form() == ConfigKey.Form.NUMBER);
        }
        generator.writeEndObject();
      }
    }
  }

  private static void writeList(YAMLGenerator generator, List<String> texts, boolean numbers)
      throws IOException {
    generator.writeStartArray();
    for (String text : texts) {
      if (numbers) {
        generator.writeNumber(text);
      } else {
        generator.writeString(text);
      }
    }
    generator.writeEndArray();
  }
}
