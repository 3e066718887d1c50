/** The kernel's functions of windows against those of the table: equal to the bit where they answer, and they answer for what is frequent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { outColumn } from "../../kernel/rollup.ts";
import { AlikeWindows } from "./alike-windows.ts";
import { rangeFunctions } from "./range-functions.ts";
import { rollUpSamples } from "./testing/windows.ts";

const QUICK = [...rangeFunctions].filter(([, entry]) => entry.quick !== undefined).map(([name]) => name);

/** The function's values by the kernel, null where there is none; "not for it" where the kernel leaves it to the table. */
function quickly(name: string, windows: AlikeWindows, values: Float64Array): (number | null)[] | "not for it" {
  const quick = rangeFunctions.get(name)?.quick;
  assert.ok(quick !== undefined);
  const target = new Float64Array(windows.points);
  if (!quick.evaluate(windows, values, target)) return "not for it";
  const { mask, count } = windows.presence(quick.samplesMin);
  const answers = Array.from(target, (value, k) => (mask === null || mask[k] === 1 ? value : null));
  assert.equal(answers.filter((value) => value !== null).length, count);
  return answers;
}

test("the kernel's values are the table's, bit for bit", () => {
  const value = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: -5, max: 5 }) },
    { weight: 6, arbitrary: fc.double({ min: -1000, max: 1000, noNaN: true }) },
    { weight: 1, arbitrary: fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, 2 ** 53, 1e300, -1e300, 1e308) },
  );
  const column = fc.oneof(
    fc.array(fc.nat(20), { minLength: 1, maxLength: 60 }),
    fc.array(fc.integer(), { minLength: 1, maxLength: 60 }),
    fc.array(fc.double({ min: 0, max: 9, noNaN: true }), { minLength: 1, maxLength: 60 }),
    fc.array(value, { minLength: 1, maxLength: 60 }),
  );
  let served = 0;
  fc.assert(
    fc.property(
      fc.array(column, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      fc.array(fc.oneof({ weight: 5, arbitrary: fc.constant(3) }, fc.integer({ min: 1, max: 9 })), {
        minLength: 64,
        maxLength: 64,
      }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(...QUICK),
      (columns, isSorted, gaps, rangeSteps, stride, points, name) => {
        const count = Math.min(...columns.map((list) => list.length));
        // Before the series lie samples of another one, as in a batch.
        const before = 4;
        let timestampMs = 0;
        const timestamps = Float64Array.from({ length: before + count }, (_, i) => {
          timestampMs += 1000 * (gaps[i] as number);
          return timestampMs;
        });
        const rangeMs = rangeSteps * 1000;
        const windows = new AlikeWindows({ startMs: 0, stepMs: stride * 500, endMs: 0 }, rangeMs, points);
        windows.place(timestamps, before, before + count);
        const timesMs = Array.from({ length: points }, (_, k) => k * stride * 500);
        for (const list of columns) {
          const values = Float64Array.from(isSorted ? list.sort((a, b) => a - b) : list).subarray(0, count);
          const got = quickly(name, windows, values);
          if (got === "not for it") continue;
          served++;
          const samples = { timestamps: timestamps.subarray(before), values };
          assert.deepEqual(got, rollUpSamples(name, samples, { stepMs: 0, rangeMs, timesMs }), name);
        }
      },
    ),
    { numRuns: 2000 },
  );
  assert.ok(outColumn(1) === null || served > 1000, `${served}`);
});

test("what the kernel takes, and what it leaves to the table", { skip: outColumn(1) === null && "no wasm" }, () => {
  const timestamps = Float64Array.of(1000, 2000, 3000, 4000);
  const windows = new AlikeWindows({ startMs: 1000, stepMs: 1000, endMs: 4000 }, 3000, 4);
  windows.place(timestamps, 0, 4);
  const isTaken = (name: string, ...values: number[]): boolean =>
    quickly(name, windows, Float64Array.from(values)) !== "not for it";
  for (const name of QUICK) {
    assert.ok(isTaken(name, 1, 2, 3, 4), name);
    assert.ok(isTaken(name, 0.1, 0.2, 0.3, 0.4), name);
    assert.ok(!isTaken(name, 1, Number.NaN, 3, 4), name);
  }
  assert.ok(!isTaken("rate", 1, 2, 1, 2), "a reset");
  assert.ok(isTaken("delta", 1, 2, 1, 2));
  assert.ok(!isTaken("avg_over_time", 1.5, Infinity, 1, 2));
  assert.ok(!isTaken("max_over_time", 1, -0, 0, -2));
});
