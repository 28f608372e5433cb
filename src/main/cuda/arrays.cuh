// Where a row's arrays are: on the chip, or in the tables and a slice of scratch memory.
#pragma once

#include "policy.cuh"
#include "row_storage.cuh"

namespace clipkl {

/// CLUSTERED rows are always on the chip, so that the compiler knows their addresses to be in shared
/// memory.
template <bool CLUSTERED>
class RowArrays {
 public:
  CLIPKL_DEVICE RowArrays(const RowsParameters& launch, int rank, int ranks)
      : parameters(launch) {
    stride = partLength(launch.columns, ranks);
    part.begin = min(rank * stride, launch.columns);
    part.length = min(stride, launch.columns - part.begin);
    optimizer = launch.optimizer;
    logitSlots = takesOneStep(launch) ? 1 : logitArrays(launch.stepRule);
    isOnChip = CLUSTERED || launch.arrays != 0;
  }

  /// Takes a row in hand; what is needed in another form than the table has is copied.
  CLIPKL_DEVICE void open(int newRow) {
    row = newRow;
    if (isOnChip) {
      convert(parameters.reference, row, part, working(0));
      convert(parameters.actionValues, row, part, working(1));
      copy(tableRow(parameters.logits), part, working(2));
      if (hasProposedMoment(optimizer) || optimizer == ADAM) {
        copy(tableRow(parameters.moment1), part, moment(0));
      }
      if (optimizer == ADAM) {
        copy(tableRow(parameters.moment2), part, moment(1));
      }
      return;
    }
    if constexpr (!CLUSTERED) {
      firstScratch = 0;
      referenceRow = plain(parameters.reference);
      actionValueRow = plain(parameters.actionValues);
    }
  }

  /// Takes a row in hand whose caller copies what is to be on the chip.
  ///
  /// @return whether it is to
  CLIPKL_DEVICE bool openToFill(int newRow) {
    if (!CLUSTERED && !isOnChip) {
      open(newRow);
      return false;
    }
    row = newRow;
    return true;
  }

  /// The working arrays of log q, Q, and the current logits.
  CLIPKL_DEVICE float* working(int index) const {
    return reinterpret_cast<float*>(sharedMemory() + REDUCTION_BYTES) + index * stride;
  }

  /// Writes the current logits and moments back to the tables.
  ///
  /// @param isWritten whether the last step has put the logits there, and what goes with them
  CLIPKL_DEVICE void close(const Policy& current, bool isWritten) {
    if (!isWritten) {
      copyBack(logits(current.slot), parameters.logits);
    }
    if (hasProposedMoment(optimizer)) {
      if (!isWritten) {
        copyBack(moment(current.momentSlot), parameters.moment1);
      }
    } else if (optimizer == ADAM) {
      copyBack(moment(0), parameters.moment1);
      copyBack(moment(1), parameters.moment2);
    }
  }

  /// log q.
  CLIPKL_DEVICE const float* reference() const {
    if (CLUSTERED || isOnChip) {
      return working(0);
    }
    return referenceRow;
  }

  /// Q.
  CLIPKL_DEVICE const float* actionValues() const {
    if (CLUSTERED || isOnChip) {
      return working(1);
    }
    return actionValueRow;
  }

  /// The logits in a slot; off the chip, slot 0 is the table's own row.
  CLIPKL_DEVICE float* logits(int slot) const {
    if (CLUSTERED || isOnChip) {
      return working(2 + slot);
    }
    return slot == 0 ? tableRow(parameters.logits) : scratch(slot - 1);
  }

  /// An optimizer's numbers: slots 0 and 1 are Adam's moments, or the current and the proposed ones
  /// of the others.
  CLIPKL_DEVICE float* moment(int slot) const {
    if (CLUSTERED || isOnChip) {
      return working(2 + logitSlots + slot);
    }
    if (slot == 0) {
      return tableRow(parameters.moment1);
    }
    return optimizer == ADAM ? tableRow(parameters.moment2) : scratch(logitSlots - 1);
  }

  /// This block's part of the row in a float32 table.
  CLIPKL_DEVICE float* tableRow(const TableView& view) const {
    return reinterpret_cast<float*>(rowAddress(view, row)) + part.begin;
  }

  const RowsParameters& parameters;
  Part part;
  int row = 0;
  int optimizer;
  int logitSlots;

 private:
  CLIPKL_DEVICE float* scratch(int index) const {
    char* slice = reinterpret_cast<char*>(parameters.scratch) +
                  blockIndex() * parameters.scratchBytesPerBlock;
    return reinterpret_cast<float*>(slice) + (long long)(firstScratch + index) * stride;
  }

  /// The row as plain float32 numbers: the table's own, or a copy.
  CLIPKL_DEVICE const float* plain(const TableView& view) {
    if (TableRow::isPlain(view)) {
      return tableRow(view);
    }
    float* copied = scratch(0);
    convert(view, row, part, copied);
    firstScratch++;
    return copied;
  }

  CLIPKL_DEVICE void copyBack(const float* from, const TableView& view) {
    float* to = tableRow(view);
    if (from != to) {
      copy(from, part, to);
    }
  }

  int stride;
  int firstScratch = 0;
  bool isOnChip;
  const float* referenceRow = nullptr;
  const float* actionValueRow = nullptr;
};

}  // namespace clipkl
