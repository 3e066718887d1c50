import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  alignInterval,
  chooseStepMs,
  describeRange,
  RANGE_CHOICES,
  resolveRange,
  shiftRange,
  widenRange,
} from "./time-range.ts";

test("every range on offer gets 80 to 310 points", () => {
  for (const { ms, title } of RANGE_CHOICES) {
    const points = ms / chooseStepMs(ms);
    assert.ok(points >= 80 && points <= 310, `${title}: ${points}`);
  }
});

test("a step is a second at least, and never makes more than 250 points", () => {
  assert.equal(chooseStepMs(1000), 1000);
  fc.assert(fc.property(fc.integer({ min: 1, max: 4e12 }), (ms) => ms / chooseStepMs(ms) <= 250));
});

test("an aligned interval lies on the step's multiples and loses less than a step at its end", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2e12 }),
      fc.integer({ min: 0, max: 1e10 }),
      fc.integer({ min: 1, max: 1e8 }),
      (fromMs, lengthMs, stepMs) => {
        const aligned = alignInterval({ fromMs, toMs: fromMs + lengthMs }, stepMs);
        assert.equal(aligned.fromMs % stepMs, 0);
        assert.equal(aligned.toMs % stepMs, 0);
        assert.ok(aligned.fromMs <= aligned.toMs && aligned.fromMs <= fromMs);
        assert.ok(aligned.toMs <= fromMs + lengthMs && aligned.toMs > fromMs + lengthMs - stepMs);
      },
    ),
  );
});

test("ranges move and widen", () => {
  assert.deepEqual(resolveRange({ kind: "last", ms: 10 }, 100), { fromMs: 90, toMs: 100 });
  assert.deepEqual(shiftRange({ kind: "last", ms: 10 }, -1, 100), { kind: "fixed", fromMs: 85, toMs: 95 });
  assert.deepEqual(shiftRange({ kind: "fixed", fromMs: 0, toMs: 10 }, 1, 100), { kind: "fixed", fromMs: 5, toMs: 15 });
  assert.deepEqual(widenRange({ kind: "last", ms: 10 }), { kind: "last", ms: 20 });
  assert.deepEqual(widenRange({ kind: "fixed", fromMs: 10, toMs: 20 }), { kind: "fixed", fromMs: 5, toMs: 25 });
  assert.equal(describeRange({ kind: "last", ms: 300_000 }), "Last 5 minutes");
  assert.equal(describeRange({ kind: "last", ms: 600_000 }), "Last 10m");
  assert.equal(describeRange({ kind: "fixed", fromMs: 0, toMs: 90_400 }), "Fixed, 1m30s");
});
