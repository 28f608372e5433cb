package dev.clipkl.report;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.SerializableString;
import com.fasterxml.jackson.core.io.CharacterEscapes;
import com.fasterxml.jackson.core.io.SerializedString;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import dev.clipkl.report.ReportSubject.Group;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the page's script reads, as JSON inside a {@code script} element.
 *
 * @param runs labels
 * @param groups of runs that belong side by side
 * @param charts in the page's order
 * @param tokens one per problem
 */
record PageData(
    List<String> runs, List<Group> groups, List<Chart> charts, List<TokenTables> tokens) {
  /** More digits than a screen shows, and fewer than float64 has. */
  private static final MathContext DIGITS = new MathContext(8);

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .addModule(new SimpleModule().addSerializer(double[].class, new ShortNumbers()))
          .build();

  static {
    JSON.getFactory().setCharacterEscapes(new NoMarkup());
  }

  /** The document. No text in it can end the element that it stands in. */
  String json() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("plain records can be written", e);
    }
  }

  /** Eight digits each, null for what JSON has no number for. */
  private static final class ShortNumbers extends StdSerializer<double[]> {
    private static final long serialVersionUID = 1;

    ShortNumbers() {
      super(double[].class);
    }

    @Override
    public void serialize(double[] values, JsonGenerator json, SerializerProvider provider)
        throws IOException {
      json.writeStartArray();
      for (double value : values) {
        if (!Double.isFinite(value)) {
          json.writeNull();
        } else if (value == Math.rint(value) && Math.abs(value) < 1e9) {
          json.writeNumber((long) value);
        } else {
          json.writeNumber(new BigDecimal(value).round(DIGITS).stripTrailingZeros());
        }
      }
      json.writeEndArray();
    }
  }

  /** Every character that HTML or JavaScript gives a meaning of its own, as a JSON escape. */
  private static final class NoMarkup extends CharacterEscapes {
    private static final long serialVersionUID = 1;

    private static final int[] ASCII = standardAsciiEscapesForJSON();

    static {
      for (char character : new char[] {'<', '>', '&', '\''}) {
        ASCII[character] = ESCAPE_CUSTOM;
      }
    }

    @Override
    public int[] getEscapeCodesForAscii() {
      return ASCII.clone();
    }

    @Override
    public @Nullable SerializableString getEscapeSequence(int character) {
      boolean escaped =
          character == '\u2028'
              || character == '\u2029'
              || (character < ASCII.length && ASCII[character] == ESCAPE_CUSTOM);
      return escaped ? new SerializedString("\\u%04X".formatted(character)) : null;
    }
  }
}
