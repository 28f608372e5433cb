package dev.clipkl.training;

import dev.clipkl.table.ByteSize;
import dev.clipkl.table.MemoryBudget;
import dev.clipkl.table.MemoryBudget.Item;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Where a bandit's tables lie: in memory if that suffices, else in mapped files of which some rows
 * stay in memory. Results do not depend on it.
 *
 * @param residentRows rows of every table that stay in memory; all of them, unless tables are on
 *     the disk
 * @param onDisk whether tables are mapped files
 * @param computesReference whether reference rows are computed when they are read, because storing
 *     them would have put the tables on the disk
 * @param reason what was needed and what there is, for people
 */
record TablePlacement(long residentRows, boolean onDisk, boolean computesReference, String reason) {

  /**
   * What a bandit's tables and the work on them need.
   *
   * @param rows of each table
   * @param tables what can be on the disk, as a whole each
   * @param reference the reference's table
   * @param canComputeReference whether it can be left out
   * @param work what is always in memory
   * @param rowsInWork how many rows are read or written at a time
   */
  record Demand(
      long rows,
      List<Item> tables,
      Item reference,
      boolean canComputeReference,
      List<Item> work,
      int rowsInWork) {

    private List<Item> items(boolean computed) {
      return Stream.of(
              tables.stream(), Stream.of(reference).filter(item -> !computed), work.stream())
          .flatMap(items -> items)
          .toList();
    }
  }

  /**
   * Places tables: stored in memory, else with a computed reference in memory, else on the disk.
   *
   * @throws dev.clipkl.failure.EnvironmentException when not even the rows that are being worked on
   *     fit in memory
   */
  static TablePlacement choose(MemoryBudget budget, Demand demand) {
    long all = MemoryBudget.sum(demand.items(false));
    if (all <= budget.bytes()) {
      return new TablePlacement(demand.rows, false, false, "in memory");
    }
    String tooLarge =
        "%s in all, %s are available (%s)"
            .formatted(ByteSize.format(all), ByteSize.format(budget.bytes()), budget.source());
    boolean computed = demand.canComputeReference;
    if (computed && MemoryBudget.sum(demand.items(true)) <= budget.bytes()) {
      return new TablePlacement(
          demand.rows, false, true, "in memory but for the reference: " + tooLarge);
    }
    long onDisk = MemoryBudget.sum(demand.items(computed)) - MemoryBudget.sum(demand.work);
    long rowBytes = Math.ceilDiv(onDisk, demand.rows);
    List<Item> least = new ArrayList<>(demand.work);
    least.add(new Item("table rows in work", rowBytes * demand.rowsInWork));
    budget.require(
        least,
        "use a smaller vocabulary or fewer run.threads, or raise run.memory if the machine has more");
    long residentRows = (budget.bytes() - MemoryBudget.sum(least)) / rowBytes;
    return new TablePlacement(residentRows, true, computed, "on the disk: " + tooLarge);
  }

  /** A line for people. */
  String description(long rows) {
    return "tables: %s%s%s"
        .formatted(
            reason,
            computesReference ? "; reference rows are computed when they are read" : "",
            onDisk ? "; %d of %d rows stay in memory".formatted(residentRows, rows) : "");
  }
}
