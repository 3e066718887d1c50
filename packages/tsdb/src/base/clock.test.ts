import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock, systemClock } from "./clock.ts";

test("ManualClock fires timers in order, at their time, and only when it is moved", () => {
  const clock = new ManualClock(1000);
  const calls: string[] = [];
  clock.setTimer(() => calls.push(`late ${clock.nowMs()}`), 30);
  const ticks = clock.setRepeatingTimer(() => calls.push(`tick ${clock.nowMs()}`), 10);
  clock.setTimer(() => clock.setTimer(() => calls.push(`nested ${clock.nowMs()}`), 5), 10);
  assert.deepEqual(calls, []);
  clock.advance(25);
  assert.deepEqual(calls, ["tick 1010", "nested 1015", "tick 1020"]);
  ticks.cancel();
  clock.advance(100);
  assert.deepEqual(calls.slice(3), ["late 1030"]);
  assert.equal(clock.nowMs(), 1125);
  assert.equal(clock.monotonicMs(), 125);
  assert.equal(clock.timerCount, 0);
});

test("systemClock", async () => {
  assert.ok(Math.abs(systemClock.nowMs() - Date.now()) < 1000);
  const from = systemClock.monotonicMs();
  const keepAlive = setTimeout(() => {}, 5000);
  const cancelled = systemClock.setTimer(() => assert.fail("cancelled"), 1);
  cancelled.cancel();
  await new Promise<void>((resolve) => {
    systemClock.setTimer(resolve, 2);
  });
  clearTimeout(keepAlive);
  assert.ok(systemClock.monotonicMs() > from);
});
