package dev.clipkl.language;

import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.zip.CRC32;

/**
 * A fixed split of preference pairs: of the different prompts, ordered by CRC-32 and then by text,
 * the first fifth (rounded up) with all their pairs are held out. So no prompt is on both sides,
 * and neither the order of the file nor a seed matters.
 */
record PreferenceSplit(List<PreferencePair> training, List<PreferencePair> heldOut) {
  private static final int HELD_OUT_ONE_IN = 5;

  static PreferenceSplit of(List<PreferencePair> pairs) {
    List<String> prompts =
        pairs.stream()
            .map(PreferencePair::prompt)
            .distinct()
            .sorted(Comparator.comparingLong(PreferenceSplit::crc).thenComparing(text -> text))
            .toList();
    Set<String> held =
        new HashSet<>(prompts.subList(0, Math.ceilDiv(prompts.size(), HELD_OUT_ONE_IN)));
    Predicate<PreferencePair> isHeldOut = pair -> held.contains(pair.prompt());
    return new PreferenceSplit(
        pairs.stream().filter(isHeldOut.negate()).toList(),
        pairs.stream().filter(isHeldOut).toList());
  }

  private static long crc(String text) {
    CRC32 crc = new CRC32();
    crc.update(text.getBytes(StandardCharsets.UTF_8));
    return crc.getValue();
  }
}
