/** kernels/points.ts against known texts and against its twin; `npm run fuzz -- points` goes on for longer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { comparePoints, fuzz, neighbour } from "./points.fuzz.ts";
import {
  isPointsKernelLoaded,
  LINE_TEXT_BYTES_MAX,
  linesPerPrint,
  POINTS_MAX,
  printLines,
  printPoints,
  printTimestamps,
  printValues,
} from "./points.ts";
import {
  type LineShape,
  printLinesTwin,
  printPointsTwin,
  printTimestampsTwin,
  printValuesTwin,
} from "./points-twin.ts";

test("known texts", () => {
  assert.ok(isPointsKernelLoaded);
  const same = (timestampMs: number, value: number, want: string) => {
    const timestamps = Float64Array.of(timestampMs);
    const values = Float64Array.of(value);
    assert.equal(Buffer.from(printPoints(timestamps, values, 0, 1)).toString(), want);
    assert.equal(printPointsTwin(timestamps, values, 0, 1), want);
  };
  same(1_700_000_000_000, 1, '[1700000000,"1"]');
  same(1_700_000_000_123, 1.5, '[1700000000.123,"1.5"]');
  same(1_700_000_000_120, -1.5, '[1700000000.12,"-1.5"]');
  same(1_700_000_000_100, 0.1 + 0.2, '[1700000000.1,"0.30000000000000004"]');
  same(1_700_000_000_003, 100, '[1700000000.003,"100"]');
  same(0, 0, '[0,"0"]');
  same(-0, 2, '[0,"2"]');
  same(1, -0, '[0.001,"-0"]');
  same(-1, NaN, '[-0.001,"NaN"]');
  same(-1_500, Infinity, '[-1.5,"+Inf"]');
  same(999_999_999_999_999, -Infinity, '[999999999999.999,"-Inf"]');
  same(1e15, 1e21, '[1000000000000,"1000000000000000000000"]');
  same(1e300, -1e-7, `[1${"0".repeat(297)},"-0.0000001"]`);
  same(0.5, 123456789012345680000, '[0.0005,"123456789012345680000"]');
  same(10, 5e-324, `[0.01,"0.${"0".repeat(323)}5"]`);
  same(100, -2.2250738585072014e-308, `[0.1,"-0.${"0".repeat(307)}22250738585072014"]`);
  same(NaN, Number.MAX_VALUE, `[NaN,"17976931348623157${"0".repeat(292)}"]`);
  same(0, 2 ** 53, '[0,"9007199254740992"]');
  same(0, 9_007_199_254_740_991, '[0,"9007199254740991"]');
  same(0, 100_000_000, '[0,"100000000"]');
  same(0, 99_999_999, '[0,"99999999"]');
});

test("columns with the times of the column before, with some of them, and with others", () => {
  const some = [1_700_000_000_000, 1_700_000_015_123, 0, -0, NaN, -1_500, 999_999_999_999_999, 1e300, 1e-300, 5];
  const values = Float64Array.from(some, (_, i) => i / 8);
  for (const shift of [0, 0, 1, 1, 0, 3, 0]) {
    const timestamps = Float64Array.from(some, (_, i) => some[(i + shift) % some.length] as number);
    for (const [lo, hi] of [
      [0, some.length],
      [2, 7],
    ] as const) {
      const got = Buffer.from(printPoints(timestamps, values, lo, hi)).toString();
      assert.equal(got, printPointsTwin(timestamps, values, lo, hi));
    }
  }
});

test("known columns", () => {
  const values = Float64Array.of(9, 1.5, NaN, -Infinity, Infinity, -0, 1e21, 8);
  const wantedValues = '1.5,null,"-Infinity","Infinity",-0,1000000000000000000000';
  assert.equal(Buffer.from(printValues(values, 1, 7)).toString(), wantedValues);
  assert.equal(printValuesTwin(values, 1, 7), wantedValues);
  assert.equal(printValues(values, 3, 3).length, 0);
  const timestamps = Float64Array.of(1_700_000_000_123, -1, -0, 2 ** 53, -(2 ** 53));
  const wantedTimes = "1700000000123,-1,0,9007199254740992,-9007199254740992";
  assert.equal(Buffer.from(printTimestamps(timestamps, 0, 5)).toString(), wantedTimes);
  assert.equal(printTimestampsTwin(timestamps, 0, 5), wantedTimes);
  assert.throws(() => printTimestamps(timestamps, 4, 6), RangeError);
  assert.throws(() => printValues(new Float64Array(POINTS_MAX + 1), 0, POINTS_MAX + 1), RangeError);
});

test("known lines", () => {
  const timestamps = Float64Array.of(1_700_000_000_123, -1500, -0);
  const values = Float64Array.of(1.5, NaN, -Infinity);
  const same = (isTimeFirst: boolean, unit: LineShape["unit"], wanted: string): void => {
    const texts = ["é{} ", " ", "\n"].map((text) => Buffer.from(text));
    const shape: LineShape = { texts: texts as unknown as LineShape["texts"], isTimeFirst, unit };
    assert.equal(Buffer.from(printLines(timestamps, values, 0, 3, shape)).toString(), wanted);
    assert.equal(Buffer.from(printLinesTwin(timestamps, values, 0, 3, shape), "latin1").toString(), wanted);
  };
  same(false, "ms", "é{} 1.5 1700000000123\né{} NaN -1500\né{} -Inf 0\n");
  same(true, "ms", "é{} 1700000000123 1.5\né{} -1500 NaN\né{} 0 -Inf\n");
  same(false, "s", "é{} 1.5 1700000000\né{} NaN -1\né{} -Inf 0\n");
  same(true, "ns", "é{} 1700000000123000000 1.5\né{} -1500000000 NaN\né{} 0 -Inf\n");
});

test("as many lines as there is room for, of any length", () => {
  const values = new Float64Array(POINTS_MAX).fill(-2.2250738585072014e-308);
  const timestamps = new Float64Array(POINTS_MAX).fill(-(2 ** 53));
  for (const bytes of [0, 3, 100, 307, 308, 309, 1000, LINE_TEXT_BYTES_MAX]) {
    const shape: LineShape = {
      texts: [new Uint8Array(bytes).fill(97), new Uint8Array(0), new Uint8Array(0)],
      isTimeFirst: false,
      unit: "ns",
    };
    const count = linesPerPrint(shape);
    const text = Buffer.from(printLines(timestamps, values, 0, count, shape)).toString();
    assert.ok(text === printLinesTwin(timestamps, values, 0, count, shape), `${bytes} bytes of text`);
    assert.throws(() => printLines(timestamps, values, 0, count + 1, shape), RangeError);
  }
  const tooLong: LineShape = {
    texts: [new Uint8Array(LINE_TEXT_BYTES_MAX), new Uint8Array(1), new Uint8Array(0)],
    isTimeFirst: true,
    unit: "ms",
  };
  assert.throws(() => linesPerPrint(tooLong), /want at most 4096 bytes of text, got 4097/);
});

test("every power of two and of ten, whole and not, and their neighbours", () => {
  const column: number[] = [];
  for (let power = -1074; power <= 1023; power++) column.push(2 ** power);
  for (let power = -323; power <= 308; power++) column.push(Number(`1e${power}`), Number(`9.5e${power}`));
  const values = column
    .filter((value) => value < 1e308)
    .flatMap((value) => [value, -value, neighbour(value, 1), neighbour(value, -1)]);
  for (let lo = 0; lo < values.length; lo += POINTS_MAX) {
    const piece = Float64Array.from(values.slice(lo, lo + POINTS_MAX));
    comparePoints(piece, piece);
  }
});

test("the longest points there are fit", () => {
  const longest = new Float64Array(POINTS_MAX).fill(-2.2250738585072014e-308);
  comparePoints(
    longest.map((value) => value * 1.0000000000000002),
    longest,
  );
  comparePoints(longest.fill(-5e-321), longest);
});

test("any doubles", () => {
  for (let seed = 1; seed <= 100; seed++) fuzz(seed);
});

test("any range, and none that is not there", () => {
  const timestamps = Float64Array.from({ length: 2 * POINTS_MAX }, (_, i) => 1_000 * i);
  const values = timestamps.map((timestamp) => timestamp / 7);
  for (const [lo, hi] of [
    [0, 0],
    [5, 6],
    [1, 64],
    [1, 66],
    [POINTS_MAX, 2 * POINTS_MAX],
  ] as const) {
    const text = Buffer.from(printPoints(timestamps, values, lo, hi)).toString();
    assert.equal(text, printPointsTwin(timestamps, values, lo, hi), `${lo} to ${hi}`);
  }
  assert.throws(
    () => printPoints(timestamps, values, 0, POINTS_MAX + 1),
    /print points \[0, 1025\): want at most 1024/,
  );
  for (const [lo, hi] of [
    [-1, 1],
    [2, 1],
    [2047, 2049],
    [0, NaN],
  ] as const) {
    assert.throws(() => printPoints(timestamps, values, lo, hi), RangeError);
  }
  assert.throws(() => printPoints(timestamps, values.subarray(0, 3), 0, 4), RangeError);
});
