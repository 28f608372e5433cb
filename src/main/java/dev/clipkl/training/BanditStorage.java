package dev.clipkl.training;

import dev.clipkl.config.RunConfig;
import dev.clipkl.language.ContextClasses;
import dev.clipkl.language.DenseReference;
import dev.clipkl.language.DenseRewards;
import dev.clipkl.language.NGramReference;
import dev.clipkl.language.Prompt;
import dev.clipkl.language.ReferenceFile;
import dev.clipkl.language.RewardFile;
import dev.clipkl.language.Tokenizer;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.TableSpace;
import dev.clipkl.table.Tensor;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Makes the tables of a bandit where its {@link TablePlacement} says. What can be read from the
 * user's own file as it is, is not copied to the disk.
 */
final class BanditStorage {
  private final Arena arena;
  private final RowTable.Precision storage;
  private final TablePlacement placement;
  private final TableSpace space;
  private final int threads;

  BanditStorage(RunConfig config, TablePlacement placement, Arena arena) {
    this.arena = arena;
    this.placement = placement;
    storage = config.problem().storage();
    threads = config.run().threadCount();
    space =
        placement.onDisk()
            ? TableSpace.onDisk(arena, folder(config.run().out()), placement.residentRows())
            : TableSpace.inMemory(arena);
  }

  /** The run directory or, as long as there is none, the nearest folder above it. */
  private static Path folder(Path out) {
    Path folder = out.toAbsolutePath();
    while (!Files.isDirectory(folder) && folder.getParent() != null) {
      folder = folder.getParent();
    }
    return folder;
  }

  /** Whether a reference needs no table: a model's rows are float32, so rounded ones are stored. */
  static boolean canCompute(ReferenceFile file, RunConfig config) {
    return file instanceof NGramReference
        && config.problem().storage() == RowTable.Precision.FLOAT32;
  }

  /** Where further tables of the run belong. */
  TableSpace space() {
    return space;
  }

  /** The prompts' reference rows, nats, {@code [prompts, vocabulary]}. */
  RowTable reference(ReferenceFile file, List<Prompt> prompts, Tokenizer tokenizer) {
    return switch (file) {
      case DenseReference rows -> {
        rows.check(prompts, tokenizer);
        yield reference(rows);
      }
      case NGramReference model -> {
        if (placement.computesReference()) {
          yield model.computedRows(prompts, tokenizer);
        }
        yield stored(
            model.computedRows(prompts, tokenizer),
            table -> model.fillRows(prompts, tokenizer, table));
      }
    };
  }

  /** The reference rows of context classes, nats, {@code [classes, vocabulary]}. */
  RowTable classRows(ContextClasses classes) {
    RowTable computed = classes.computedRows();
    if (placement.computesReference()) {
      return computed;
    }
    return stored(computed, classes::fillRows);
  }

  /**
   * Computed rows in a table.
   *
   * @param normalizedFill fills a table of 16 bits, whose rows have to be normalised again
   */
  private RowTable stored(RowTable computed, Consumer<RowTable> normalizedFill) {
    RowTable table = space.allocate(storage, computed.rows(), computed.columns());
    if (table.isHalf()) {
      normalizedFill.accept(table);
    } else {
      TableCopy.copy(computed, table, threads);
    }
    return table;
  }

  /** Stored reference rows, nats, {@code [rows, vocabulary]}. */
  RowTable reference(DenseReference rows) {
    if (placement.onDisk()) {
      Optional<RowTable> mapped = rows.mapped(storage, placement.residentRows());
      if (mapped.isPresent()) {
        return mapped.get();
      }
    }
    RowTable table = space.allocate(storage, rows.rows(), rows.vocabularySize());
    rows.fill(table);
    return table;
  }

  /** The rewards, {@code [rows, vocabulary]}; a single row for all prompts is always float32. */
  RowTable rewards(RewardFile file, long rows) {
    if (placement.onDisk() && file instanceof DenseRewards dense) {
      Optional<RowTable> mapped = dense.mapped(storage, placement.residentRows());
      if (mapped.isPresent()) {
        return mapped.get();
      }
    }
    return ownRewards(file, rows);
  }

  /** The same in a table that may be written to. */
  RowTable ownRewards(RewardFile file, long rows) {
    RowTable table =
        file.isOneRow()
            ? RowTable.broadcast(arena, rows, file.vocabularySize())
            : space.allocate(storage, rows, file.vocabularySize());
    file.fill(table);
    return table;
  }

  /** Whether {@link #initialLogits} needs a table for a tensor: others are read from the file. */
  static boolean copiesInitialLogits(Tensor tensor) {
    return !tensor.isStoredAs(RowTable.Precision.FLOAT32);
  }

  /** Where training starts, float32; read once or twice, so nothing of it stays in memory. */
  RowTable initialLogits(Tensor tensor, long rows, int columns) {
    tensor.requireShape(rows, columns);
    if (!copiesInitialLogits(tensor)) {
      return tensor.asTable(0);
    }
    RowTable table = space.allocate(RowTable.Precision.FLOAT32, rows, columns);
    tensor.readTable(table);
    return table;
  }
}
