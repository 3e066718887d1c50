import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isRetriedStatus, parseRetryAfter, retryDelayMs } from "./retry.ts";

test("Retry-After: seconds, or a date by the server's own clock", () => {
  const nowMs = Date.UTC(2026, 3, 1, 12, 0, 0);
  const same = (text: string | null, ms: number | null, date: string | null = null) =>
    assert.equal(parseRetryAfter(text, date, nowMs), ms, String(text));
  same(null, null);
  same("0", 0);
  same(" 10 ", 10_000);
  same("Wed, 01 Apr 2026 12:00:07 GMT", 7_000);
  same("Wed, 01 Apr 2026 11:00:00 GMT", 0);
  same("Wed, 01 Apr 2026 11:00:05 GMT", 5_000, "Wed, 01 Apr 2026 11:00:00 GMT");
  same("Wednesday, 01-Apr-26 12:00:07 GMT", 7_000);
  for (const nonsense of ["", "-1", "1.5", "soon", "1e3", "99999999999999", "2026-04-01"]) same(nonsense, null);
});

test("waits grow, have jitter, and never pass their bound", () => {
  const policy = { count: 3, baseMs: 100, maxMs: 250, random: () => 0.5 };
  assert.deepEqual(
    [1, 2, 3, 4].map((attempts) => retryDelayMs(policy, attempts, null)),
    [75, 150, 187.5, null],
  );
  assert.equal(retryDelayMs(policy, 1, 200), 250);
  assert.equal(retryDelayMs(policy, 1, 0), 50);
  assert.equal(retryDelayMs(policy, 1, 251), null, "asks for more than we wait");
  const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(10_000), fc.nat(10_000), fraction, (attempts, base, max, r) => {
      const ms = retryDelayMs({ count: 60, baseMs: base, maxMs: max, random: () => r }, attempts, null) as number;
      assert.ok(ms >= 0 && ms <= max);
    }),
  );
});

test("what is made again", () => {
  assert.ok(isRetriedStatus(429, null, false));
  assert.ok(isRetriedStatus(503, "503", false));
  assert.ok(!isRetriedStatus(503, "timeout", true));
  assert.ok(!isRetriedStatus(503, "canceled", true));
  assert.ok(isRetriedStatus(502, null, true));
  assert.ok(!isRetriedStatus(502, null, false));
  for (const status of [400, 401, 404, 422, 500, 504]) assert.ok(!isRetriedStatus(status, null, true), String(status));
});
