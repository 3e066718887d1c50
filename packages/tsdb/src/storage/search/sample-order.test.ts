import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SampleColumns } from "../../base/columns.ts";
import { bitsOf } from "../testing/harness.ts";
import { orderSamples } from "./sample-order.ts";

/** From the one that counts least to the one that counts most. */
const RANKED = [
  "7ff0000000000002", // staleness marker
  "7ff0000000000001",
  "7ff8000000000000",
  "7fffffffffffffff",
  "fff0000000000001",
  "ffffffffffffffff",
  "fff0000000000000", // -Inf
  "bff0000000000000",
  "8000000000000001",
  "8000000000000000", // -0
  "0000000000000000",
  "0000000000000001",
  "3ff0000000000000",
  "7ff0000000000000", // +Inf
];

type Sample = readonly [ms: number, bits: string];

function order(samples: readonly Sample[], lo = 0): Sample[] {
  const columns = new SampleColumns(4);
  columns.reserve(lo + samples.length);
  const view = new DataView(columns.values.buffer);
  for (const [i, [ms, bits]] of samples.entries()) {
    columns.timestamps[lo + i] = ms;
    view.setBigUint64(8 * (lo + i), BigInt(`0x${bits}`), true);
  }
  columns.timestamps.fill(9e9, 0, lo); // What stands before belongs to another series.
  columns.length = lo + samples.length;
  orderSamples(columns, lo);
  return Array.from({ length: columns.length - lo }, (_, i) => [
    columns.timestamps[lo + i] as number,
    bitsOf(columns.values, lo + i),
  ]);
}

test("of two samples at one time the one of higher rank counts, whichever came first", () => {
  for (let a = 0; a < RANKED.length; a++) {
    for (let b = 0; b <= a; b++) {
      const [high, low] = [RANKED[a] as string, RANKED[b] as string];
      assert.deepEqual(
        order([
          [5, high],
          [5, low],
        ]),
        [[5, high]],
      );
      assert.deepEqual(
        order([
          [5, low],
          [5, high],
        ]),
        [[5, high]],
      );
    }
  }
});

test("the result is sorted, has each time once, and depends neither on the order nor on what was merged before", () => {
  const sample = fc.tuple(fc.integer({ min: 0, max: 12 }), fc.constantFrom(...RANKED));
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 40 }), fc.nat(40), fc.nat(3), (samples, cut, lo) => {
      const best = new Map<number, string>();
      for (const [ms, bits] of samples) {
        if (RANKED.indexOf(bits) >= RANKED.indexOf(best.get(ms) ?? "")) best.set(ms, bits);
      }
      const want = [...best].sort((a, b) => a[0] - b[0]);
      assert.deepEqual(order(samples, lo), want);
      assert.deepEqual(order([...samples].reverse(), lo), want);
      assert.deepEqual(order([...order(samples.slice(cut)), ...order(samples.slice(0, cut))], lo), want);
    }),
    { numRuns: 300 },
  );
});
