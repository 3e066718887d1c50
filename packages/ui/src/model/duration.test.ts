import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatDuration, parseDurationMs } from "./duration.ts";

test("parseDurationMs", () => {
  const same = (text: string, ms: number | null) => assert.equal(parseDurationMs(text), ms, text);
  same("15s", 15_000);
  same("1h5m", 3_900_000);
  same("1.5d", 129_600_000);
  same("2w", 1_209_600_000);
  same("500ms", 500);
  same("1m500ms", 60_500);
  same("90", 90_000);
  same(" 0.5 ", 500);
  same("", null);
  same("0", null);
  same("0s", null);
  same("1y", null);
  same("5", 5000);
  same("-5s", null);
  same("5 s", null);
  same("s", null);
  same("1e3s", null);
  same(`${"9".repeat(40)}d`, null);
});

test("what is formatted reads back", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 1e12 }), (ms) => parseDurationMs(formatDuration(ms)) === ms));
  assert.equal(formatDuration(5_400_000), "1h30m");
  assert.equal(formatDuration(1_209_600_000), "14d");
  assert.equal(formatDuration(0), "0s");
});
