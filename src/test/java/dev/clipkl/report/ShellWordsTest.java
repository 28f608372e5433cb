package dev.clipkl.report;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ShellWordsTest {
  @Test
  void wordsThatAShellWouldReadOtherwiseAreQuoted() {
    assertThat(ShellWords.quote("runs/demo/reverse-kl")).isEqualTo("runs/demo/reverse-kl");
    assertThat(ShellWords.quote("my runs; rm $HOME")).isEqualTo("'my runs; rm $HOME'");
    assertThat(ShellWords.quote("it's")).isEqualTo("'it'\\''s'");
    assertThat(ShellWords.quote("")).isEqualTo("''");
  }
}
