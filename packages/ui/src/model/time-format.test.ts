import assert from "node:assert/strict";
import { test } from "node:test";
import { describeZone, formatTime, formatTimeInput, formatTimeTicks, parseTimeInput } from "./time-format.ts";

const AT = new Date(2026, 0, 2, 3, 4, 5).getTime();

test("times in the reader's zone", () => {
  assert.equal(formatTime(AT), "2026-01-02 03:04:05");
  assert.equal(formatTime(AT + 7), "2026-01-02 03:04:05.007");
  assert.equal(formatTimeInput(AT + 7), "2026-01-02T03:04:05");
  assert.equal(parseTimeInput("2026-01-02T03:04:05"), AT);
  assert.equal(parseTimeInput(" 2026-01-02 03:04:05 "), AT);
  assert.equal(parseTimeInput("tomorrow"), null);
  assert.match(describeZone(AT), /^UTC([+−]\d\d:\d\d)?$/);
});

test("ticks say as much of the time as tells them apart", () => {
  const midnight = new Date(2026, 0, 3).getTime();
  const every = (gapMs: number, fromMs: number) => formatTimeTicks([0, 1, 2].map((i) => fromMs + i * gapMs));
  assert.deepEqual(every(30_000, midnight), ["00:00:00", "00:00:30", "00:01:00"]);
  assert.deepEqual(every(3_600_000, midnight - 3_600_000), ["23:00", "00:00\nJan 3", "01:00"]);
  assert.deepEqual(every(86_400_000, midnight).slice(0, 1), ["Jan 3"]);
  assert.deepEqual(formatTimeTicks([]), []);
});
