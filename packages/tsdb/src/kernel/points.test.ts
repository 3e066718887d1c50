/** kernels/points.ts against known texts and against its twin; `npm run fuzz -- points` goes on for longer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { comparePoints, fuzz, neighbour } from "./points.fuzz.ts";
import { isPointsKernelLoaded, POINTS_MAX, printPoints } from "./points.ts";
import { printPointsTwin } from "./points-twin.ts";

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
