package dev.clipkl.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class FieldTableTest {
  @Test
  void longValueContinuesBelowItself() {
    StringWriter text = new StringWriter();
    new FieldTable()
        .add("size", "3 MiB")
        .add("corpus", "word ".repeat(40).strip())
        .print(new PrintWriter(text, true));
    assertThat(text.toString().lines()).allMatch(line -> line.length() <= FieldTable.WIDTH);
    assertThat(text.toString().lines().toList())
        .startsWith("size    3 MiB")
        .last()
        .asString()
        .startsWith("        word");
  }

  @Test
  void pathIsNeverBroken() {
    String path = "/a-long/folder-name".repeat(8);
    StringWriter text = new StringWriter();
    new FieldTable().add("file", path).print(new PrintWriter(text, true));
    assertThat(text.toString()).isEqualTo("file  " + path + System.lineSeparator());
  }
}
