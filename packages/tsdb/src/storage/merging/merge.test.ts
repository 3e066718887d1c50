import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../base/random.ts";
import { chooseAll, chooseParts, chooseRun } from "./merge.ts";

interface Part {
  readonly info: { readonly bytes: number };
}

/** Adds parts of these sizes one by one, merging whatever is due. */
function simulate(sizes: readonly number[]): { parts: number; most: number; writtenTimes: number } {
  let parts: Part[] = [];
  let most = 0;
  let merged = 0;
  let total = 0;
  for (const bytes of sizes) {
    total += bytes;
    parts.push({ info: { bytes } });
    for (let due = chooseParts(parts); due !== null; due = chooseParts(parts)) {
      const sum = due.reduce((all, { info }) => all + info.bytes, 0);
      merged += sum;
      parts = [...parts.filter((part) => !(due as Part[]).includes(part)), { info: { bytes: sum } }];
    }
    most = Math.max(most, parts.length);
  }
  return { parts: parts.length, most, writtenTimes: merged / total };
}

test("whatever sizes come in, parts stay few and each byte is rewritten a few times", () => {
  const random = new Random(1);
  const count = 3000;
  const patterns: Record<string, (i: number) => number> = {
    "all equal": () => 1 << 20,
    "large and tiny by turns": (i) => (i % 2 === 0 ? 4 << 20 : 5_000),
    "nine sizes by turns": (i) => 100_000 * 10 ** (i % 4),
    growing: (i) => 1000 * (i + 1),
    shrinking: (i) => 1000 * (count - i),
    anything: () => 2 ** (10 + random.next() * 18),
  };
  for (const [name, size] of Object.entries(patterns)) {
    const { most, writtenTimes } = simulate(Array.from({ length: count }, (_, i) => size(i)));
    assert.ok(most <= 50, `${name}: ${most} parts`);
    // Eight to the fourth is 4096: about four levels, and a byte may be taken along a second time on each.
    assert.ok(writtenTimes <= 8, `${name}: each byte rewritten ${writtenTimes} times`);
  }
});

test("nothing is merged below eight, the smallest are merged first, and never with one far larger", () => {
  const part = (bytes: number): Part => ({ info: { bytes } });
  const small = Array.from({ length: 8 }, () => part(100_000));
  assert.equal(chooseParts(small.slice(1)), null);
  assert.deepEqual(chooseParts([part(1e9), ...small]), small);
  assert.equal(chooseParts([part(1e9), ...small.slice(1)]), null);
});

test("index segments are merged as neighbours, the newest", () => {
  let segments: { bytes: number }[] = [];
  let merged = 0;
  let total = 0;
  let most = 0;
  const random = new Random(2);
  for (let i = 0; i < 2000; i++) {
    const bytes = random.chance(0.1) ? 5_000_000 : 20_000;
    total += bytes;
    segments.push({ bytes });
    const run = chooseRun(segments);
    if (run !== null) {
      assert.deepEqual(run, segments.slice(-run.length));
      const sum = run.reduce((all, segment) => all + segment.bytes, 0);
      merged += sum;
      segments = [...segments.slice(0, -run.length), { bytes: sum }];
    }
    most = Math.max(most, segments.length);
  }
  assert.ok(most <= 12, `${most} segments`);
  assert.ok(merged / total <= 16, `each byte rewritten ${merged / total} times`);
});

test("when all segments are to be one, a large one is left if the others are nothing beside it", () => {
  const chosen = (...sizes: number[]): number[] | null =>
    chooseAll(sizes.map((bytes) => ({ bytes })))?.map(({ bytes }) => bytes) ?? null;
  assert.equal(chosen(), null);
  assert.equal(chosen(100), null);
  assert.deepEqual(chosen(60_000, 100), [60_000, 100]);
  assert.equal(chosen(17_000_000, 800), null);
  assert.deepEqual(chosen(17_000_000, 800, 900), [800, 900]);
  assert.deepEqual(chosen(17_000_000, 300_000), [17_000_000, 300_000]);
  assert.equal(chosen(800, 17_000_000), null);
  assert.equal(chosen(800, 17_000_000, 900), null);
  assert.deepEqual(chosen(700, 800, 17_000_000, 900), [700, 800]);
  assert.deepEqual(chosen(700, 800, 17_000_000, 900, 1_000), [900, 1_000]);
  assert.deepEqual(chosen(300_000, 17_000_000), [300_000, 17_000_000]);
});
