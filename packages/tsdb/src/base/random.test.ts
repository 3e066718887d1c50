import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "./random.ts";

test("Random repeats itself by seed and only by seed", () => {
  const draw = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 5 }, () => random.nextUint32());
  };
  assert.deepEqual(draw(42), draw(42));
  assert.notDeepEqual(draw(42), draw(43));
  assert.deepEqual(draw(42).slice(0, 2), [2581720956, 1925393290]);
});

test("Random stays in its ranges and fills them", () => {
  const random = new Random(7);
  const counts = new Array<number>(10).fill(0);
  let sum = 0;
  for (let i = 0; i < 10_000; i++) {
    counts[random.below(10)] += 1;
    sum += random.next();
  }
  assert.ok(Math.min(...counts) > 800 && Math.max(...counts) < 1200, counts.join());
  assert.ok(Math.abs(sum / 10_000 - 0.5) < 0.02);
  assert.equal(random.chance(0), false);
  assert.equal(random.chance(1), true);
  assert.equal(random.pick(["only"]), "only");
});
