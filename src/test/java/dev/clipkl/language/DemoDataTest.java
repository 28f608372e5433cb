package dev.clipkl.language;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.OptionalDouble;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The files under data/ do what the demo needs of them. */
class DemoDataTest {
  private static final Path DATA = Path.of("data");

  @ParameterizedTest
  @ValueSource(strings = {"r50k_base", "cl100k_base", "o200k_base"})
  void preferencesAreLearnedAndHoldForUnseenPrompts(String name) {
    Tokenizer tokenizer = Tokenizers.open(name);
    PreferenceFit fit =
        BradleyTerry.fit(
            Preferences.read(DATA.resolve("preferences.jsonl")),
            tokenizer,
            OptionalDouble.empty(),
            BradleyTerry.DEFAULT_TOLERANCE);
    assertThat(fit.gradientNorm()).isLessThanOrEqualTo(BradleyTerry.DEFAULT_TOLERANCE);
    assertThat(fit.heldOutAccuracy()).isGreaterThan(0.8);
    float[] rewards = fit.rewards(1);
    double unseen = fit.unseenReward(1);
    assertThat(rewards[tokenizer.encode(" kind")[0]]).isGreaterThan((float) unseen);
    assertThat(rewards[tokenizer.encode(" rude")[0]]).isLessThan((float) unseen);
  }

  @ParameterizedTest
  @ValueSource(strings = {"r50k_base", "cl100k_base", "o200k_base"})
  void everyLexiconEntryIsOneToken(String name) {
    TokenLexicon lexicon = TokenLexicon.read(DATA.resolve("lexicon.csv"), Tokenizers.open(name));
    assertThat(lexicon.unmapped()).isEmpty();
    assertThat(lexicon.mappedTokens()).isGreaterThan(100);
    assertThat(Prompts.read(DATA.resolve("prompts.jsonl"))).hasSizeGreaterThanOrEqualTo(256);
  }
}
