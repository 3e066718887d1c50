import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { InputError } from "../base/errors.ts";
import { Pacer } from "./pacer.ts";

/** A clock that only work moves on: the machine's other work does not count. */
function workClock(t: TestContext): (ms: number) => void {
  let nowMs = 1000;
  t.mock.method(performance, "now", () => nowMs);
  return (ms) => {
    nowMs += ms;
  };
}

test("work with a limit is given up when it has taken that long, pauses left out", async (t) => {
  const work = workClock(t);
  const pacer = new Pacer(undefined, 15);
  assert.equal(pacer.isDue, false);
  work(10);
  assert.equal(pacer.isDue, true);
  const pause = pacer.pause();
  // Others have their turn, which is not this work's time.
  work(1000);
  await pause;
  assert.equal(pacer.isDue, false);
  work(6);
  assert.equal(pacer.isDue, true);
  await assert.rejects(pacer.pause(), (error) => error instanceof InputError && error.status === 422);
});

test("without a limit only the signal ends it", async (t) => {
  const work = workClock(t);
  const stop = new AbortController();
  const pacer = new Pacer(stop.signal);
  work(10);
  await pacer.pause();
  stop.abort(new Error("gone"));
  await assert.rejects(pacer.pause(), /gone/);
});
