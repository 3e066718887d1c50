// The numbers of the block format and the scratch memory of the codec kernel. They repeat src/kernel/codec-format.ts,
// which explains them; the bytes of both implementations are compared in the tests.

export const SAMPLES_MAX: i32 = 8192;
export const BYTES_MAX: i32 = 16 * SAMPLES_MAX + 64;

export const RAW: i32 = 0;
export const CONSTANT: i32 = 1;
export const LINE: i32 = 2;
export const FRAME: i32 = 3;
export const DELTA: i32 = 4;
export const DELTA2: i32 = 5;
export const TREND: i32 = 6;
export const GAPS: i32 = 7;
export const BITMAP: i32 = 8;
export const XOR: i32 = 9;
export const SPLIT: i32 = 10;

export const EXPONENT_MASK: i32 = 0x1f;
export const EXPONENT_MAX: i32 = 22;
export const EXPONENT_ULPS: i32 = 31;
export const HAS_EXCEPTIONS: i32 = 0x20;
export const HAS_DIVISOR: i32 = 0x40;
export const HAS_MORE: i32 = 0x80;
export const HAS_OFFSETS: i32 = 0x01;
export const HAS_NUDGES: i32 = 0x02;
export const NUDGES_ARE_DELTAS: i32 = 0x04;
export const MORE_RESERVED: i32 = 0xf8;

export const WIDTH_MASK: i32 = 0x3f;
export const WIDTH_MAX: i32 = 53;
export const HAS_PATCHES: i32 = 0x80;

export const MANTISSA_MAX: f64 = 2251799813685247.0;
export const RESIDUAL_LIMIT: i64 = 1 << 52;

export const EXCEPTION_KINDS: i32 = 6;
export const EXCEPTION_BITS: i32 = 7;
export const PREFIXES_MAX: i32 = 16;

/** A size that nothing has: the plan cannot be carried out. */
export const IMPOSSIBLE: i64 = 1 << 60;
/** 1.5 · 2^52: adding it rounds to an integer, which then stands in the low bits. */
export const ROUNDER: f64 = 6755399441055744.0;

const COLUMN_BYTES: i32 = 8 * SAMPLES_MAX;
/** Bytes behind the encoded ones that may be read (as zeros) or written, but never count. */
export const PADDING: i32 = 16;

/** The column of doubles: what `encode` reads and `decode` writes. */
export const COLUMN: usize = memory.data(COLUMN_BYTES + PADDING, 16);
/** Encoded bytes: what `encode` writes and `decode` reads. */
export const BYTES: usize = memory.data(BYTES_MAX + PADDING, 16);
/** Columns of 64-bit integers. */
export const INTEGERS: usize = memory.data(COLUMN_BYTES, 16);
export const DELTAS: usize = memory.data(COLUMN_BYTES, 16);
export const DELTAS2: usize = memory.data(COLUMN_BYTES, 16);
export const TRENDS: usize = memory.data(COLUMN_BYTES, 16);
export const CHANGES: usize = memory.data(COLUMN_BYTES, 16);
export const GAP_LIST: usize = memory.data(COLUMN_BYTES, 16);
export const NUDGES: usize = memory.data(COLUMN_BYTES, 16);
export const NUDGE_DELTAS: usize = memory.data(COLUMN_BYTES, 16);
export const OFFSETS: usize = memory.data(COLUMN_BYTES, 16);
/** Places in the column, 16 bits each. */
export const OFFSET_PLACES: usize = memory.data(2 * SAMPLES_MAX, 16);
export const EXCEPTIONS: usize = memory.data(2 * SAMPLES_MAX, 16);

/** Bits of the exceptions that have a kind of their own. */
export const EXCEPTION_VALUES: usize = memory.data<u64>([
  0x7ff0000000000002, 0x7ff8000000000000, 0x8000000000000000, 0x7ff0000000000000, 0xfff0000000000000,
  0x7ff8000000000001,
]);

const POWERS: usize = memory.data<f64>([
  1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
  1e21, 1e22,
]);

/** 10^exponent, exponent ≤ 22. */
export function powerOfTen(exponent: i32): f64 {
  return load<f64>(POWERS + ((<usize>exponent) << 3));
}

const LEADING_CLASSES: usize = memory.data<u8>([0, 8, 12, 16, 18, 20, 22, 24]);

/** Leading zeros that a class of XOR stands for, class ≤ 7. */
export function leadingOfClass(index: i32): i32 {
  return <i32>load<u8>(LEADING_CLASSES + <usize>index);
}

/** The class with the most leading zeros that are not more than these. */
export function classOfLeading(zeros: i32): i32 {
  let index = 7;
  while (leadingOfClass(index) > zeros) index--;
  return index;
}
