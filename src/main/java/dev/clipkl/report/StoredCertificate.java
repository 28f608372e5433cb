package dev.clipkl.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.clipkl.failure.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A run's {@code certificate.json}, as {@code clipkl certify} left it.
 *
 * @param replayed outer iterations that were replayed
 * @param guarantee what is proven about the rate, in words
 * @param facts numbers by name
 * @param standings the claims by what stands behind them, the strongest first
 * @param notes of the rates, and warnings
 */
record StoredCertificate(
    int replayed,
    String guarantee,
    List<Fact> facts,
    List<ClaimsOfStanding> standings,
    List<String> notes) {
  /** The file's name in a run's directory. */
  static final String NAME = "certificate.json";

  private static final JsonMapper JSON = new JsonMapper();

  /** A number with its name. */
  record Fact(String name, String value) {}

  /**
   * The claims of one standing.
   *
   * @param standing proven, claimed, assumption, asymptotic or measured
   * @param meaning of the standing
   * @param binding whether a failure is the certificate's
   */
  record ClaimsOfStanding(String standing, String meaning, boolean binding, List<Row> claims) {}

  /** One claim, as it is written down. */
  record Row(
      String name,
      String equation,
      String measured,
      String relation,
      String bound,
      String slack,
      boolean holds,
      String verdict,
      @Nullable String note) {}

  /** What stands behind a claim, in words; the names are the file's. */
  private enum Standing {
    PROVEN("a theorem whose premises this run meets", true),
    CLAIMED("promised by the method; the proof does not cover this configuration", true),
    ASSUMPTION("what the proofs take for granted", true),
    ASYMPTOTIC("true in the limit, near the optimum", false),
    MEASURED("measured only, proven by nobody", false);

    private final String meaning;
    private final boolean binding;

    Standing(String meaning, boolean binding) {
      this.meaning = meaning;
      this.binding = binding;
    }

    String key() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * Reads a run's certificate.
   *
   * @return null where the run has none
   * @throws InputException when the file is no certificate
   */
  static @Nullable StoredCertificate read(Path run) {
    Path file = run.resolve(NAME);
    if (!Files.exists(file)) {
      return null;
    }
    try {
      JsonNode root = JSON.readTree(file.toFile());
      if (!root.path("checks").isArray()) {
        throw new InputException("%s: expected an object with checks".formatted(file));
      }
      return of(root);
    } catch (IOException e) {
      throw new InputException("%s: no JSON document: %s".formatted(file, e.getMessage()), e);
    }
  }

  private static StoredCertificate of(JsonNode root) {
    List<ClaimsOfStanding> standings = new ArrayList<>();
    for (Standing standing : Standing.values()) {
      List<Row> rows = new ArrayList<>();
      for (JsonNode check : root.path("checks")) {
        if (check.path("standing").asText().equals(standing.key())) {
          rows.add(row(check));
        }
      }
      if (!rows.isEmpty()) {
        standings.add(
            new ClaimsOfStanding(standing.key(), standing.meaning, standing.binding, rows));
      }
    }
    JsonNode rate = root.path("rate");
    List<String> notes = new ArrayList<>();
    rate.path("notes").forEach(note -> notes.add(note.asText()));
    root.path("warnings").forEach(warning -> notes.add(warning.asText()));
    return new StoredCertificate(
        root.path("replayed").intValue(),
        rate.path("guarantee").asText(),
        facts(root, rate),
        standings,
        notes);
  }

  private static List<Fact> facts(JsonNode root, JsonNode rate) {
    return List.of(
        new Fact("value", Numbers.of(number(root.path("value")), 12)),
        new Fact(
            "optimum",
            "between %s and %s"
                .formatted(
                    Numbers.of(number(root.path("optimum_lower")), 12),
                    Numbers.of(number(root.path("optimum_upper")), 12))),
        new Fact("exact gap", Numbers.of(number(root.path("gap")), 6)),
        new Fact(
            "rate per inner step, predicted", Numbers.of(number(rate.path("predicted_per_step")))),
        new Fact(
            "rate per inner step, measured", Numbers.of(number(rate.path("measured_per_step")))),
        new Fact(
            "steps of plain gradient ascent to a gap of "
                + Numbers.of(number(rate.path("tolerance"))),
            Numbers.of(number(rate.path("predicted_raw_gradient_steps")))));
  }

  private static Row row(JsonNode check) {
    boolean holds = check.path("holds").booleanValue();
    return new Row(
        check.path("name").asText(),
        check.path("equation").asText(),
        Numbers.of(number(check.path("measured"))),
        check.path("relation").asText().equals("<=") ? "≤" : "≥",
        Numbers.of(number(check.path("bound"))),
        Numbers.of(number(check.path("slack"))),
        holds,
        holds
            ? "holds"
            : "fails in %s of %s"
                .formatted(
                    Numbers.count(check.path("violations").longValue()),
                    Numbers.count(check.path("cases").longValue())),
        check.path("note").isTextual() ? check.path("note").asText() : null);
  }

  /** NaN where JSON has null. */
  private static double number(JsonNode node) {
    return node.isNumber() ? node.doubleValue() : Double.NaN;
  }

  /** Claims whose failure is the certificate's failure. */
  int binding() {
    return standings.stream()
        .filter(ClaimsOfStanding::binding)
        .mapToInt(s -> s.claims().size())
        .sum();
  }

  /** Names of the binding claims that fail. */
  List<String> failures() {
    return standings.stream()
        .filter(ClaimsOfStanding::binding)
        .flatMap(standing -> standing.claims().stream())
        .filter(claim -> !claim.holds())
        .map(Row::name)
        .toList();
  }

  /** What it comes to, in a sentence. */
  String verdict() {
    String replay =
        replayed > 0
            ? "over %s replayed %s"
                .formatted(
                    Numbers.count(replayed), replayed == 1 ? "outer iteration" : "outer iterations")
            : "for the last policy alone; the way to it was not replayed";
    List<String> failures = failures();
    return failures.isEmpty()
        ? "Its certificate holds %s: %s claims with a theorem behind them, %s binding ones in all."
            .formatted(replay, Numbers.count(proven()), Numbers.count(binding()))
        : "Its certificate fails, %s: %s.".formatted(replay, String.join("; ", failures));
  }

  /** How many claims have a theorem behind them. */
  int proven() {
    return standings.stream()
        .filter(standing -> standing.standing().equals(Standing.PROVEN.key()))
        .mapToInt(standing -> standing.claims().size())
        .sum();
  }
}
