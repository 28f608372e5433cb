package dev.clipkl.engine.cuda;

import dev.clipkl.engine.RowBlock;
import dev.clipkl.table.RowTable;
import org.jspecify.annotations.Nullable;

/**
 * A block whose rows have their place, and those of its tables that are on the device.
 *
 * @param gradients whether there is room for gradients
 * @param resident the rows that stay there; null where all travel
 */
record PlacedRows(
    RowBlock block, boolean gradients, RowPlacement placement, @Nullable DeviceRows resident) {

  /** Whether a call on another block finds its rows where these are. */
  boolean serves(RowBlock other, boolean withGradients) {
    return gradients == withGradients
        && other.actor().logits() == block.actor().logits()
        && isStoredAs(other.reference(), block.reference())
        && isStoredAs(other.actionValues(), block.actionValues())
        && other.firstRow() >= block.firstRow()
        && other.endRow() <= block.endRow();
  }

  /** What the rows of a layer share may differ: it comes with each call. */
  private static boolean isStoredAs(RowTable table, RowTable other) {
    return DeviceTable.stored(table) == DeviceTable.stored(other) && table.rows() == other.rows();
  }

  /** The end of the rows that are on the device. */
  int residentEnd() {
    return block.firstRow() + placement.residentRows();
  }

  /** Where the other rows travel, how many at a time. */
  int streamedRows() {
    return placement.streamedRows();
  }
}
