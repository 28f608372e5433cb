package dev.clipkl.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsFile;
import dev.clipkl.table.TensorType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class DenseReferenceTest {
  private static final int COLUMNS = 7;
  private static final List<Prompt> PROMPTS = List.of(new Prompt("kind"), new Prompt("rude calm"));

  @TempDir private Path folder;
  private Tokenizer tokenizer = Tokenizers.open("r50k_base");

  @BeforeEach
  void sevenWords() throws IOException {
    tokenizer = Tokenizers.open(TokenizerJsonTest.wordLevel(folder).toString());
  }

  private static double[] random(long seed) {
    Random random = new Random(seed);
    return random.doubles(2 * COLUMNS, -12, 3).toArray();
  }

  private Path logits(TensorType type, double... values) {
    return TensorFiles.write(
        folder.resolve("in.safetensors"), "reference_logits", type, values, 2, COLUMNS);
  }

  private RowTable fill(Path file, Arena arena) {
    RowTable table = RowTable.allocate(arena, PROMPTS.size(), COLUMNS);
    try (ReferenceFile reference = ReferenceFile.open(file)) {
      reference.fillRows(PROMPTS, tokenizer, table);
    }
    return table;
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16", "F32", "F64"})
  void logitsOfEveryTypeBecomeLogProbabilities(TensorType type) {
    double[] logits = random(5);
    try (Arena arena = Arena.ofConfined()) {
      RowTable table = fill(logits(type, logits), arena);
      double relative = type == TensorType.BF16 ? 1 / 256. : type == TensorType.F16 ? 1e-3 : 1e-7;
      for (int row = 0; row < 2; row++) {
        double z = 0;
        double sum = 0;
        for (int a = 0; a < COLUMNS; a++) {
          z += Math.exp(logits[row * COLUMNS + a]);
          sum += Math.exp(table.get(row, a));
        }
        assertThat(sum).as("seed 5").isCloseTo(1, within(1e-6));
        for (int a = 0; a < COLUMNS; a++) {
          double expected = logits[row * COLUMNS + a] - Math.log(z);
          assertThat(table.get(row, a)).isCloseTo(expected, within(24 * relative + 1e-6));
        }
      }
    }
  }

  @Test
  void float64TablesKeepFloat64() {
    double[] logits = random(13);
    Path file = logits(TensorType.F64, logits);
    try (Arena arena = Arena.ofConfined();
        ReferenceFile reference = ReferenceFile.open(file)) {
      RowTable table = RowTable.allocate(arena, RowTable.Precision.FLOAT64, 2, COLUMNS);
      reference.fillRows(PROMPTS, tokenizer, table);
      double sum = 0;
      for (int a = 0; a < COLUMNS; a++) {
        sum += Math.exp(table.get(1, a));
      }
      assertThat(sum).as("seed 13").isCloseTo(1, within(1e-14));
    }
  }

  @Test
  void hugeLogitsDoNotOverflow() {
    double[] logits = random(6);
    double[] shifted = logits.clone();
    for (int i = 0; i < COLUMNS; i++) {
      shifted[i] += 1e6;
    }
    try (Arena arena = Arena.ofConfined()) {
      RowTable table = fill(logits(TensorType.F64, shifted), arena);
      RowTable plain = fill(logits(TensorType.F64, logits), arena);
      for (int a = 0; a < COLUMNS; a++) {
        assertThat(table.get(0, a)).isCloseTo(plain.get(0, a), within(1e-6));
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "NaN ~ reference_logits[1, 2] (token rude) is NaN, expected a finite number",
        "Infinity ~ reference_logits[1, 2] (token rude) is Infinity, expected a finite number",
        "-Infinity ~ reference_logits[1, 2] (token rude) is -Infinity: a zero reference probability",
        "-1e30 ~ reference_logits[1, 2] (token rude) is -1.0E30: a zero reference probability"
      })
  void badEntryIsRefusedWithRowAndColumn(double bad, String message) {
    double[] logits = random(7);
    logits[COLUMNS + 2] = bad;
    Path file = logits(TensorType.F64, logits);
    try (Arena arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> fill(file, arena))
          .isInstanceOf(InputException.class)
          .hasMessageContaining(file.toString())
          .hasMessageContaining(message)
          .message()
          .hasLineCount(1);
    }
  }

  @Test
  void shapesAreCheckedAgainstPromptsAndTokenizer() {
    Path file = logits(TensorType.F32, random(8));
    Tokenizer larger = Tokenizers.open("r50k_base");
    try (ReferenceFile reference = ReferenceFile.open(file)) {
      reference.check(PROMPTS, tokenizer);
      assertThatThrownBy(() -> reference.check(PROMPTS.subList(0, 1), tokenizer))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("reference_logits has 2 rows, expected one per prompt: 1");
      assertThatThrownBy(() -> reference.check(PROMPTS, larger))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("smaller than the tokenizer's: 7 columns, r50k_base has 50257");
    }
    Path wide =
        TensorFiles.write(
            folder.resolve("wide"), "reference_logits", TensorType.F32, new double[16], 2, 8);
    try (ReferenceFile reference = ReferenceFile.open(wide)) {
      assertThatThrownBy(() -> reference.check(PROMPTS, tokenizer))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("larger than the tokenizer's: 8 columns");
    }
    Path flat =
        TensorFiles.write(
            folder.resolve("flat"), "reference_logits", TensorType.F32, new double[14], 14);
    assertThatThrownBy(() -> ReferenceFile.open(flat))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("reference_logits");
    Path other =
        TensorFiles.write(folder.resolve("other"), "weights", TensorType.F32, new double[1], 1);
    assertThatThrownBy(() -> ReferenceFile.open(other))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("no reference: expected an n-gram model or a tensor")
        .hasMessageContaining("got weights");
  }

  @Test
  void logProbabilitiesMustSumToOne() {
    double[] even = new double[2 * COLUMNS];
    java.util.Arrays.fill(even, -Math.log(COLUMNS) + 0.01);
    Path file = folder.resolve("p.safetensors");
    TensorFiles.write(file, "reference_log_probs", TensorType.F32, even, 2, COLUMNS);
    try (Arena arena = Arena.ofConfined()) {
      assertThat(fill(file, arena).get(1, 3)).isCloseTo(-Math.log(COLUMNS), within(1e-6));
      TensorFiles.write(file, "reference_log_probs", TensorType.F32, random(9), 2, COLUMNS);
      assertThatThrownBy(() -> fill(file, arena))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("row 0 sum to")
          .hasMessageContaining("as reference_logits");
    }
  }

  @Test
  void importWritesNormalisedRowsThatReadBackTheSame() {
    Path source = logits(TensorType.BF16, random(10));
    Path imported = folder.resolve("out.safetensors");
    ReferenceImport.Summary summary = ReferenceImport.run(source, PROMPTS, tokenizer, imported);
    assertThat(summary.rows()).isEqualTo(2);
    assertThat(summary.vocabularySize()).isEqualTo(COLUMNS);
    try (Arena arena = Arena.ofConfined();
        SafetensorsFile file = SafetensorsFile.open(imported)) {
      assertThat(file.metadata())
          .containsEntry("kind", "reference-rows")
          .containsEntry("tokenizer_fingerprint", tokenizer.fingerprint());
      RowTable direct = fill(source, arena);
      RowTable again = fill(imported, arena);
      double smallest = 1;
      for (int row = 0; row < 2; row++) {
        for (int a = 0; a < COLUMNS; a++) {
          assertThat(again.get(row, a)).isCloseTo(direct.get(row, a), within(1e-6));
          smallest = Math.min(smallest, Math.exp(direct.get(row, a)));
        }
      }
      assertThat(summary.minProbability()).isCloseTo(smallest, within(1e-6 * smallest));
    }
  }

  @Test
  void failedImportLeavesTheOldFile() throws IOException {
    double[] logits = random(11);
    logits[COLUMNS + 1] = Double.NaN;
    Path source = logits(TensorType.F64, logits);
    Path out = Files.writeString(folder.resolve("old.safetensors"), "precious");
    assertThatThrownBy(() -> ReferenceImport.run(source, PROMPTS, tokenizer, out))
        .isInstanceOf(InputException.class);
    assertThat(out).hasContent("precious");
  }

  @Test
  void rowsMadeWithAnotherTokenizerAreRefused() throws IOException {
    Path imported = folder.resolve("out.safetensors");
    ReferenceImport.run(logits(TensorType.F32, random(12)), PROMPTS, tokenizer, imported);
    Path words = Path.of(tokenizer.name());
    Path renamed =
        Files.writeString(
            folder.resolve("renamed.json"), Files.readString(words).replace("calm", "cool"));
    Tokenizer other = Tokenizers.open(renamed.toString());
    try (ReferenceFile reference = ReferenceFile.open(imported)) {
      assertThatThrownBy(() -> reference.check(PROMPTS, other))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("made with tokenizer " + words);
    }
  }
}
