import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatDuration, parseDuration, parseDurationMs } from "./duration.ts";
import { InputError } from "./errors.ts";

test("parseDuration", () => {
  const same = (text: string, ms: number, steps = 0) => assert.deepEqual(parseDuration(text), { ms, steps }, text);
  same("5s", 5000);
  same("1h5m", 3_900_000);
  same("1.5d", 129_600_000);
  same("100ms", 100);
  same("0.5ms", 0);
  same("1.001s", 1001);
  same("5.s", 5000);
  same("1y", 31_536_000_000);
  same("1w", 604_800_000);
  same("2h-5m", 6_900_000);
  same("2h-5m30s", 6_870_000);
  same("-1h5m", -3_900_000);
  same("1i", 0, 1);
  same("0.5i", 0, 0.5);
  same("5m1i", 300_000, 1);
  same("-1i", 0, -1);
  same("5S", 5000);
  same("10MS", 10);
  same("1H2m3D", 3_600_000 + 120_000 + 259_200_000);
});

test("parseDuration refuses", () => {
  const fails = (text: string, column: number, message = /want parts such as/) =>
    assert.throws(
      () => parseDuration(text),
      (error: unknown) => {
        assert.ok(error instanceof InputError);
        assert.match(error.message, message);
        assert.equal(error.column, column, text);
        return true;
      },
    );
  fails("", 1);
  fails("5", 1);
  fails("5M", 1);
  fails("5Mi", 1);
  fails("5mb", 1);
  fails("h", 1);
  fails(".5h", 1);
  fails("5m ", 3);
  fails("1h30", 3);
  fails("1h--5m", 3);
  fails("--1h", 2);
  fails("1e3s", 1);
  fails("999999999999y", 1, /2\^53/);
  fails(`${"9".repeat(400)}y`, 1, /2\^53/);
});

test("parseDurationMs wants a fixed length", () => {
  assert.equal(parseDurationMs("1h30m"), 5_400_000);
  assert.equal(parseDurationMs("-30s"), -30_000);
  assert.throws(() => parseDurationMs("1i"), /unit i/);
  assert.throws(() => parseDurationMs("30"), InputError);
});

test("formatDuration is read back", () => {
  assert.equal(formatDuration({ ms: 5_400_000, steps: 0 }), "1h30m");
  assert.equal(formatDuration({ ms: 0, steps: 0 }), "0s");
  assert.equal(formatDuration({ ms: -300_000, steps: 1 }), "1i-5m");
  const ms = fc.integer({ min: -1e13, max: 1e13 });
  const steps = fc.oneof(
    fc.constant(0),
    fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((value) => value + 0),
  );
  fc.assert(
    fc.property(ms, steps, (a, b) =>
      assert.deepEqual(parseDuration(formatDuration({ ms: a, steps: b })), { ms: a, steps: b }),
    ),
    { seed: 20240103 },
  );
});
