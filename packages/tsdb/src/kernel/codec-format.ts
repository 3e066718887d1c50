/**
 * The numbers of the block format, byte by byte in docs/format/block.md. Both implementations of the codec use them: the
 * twin reads them here, the kernel (kernels/codec.ts) repeats them, and the tests compare what the two write.
 */

/** Most samples in one block. */
export const BLOCK_SAMPLES_MAX = 8192;

/** Room for any encoded block: the worst are 75 bits a sample of `XOR` and 10 bytes of an exception. */
export const ENCODED_BYTES_MAX: number = 16 * BLOCK_SAMPLES_MAX + 64;

/** First byte of an encoded column. */
export const RAW = 0;
export const CONSTANT = 1;
export const LINE = 2;
export const FRAME = 3;
export const DELTA = 4;
export const DELTA2 = 5;
export const TREND = 6;
export const GAPS = 7;
export const BITMAP = 8;
export const XOR = 9;
export const SPLIT = 10;

/** Names of the codecs by id, for people. */
export const CODEC_NAMES: readonly string[] = [
  "raw",
  "constant",
  "line",
  "frame",
  "delta",
  "delta2",
  "trend",
  "gaps",
  "bitmap",
  "xor",
  "split",
];

/** Parts of the scale byte: how integers become values again. */
export const EXPONENT_MASK = 0x1f;
export const EXPONENT_MAX = 22;
/** Instead of an exponent: integers count representable doubles from the first value. */
export const EXPONENT_ULPS = 31;
export const HAS_EXCEPTIONS = 0x20;
export const HAS_DIVISOR = 0x40;
/** A second byte with these follows. */
export const HAS_MORE = 0x80;
export const HAS_OFFSETS = 0x01;
export const HAS_NUDGES = 0x02;
export const NUDGES_ARE_DELTAS = 0x04;
export const MORE_RESERVED = 0xf8;

/** Parts of the first byte of a residual list. */
export const WIDTH_MASK = 0x3f;
export const WIDTH_MAX = 53;
export const HAS_PATCHES = 0x80;

/** Mantissas are at most this large either way: a delta then fits 52 bits and doubles hold every sum exactly. */
export const MANTISSA_MAX: number = 2 ** 51 - 1;
/** Residuals are smaller than this either way, so that differences of two are exact in a double. */
export const RESIDUAL_LIMIT: number = 2 ** 52;

/** Kinds of exceptions: values that occur again and again have no bytes of their own. Words are (low, high). */
export const EXCEPTION_LOW: Uint32Array = Uint32Array.of(
  0x00000002,
  0x00000000,
  0x00000000,
  0x00000000,
  0x00000000,
  0x00000001,
);
export const EXCEPTION_HIGH: Uint32Array = Uint32Array.of(
  0x7ff00000,
  0x7ff80000,
  0x80000000,
  0x7ff00000,
  0xfff00000,
  0x7ff80000,
);
/** The kind followed by eight bytes. */
export const EXCEPTION_BITS = 7;

/** 10^0 … 10^22: the powers of ten a double holds exactly. */
export const POWERS_OF_TEN: Float64Array = Float64Array.of(
  1,
  1e1,
  1e2,
  1e3,
  1e4,
  1e5,
  1e6,
  1e7,
  1e8,
  1e9,
  1e10,
  1e11,
  1e12,
  1e13,
  1e14,
  1e15,
  1e16,
  1e17,
  1e18,
  1e19,
  1e20,
  1e21,
  1e22,
);

/** Leading zeros of an XOR are rounded down to one of these, so that three bits name them. */
export const LEADING_CLASSES: Uint8Array = Uint8Array.of(0, 8, 12, 16, 18, 20, 22, 24);

/** Most sign-and-exponent prefixes in the dictionary of `SPLIT`. */
export const PREFIXES_MAX = 16;
