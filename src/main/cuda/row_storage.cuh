// Where a row's numbers lie, four at a time.
//
// Each thread reads and writes the same entries throughout, so that working arrays need no barrier.
#pragma once

#include "platform.cuh"

namespace clipkl {

constexpr int QUAD = 4;

/// Four neighbouring entries.
struct Quad {
  float v[QUAD];
};

/// The part of the row that this block holds.
struct Part {
  int begin;   ///< its first column
  int length;  ///< its entries, maybe none

  /// Calls body(index within the part, live entries) for each of this thread's quads.
  template <class Body>
  CLIPKL_DEVICE void forEachQuad(Body body) const {
#pragma unroll 1
    for (int i = threadIndex() * QUAD; i < length; i += THREADS * QUAD) {
      int rest = length - i;
      body(i, rest < QUAD ? rest : QUAD);
    }
  }
};

/// Reads four entries, `i` a multiple of four. Arrays are padded to 64 bytes, so a read beyond the
/// end stays within them; the last entry is repeated there, which changes no extreme. Masses are set
/// to 0 there.
CLIPKL_DEVICE void repeatLast(Quad& quad, int live) {
  if (live < QUAD) {
#pragma unroll
    for (int j = 1; j < QUAD; j++) {
      quad.v[j] = j < live ? quad.v[j] : quad.v[j - 1];
    }
  }
}

CLIPKL_DEVICE void clearBeyond(Quad& quad, int live) {
  if (live < QUAD) {
#pragma unroll
    for (int j = 1; j < QUAD; j++) {
      quad.v[j] = j < live ? quad.v[j] : 0.0f;
    }
  }
}

CLIPKL_DEVICE Quad loadQuad(const float* array, int i, int live) {
  float4 x = *reinterpret_cast<const float4*>(array + i);
  Quad quad = {{x.x, x.y, x.z, x.w}};
  repeatLast(quad, live);
  return quad;
}

CLIPKL_DEVICE void storeQuad(float* array, int i, int live, const Quad& quad) {
  if (live == QUAD) {
    *reinterpret_cast<float4*>(array + i) = make_float4(quad.v[0], quad.v[1], quad.v[2], quad.v[3]);
  } else {
#pragma unroll
    for (int j = 0; j < QUAD - 1; j++) {
      if (j < live) {
        array[i + j] = quad.v[j];
      }
    }
  }
}

CLIPKL_DEVICE float ofBfloat16(unsigned bits) { return __int_as_float(int(bits << 16)); }

/// IEEE half precision, subnormals among it, by scaling: exact.
CLIPKL_DEVICE float ofFloat16(unsigned bits) {
  unsigned exponentAndMantissa = (bits & 0x7fffu) << 13;
  // 2^112 moves the bias from 15 to 127; infinity and NaN keep an exponent of all ones.
  float magnitude = exponentAndMantissa >= 0x0f800000u
                        ? __int_as_float(int(exponentAndMantissa | 0x7f800000u))
                        : __int_as_float(int(exponentAndMantissa)) * 5.192296858534828e33f;
  return (bits & 0x8000u) != 0 ? -magnitude : magnitude;
}

/// Where a table has a row of the launch.
CLIPKL_DEVICE char* rowAddress(const TableView& view, int row) {
  int place = row;
  if (view.layerRows != 0) {
    place = (view.firstState - view.placedState + row) % view.layerRows;
  }
  return static_cast<char*>(view.data) + place * view.rowBytes;
}

/// One row of a table of any precision, from the part's first column.
class TableRow {
 public:
  CLIPKL_DEVICE TableRow(const TableView& view, int row, int firstColumn)
      : precision(view.precision), isShifted(view.logNormalizers != nullptr) {
    int size = precision == FLOAT32 ? 4 : 2;
    data = rowAddress(view, row) + (long long)firstColumn * size;
    if (isShifted) {
      double shift = view.logNormalizers[view.rowBytes == 0 ? 0 : row];
      shiftHigh = float(shift);
      shiftLow = float(shift - double(shiftHigh));
    }
  }

  /// Whether its entries are float32 numbers as they stand.
  static CLIPKL_DEVICE bool isPlain(const TableView& view) {
    return view.precision == FLOAT32 && view.logNormalizers == nullptr && view.shared == nullptr;
  }

  CLIPKL_DEVICE Quad load(int i, int live) const {
    Quad quad;
    if (precision == FLOAT32) {
      quad = loadQuad(reinterpret_cast<const float*>(data), i, live);
    } else {
      uint2 x = *reinterpret_cast<const uint2*>(data + 2 * (long long)i);
      unsigned bits[QUAD] = {x.x & 0xffffu, x.x >> 16, x.y & 0xffffu, x.y >> 16};
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        quad.v[j] = precision == BFLOAT16 ? ofBfloat16(bits[j]) : ofFloat16(bits[j]);
      }
      repeatLast(quad, live);
    }
    if (isShifted) {
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        quad.v[j] = shift(quad.v[j]);
      }
    }
    return quad;
  }

 private:
  /// x - shift as float64 would round it: what the first difference loses is added again.
  CLIPKL_DEVICE float shift(float x) const {
    float difference = x - shiftHigh;
    float part = difference - x;
    float lost = (x - (difference - part)) + (-shiftHigh - part);
    return difference + (lost - shiftLow);
  }

  const char* data;
  int precision;
  bool isShifted;
  float shiftHigh = 0.0f;
  float shiftLow = 0.0f;
};

/// The same with what the rows of its layer share.
class LayeredRow {
 public:
  CLIPKL_DEVICE LayeredRow(const TableView& view, int row, int firstColumn)
      : own(view, row, firstColumn) {
    if (view.shared != nullptr) {
      int layer = (view.firstState + row) / view.layerRows;
      shared = view.shared + layer * (view.sharedBytes / int(sizeof(double))) + firstColumn;
    }
  }

  CLIPKL_DEVICE Quad load(int i, int live) const {
    Quad quad = own.load(i, live);
    if (shared != nullptr) {
      // In float64 and rounded once, as the host does.
      const double2* from = reinterpret_cast<const double2*>(shared + i);
#pragma unroll
      for (int j = 0; j < QUAD; j += 2) {
        double2 add = from[j / 2];
        quad.v[j] = float(double(quad.v[j]) + add.x);
        quad.v[j + 1] = float(double(quad.v[j + 1]) + add.y);
      }
      repeatLast(quad, live);
    }
    return quad;
  }

 private:
  TableRow own;
  const double* shared = nullptr;
};

/// Copies a row of any table to a float32 array.
CLIPKL_SWEEP void convert(const TableView& view, int row, Part part, float* to) {
  LayeredRow from(view, row, part.begin);
  part.forEachQuad([&](int i, int live) { storeQuad(to, i, live, from.load(i, live)); });
}

CLIPKL_SWEEP void copy(const float* from, Part part, float* to) {
  part.forEachQuad([&](int i, int live) { storeQuad(to, i, live, loadQuad(from, i, live)); });
}

CLIPKL_SWEEP void clear(float* to, Part part) {
  Quad zero = {{0.0f, 0.0f, 0.0f, 0.0f}};
  part.forEachQuad([&](int i, int live) { storeQuad(to, i, live, zero); });
}

}  // namespace clipkl
