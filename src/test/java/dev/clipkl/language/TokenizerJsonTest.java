package dev.clipkl.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.failure.InputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerJsonTest {
  private static final String ADDED =
      """
      {"id":%d,"content":"%s","single_word":false,"lstrip":false,"rstrip":false,\
      "normalized":false,"special":%s}\
      """;

  @TempDir private Path folder;

  static Path wordLevel(Path folder) throws IOException {
    return Files.writeString(
        folder.resolve("words.json"),
        """
        {"version":"1.0","truncation":{"direction":"Right","max_length":2,"strategy":"LongestFirst","stride":0},
         "padding":null,"added_tokens":[%s,%s,%s],"normalizer":null,
         "pre_tokenizer":{"type":"WhitespaceSplit"},
         "post_processor":{"type":"TemplateProcessing",
           "single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
           "pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],
           "special_tokens":{"<s>":{"id":"<s>","ids":[5],"tokens":["<s>"]}}},
         "decoder":null,"model":{"type":"WordLevel",
           "vocab":{"<unk>":0,"kind":1,"rude":2,"calm":3,"</s>":4},"unk_token":"<unk>"}}
        """
            .formatted(
                ADDED.formatted(4, "</s>", true),
                ADDED.formatted(5, "<s>", true),
                ADDED.formatted(6, "<tool>", false)));
  }

  private Path byteLevel() throws IOException {
    return Files.writeString(
        folder.resolve("bytes.json"),
        """
        {"version":"1.0","truncation":null,"padding":null,"added_tokens":[%s],"normalizer":null,
         "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},
         "post_processor":null,"decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},
         "model":{"type":"BPE","vocab":{"a":0,"b":1,"Ġ":2,"ab":3,"Ġab":4,"Ċ":5,"Ã":6,"©":7,"<":8,">":9,"|":10,"e":11},
           "merges":["a b","Ġ ab"]}}
        """
            .formatted(ADDED.formatted(12, "<|e|>", true)));
  }

  @Test
  void wordsAreLookedUpAndSpecialTokensAreOrdinaryText() throws IOException {
    Tokenizer tokenizer = Tokenizers.open(wordLevel(folder).toString());
    assertThat(tokenizer.vocabularySize()).isEqualTo(7);
    assertThat(tokenizer.encode("kind rude calm kind")).containsExactly(1, 2, 3, 1);
    assertThat(tokenizer.encode("kind <s> </s> <unk>")).containsExactly(1, 0, 0, 0);
    assertThat(tokenizer.encode("rude<tool>")).containsExactly(2, 6);
    assertThat(tokenizer.display(5)).isEqualTo("<s>");
    assertThat(tokenizer.endOfText()).hasValue(4);
    assertThat(tokenizer.isSpecial(0)).isTrue();
    assertThat(tokenizer.isSpecial(1)).isFalse();
    assertThat(tokenizer.decode(new int[] {1, 3})).isEqualTo("kind calm");
  }

  @Test
  void byteLevelTokensHaveTheBytesTheySpell() throws IOException {
    Tokenizer tokenizer = Tokenizers.open(byteLevel().toString());
    assertThat(tokenizer.encode("ab ab\né")).containsExactly(3, 4, 5, 6, 7);
    assertThat(tokenizer.encode("<|e|>")).containsExactly(8, 10, 11, 10, 9);
    assertThat(tokenizer.display(4)).isEqualTo("␣ab");
    assertThat(tokenizer.display(5)).isEqualTo("⏎");
    assertThat(tokenizer.display(6)).isEqualTo("\\xC3");
    assertThat(tokenizer.decode(new int[] {3, 4, 5, 6, 7})).isEqualTo("ab ab\né");
    assertThat(tokenizer.decode(new int[] {3, 12})).isEqualTo("ab<|e|>");
    assertThat(tokenizer.endOfText()).isEmpty();
  }

  @Test
  void sentencePieceTokensShowTheirSpacesAndSpecialTokensStayText() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("pieces.json"),
            """
            {"version":"1.0","truncation":null,"padding":null,"added_tokens":[%s,%s],"normalizer":null,
             "pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true},
             "post_processor":null,
             "decoder":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true},
             "model":{"type":"Unigram","unk_id":0,"byte_fallback":false,
               "vocab":[["<unk>",0],["</s>",0],["▁kind",-1],["▁",-2],["<",-3],["/",-3],["s",-3],[">",-3]]}}
            """
                .formatted(ADDED.formatted(0, "<unk>", true), ADDED.formatted(1, "</s>", true)));
    Tokenizer tokenizer = Tokenizers.open(file.toString());
    assertThat(tokenizer.encode("kind kind")).containsExactly(2, 2);
    assertThat(tokenizer.encode("</s>")).containsExactly(3, 4, 5, 6, 7);
    assertThat(tokenizer.display(2)).isEqualTo("␣kind");
    assertThat(tokenizer.endOfText()).hasValue(1);
    assertThat(tokenizer.decode(new int[] {2, 2, 1})).contains("kind kind");
    assertThat(TokenCountDifference.completionTokens("kind", "kind", tokenizer)).containsExactly(2);
  }

  @Test
  void everyByteHasOneSpelling() {
    var spelled = new java.util.HashSet<Integer>();
    for (char character = 0; character < 0x200; character++) {
      if (TokenSpelling.byteOf(character) >= 0) {
        assertThat(spelled.add(TokenSpelling.byteOf(character))).isTrue();
      }
    }
    assertThat(spelled).hasSize(256);
    assertThat(TokenSpelling.byteOf('Ġ')).isEqualTo(' ');
    assertThat(TokenSpelling.byteOf('Ń')).isEqualTo(0xAD);
  }

  @Test
  void sentencePieceAndWordPieceSpellingsAreUndone() {
    assertThat(TokenSpelling.METASPACE.bytes("▁kind"))
        .isEqualTo(" kind".getBytes(StandardCharsets.UTF_8));
    assertThat(TokenSpelling.METASPACE.bytes("<0x0A>")).isEqualTo(new byte[] {10});
    assertThat(TokenSpelling.CONTINUATION_PREFIX.bytes("##ness"))
        .isEqualTo("ness".getBytes(StandardCharsets.UTF_8));
    assertThat(TokenSpelling.CONTINUATION_PREFIX.bytes("##"))
        .isEqualTo("##".getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void unassignedIdsAreHoles() throws IOException {
    String json = Files.readString(byteLevel()).replace("\"e\":11", "\"e\":13");
    Tokenizer tokenizer =
        Tokenizers.open(Files.writeString(folder.resolve("hole.json"), json).toString());
    assertThat(tokenizer.vocabularySize()).isEqualTo(14);
    assertThat(tokenizer.display(11)).isEqualTo("<hole 11>");
  }

  @Test
  void fingerprintFollowsTheFile() throws IOException {
    Path first = wordLevel(folder);
    Path second =
        Files.writeString(
            folder.resolve("other.json"), Files.readString(first).replace("calm", "cool"));
    assertThat(Tokenizers.open(first.toString()).fingerprint())
        .hasSize(64)
        .isNotEqualTo(Tokenizers.open(second.toString()).fingerprint());
  }

  @Test
  void brokenFilesAreRefusedInOneLine() throws IOException {
    refused("{\"model\":", "not JSON");
    refused("[]", "expected a JSON object");
    refused("{}", "model.vocab is missing or empty");
    refused("{\"model\":{\"vocab\":{\"a\":-1}}}", "must have an id >= 0, got -1");
    refused("{\"model\":{\"vocab\":{\"a\":9999999}}}", "id 9999999");
    refused("{\"model\":{\"type\":\"NoSuch\",\"vocab\":{\"a\":0}}}", "tokenizers library");
    assertThatThrownBy(() -> Tokenizers.open(folder.toString()))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("not a readable tokenizer.json file");
  }

  private void refused(String json, String reason) throws IOException {
    Path file = Files.writeString(folder.resolve("broken.json"), json);
    assertThatThrownBy(() -> Tokenizers.open(file.toString()))
        .isInstanceOf(InputException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining(reason)
        .message()
        .hasLineCount(1);
  }
}
