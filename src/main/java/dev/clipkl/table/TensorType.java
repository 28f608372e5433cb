package dev.clipkl.table;

/** The element types of a safetensors file that take whole bytes, by their names in the format. */
public enum TensorType {
  BOOL(1, false),
  U8(1, false),
  I8(1, false),
  U16(2, false),
  I16(2, false),
  U32(4, false),
  I32(4, false),
  U64(8, false),
  I64(8, false),
  F8_E4M3(1, false),
  F8_E5M2(1, false),
  F8_E8M0(1, false),
  /** IEEE 754 binary16. */
  F16(2, true),
  /** The upper half of a binary32. */
  BF16(2, true),
  F32(4, true),
  F64(8, true),
  /** Two binary32: real, imaginary. */
  C64(8, false);

  private final int bytes;
  private final boolean readableAsFloat;

  TensorType(int bytes, boolean readableAsFloat) {
    this.bytes = bytes;
    this.readableAsFloat = readableAsFloat;
  }

  /** Bytes per element. */
  public int bytes() {
    return bytes;
  }

  /** Whether {@link Tensor#readFloats} and {@link Tensor#readDoubles} take this type. */
  public boolean isFloatingPoint() {
    return readableAsFloat;
  }
}
