package dev.clipkl.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {
  @TempDir Path folder;

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> String.valueOf(file.getFileName())).sorted().toList();
    }
  }

  @Test
  void committedFileReplacesTheOldOne() throws IOException {
    Path target = folder.resolve("a.txt");
    AtomicFile.writeString(target, "old and longer");
    AtomicFile.writeString(target, "new");
    assertThat(target).hasContent("new");
    assertThat(names()).containsExactly("a.txt");
  }

  @Test
  void bytesAreNotVisibleBeforeCommit() throws IOException {
    Path target = folder.resolve("a.txt");
    AtomicFile.writeString(target, "old");
    try (AtomicFile file = AtomicFile.open(target);
        OutputStream stream = file.outputStream()) {
      stream.write("new".getBytes(StandardCharsets.UTF_8));
      stream.write('!');
      assertThat(target).hasContent("old");
      file.commit();
    }
    assertThat(target).hasContent("new!");
  }

  @Test
  void closingWithoutCommitKeepsTheOldFile() throws IOException {
    Path target = folder.resolve("a.txt");
    AtomicFile.writeString(target, "old");
    try (AtomicFile file = AtomicFile.open(target)) {
      file.write(ByteBuffer.wrap(new byte[100]));
    }
    assertThat(target).hasContent("old");
    assertThat(names()).containsExactly("a.txt");
  }

  @Test
  void secondCommitIsRefused() {
    try (AtomicFile file = AtomicFile.open(folder.resolve("a.txt"))) {
      file.commit();
      assertThatThrownBy(file::commit).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void missingFolderIsNamed() {
    Path target = folder.resolve("missing/a.txt");
    assertThatThrownBy(() -> AtomicFile.writeString(target, "x"))
        .isInstanceOf(InputException.class)
        .hasMessage(
            "cannot write %s: its folder %s does not exist", target, folder.resolve("missing"));
  }

  @Test
  void fileInTheFoldersPlaceIsNamed() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "x");
    assertThatThrownBy(() -> AtomicFile.writeString(file.resolve("a.txt"), "x"))
        .isInstanceOf(InputException.class)
        .hasMessage("cannot write %s: %s is not a folder", file.resolve("a.txt"), file);
  }

  @Test
  void folderAsTargetIsRefused() {
    assertThatThrownBy(() -> AtomicFile.writeString(folder, "x"))
        .isInstanceOf(InputException.class)
        .hasMessage("cannot write %s: it is a folder, expected a file", folder);
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void unwritableFolderIsNamed() {
    // Not even root can make files there.
    Path target = Path.of("/proc/self/fdinfo/clipkl.txt");
    assertThatThrownBy(() -> AtomicFile.writeString(target, "x"))
        .isInstanceOf(InputException.class)
        .hasMessageStartingWith(
            "cannot write /proc/self/fdinfo/clipkl.txt: its folder /proc/self/fdinfo is not"
                + " writable (");
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void deviceAsTargetIsRefused() {
    assertThatThrownBy(() -> AtomicFile.open(Path.of("/dev/null")))
        .isInstanceOf(InputException.class)
        .hasMessage("cannot write /dev/null: it is not a regular file, expected a file");
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void fullDiskKeepsTheOldFileAndSaysHowMuchWasNeeded() throws IOException {
    Path target = folder.resolve("a.txt");
    AtomicFile.writeString(target, "old");
    // Every write to this device ends with the system's own "no space left".
    Path temporary = Files.createSymbolicLink(folder.resolve(".a.txt.tmp"), Path.of("/dev/full"));
    try (AtomicFile file = AtomicFile.openThrough(target, temporary)) {
      assertThatThrownBy(() -> file.write(ByteBuffer.wrap(new byte[5000])))
          .isInstanceOf(EnvironmentException.class)
          .hasMessageStartingWith(
              "disk full: writing %s needs at least 5,000 bytes (4.9 KiB), ".formatted(target))
          .hasMessageEndingWith(" are free");
    }
    assertThat(target).hasContent("old");
    assertThat(names()).containsExactly("a.txt");
  }

  @Test
  void tooLittleSpaceIsRefusedBeforeWriting() throws IOException {
    Path target = folder.resolve("a.txt");
    AtomicFile.writeString(target, "old");
    try (AtomicFile file = AtomicFile.open(target)) {
      assertThatThrownBy(() -> file.requireSpace(1L << 60))
          .isInstanceOf(EnvironmentException.class)
          .hasMessageStartingWith("disk full: writing %s needs at least ".formatted(target))
          .hasMessageContaining("(1.0 EiB)");
    }
    assertThat(target).hasContent("old");
    assertThat(names()).containsExactly("a.txt");
  }

  @Test
  void leftoverOfAKilledWriterIsDeleted() throws IOException {
    Path target = folder.resolve("a.txt");
    Files.writeString(folder.resolve(".a.txt.0123456789abcdef.tmp"), "half");
    Files.writeString(folder.resolve(".b.txt.0123456789abcdef.tmp"), "another target's");
    AtomicFile.writeString(target, "new");
    assertThat(names()).containsExactly(".b.txt.0123456789abcdef.tmp", "a.txt");
  }

  @Test
  void writersOfOneTargetLeaveEachOtherAlone() {
    Path target = folder.resolve("a.txt");
    try (AtomicFile first = AtomicFile.open(target);
        AtomicFile second = AtomicFile.open(target)) {
      first.write(ByteBuffer.wrap(new byte[] {'1'}));
      second.write(ByteBuffer.wrap(new byte[] {'2'}));
      second.commit();
      assertThat(target).hasContent("2");
      first.commit();
      assertThat(target).hasContent("1");
    }
  }
}
