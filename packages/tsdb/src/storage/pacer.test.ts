import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../base/errors.ts";
import { Pacer } from "./pacer.ts";

function work(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

test("work with a limit is given up when it has taken that long, pauses left out", async () => {
  const pacer = new Pacer(undefined, 15);
  assert.equal(pacer.isDue, false);
  work(10);
  assert.equal(pacer.isDue, true);
  await pacer.pause();
  // Others had their turn, which is not this work's time.
  work(6);
  assert.equal(pacer.isDue, true);
  await assert.rejects(pacer.pause(), (error) => error instanceof InputError && error.status === 422);
});

test("without a limit only the signal ends it", async () => {
  const stop = new AbortController();
  const pacer = new Pacer(stop.signal);
  work(10);
  await pacer.pause();
  stop.abort(new Error("gone"));
  await assert.rejects(pacer.pause(), /gone/);
});
