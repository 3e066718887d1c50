import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { firstAfter } from "./columns.ts";

test("the first sample after a time is found from wherever before it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(30), { maxLength: 200 }),
      fc.nat(200),
      fc.nat(220),
      fc.integer({ min: -5, max: 900 }),
      (gaps, a, b, ms) => {
        let time = 0;
        const timestamps = Float64Array.from(gaps, (gap) => (time += gap));
        const hi = Math.min(b, timestamps.length);
        const lo = Math.min(a, hi);
        let want = lo;
        while (want < hi && (timestamps[want] as number) <= ms) want++;
        assert.equal(firstAfter(timestamps, lo, hi, ms), want);
      },
    ),
  );
});
