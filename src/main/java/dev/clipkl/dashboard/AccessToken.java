package dev.clipkl.dashboard;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;

/** A secret of 128 random bits that stands in the address of a page. */
final class AccessToken {
  private static final int BYTES = 16;

  private final String text;

  AccessToken() {
    byte[] random = new byte[BYTES];
    new SecureRandom().nextBytes(random);
    text = Base64.getUrlEncoder().withoutPadding().encodeToString(random);
  }

  /** Whether a text is this token; the time it takes does not tell how much of it is right. */
  boolean matches(String given) {
    return MessageDigest.isEqual(text.getBytes(UTF_8), given.getBytes(UTF_8));
  }

  /** For the address. */
  String text() {
    return text;
  }
}
