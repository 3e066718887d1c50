import assert from "node:assert/strict";
import { test } from "node:test";
import { giveBody, takeBody } from "./body-memory.ts";

test("memory goes round, one owner at a time, and has the length that is asked for", () => {
  const first = takeBody(100_000);
  const second = takeBody(100_000);
  assert.equal(first.length, 100_000);
  assert.notEqual(first.buffer, second.buffer);
  giveBody(first);
  const third = takeBody(120_000);
  assert.equal(third.buffer, first.buffer);
  assert.equal(third.length, 120_000);
  assert.notEqual(takeBody(100_000).buffer, first.buffer);
});

test("every length fits", () => {
  for (const bytes of [0, 1, 65_535, 65_536, 65_537, 131_072, 131_073, 4 << 20, (4 << 20) + 1, 9 << 20]) {
    const body = takeBody(bytes);
    assert.equal(body.length, bytes);
    giveBody(body);
    const again = takeBody(bytes);
    assert.equal(again.length, bytes);
    assert.equal(again.buffer === body.buffer, bytes <= 4 << 20, `${bytes} bytes`);
    giveBody(again);
  }
});

test("no more than a few megabytes wait", () => {
  const bodies = Array.from({ length: 40 }, () => takeBody(1 << 20));
  const given = new Set(bodies.map(({ buffer }) => buffer));
  assert.equal(given.size, 40);
  for (const body of bodies) giveBody(body);
  const again = Array.from({ length: 40 }, () => takeBody(1 << 20));
  const known = again.filter(({ buffer }) => given.has(buffer)).length;
  assert.ok(known > 0 && known <= 8, `${known} of 40`);
});
