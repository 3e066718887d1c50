import assert from "node:assert/strict";
import { test } from "node:test";
import { formatStep, formatTime } from "./wire-time.ts";

test("times are ms here and seconds on the wire", () => {
  const same = (time: Date | number | string, text: string) => assert.equal(formatTime("time", time), text);
  same(0, "0");
  same(1_700_000_000_000, "1700000000");
  same(1_700_000_000_123, "1700000000.123");
  same(-1500, "-1.5");
  same(new Date(1_700_000_000_007), "1700000000.007");
  same("now-1h", "now-1h");
  same("2026-04-01T00:00:00Z", "2026-04-01T00:00:00Z");
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, 9e15, new Date(Number.NaN), "", " ", null, undefined, {}]) {
    assert.throws(() => formatTime("start", bad as number), /^RangeError: start: want/, String(bad));
  }
});

test("steps are ms or a duration", () => {
  assert.equal(formatStep(15_000), "15");
  assert.equal(formatStep(500), "0.5");
  assert.equal(formatStep("1h30m"), "1h30m");
  for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "", null]) {
    assert.throws(() => formatStep(bad as number), /^RangeError: step: want/, String(bad));
  }
});
