import assert from "node:assert/strict";
import { test } from "node:test";
import { generate, usualBodySamples } from "./generator.ts";
import { geometricMean, median } from "./measure.ts";
import { readOptions } from "./side-by-side.ts";

test("generate: every series in every scrape, split into full bodies, the same for the same seed", () => {
  const options = { series: 400, scrapes: 51, shards: 2, endMs: 1_700_000_000_000 };
  const load = generate(options);
  assert.equal(load.sampleCount, 400 * 51);
  assert.deepEqual(
    load.shards.map((bodies) => bodies.length),
    [2, 2],
  );
  assert.ok(200 * 51 > usualBodySamples, "the last body of a shard is a short one");
  assert.deepEqual(generate(options).shards, load.shards);
  assert.notDeepEqual(generate({ ...options, seed: 1 }).shards, load.shards);
  assert.equal(load.firstMs, 1_700_000_000_000 - 50 * 15_000);
});

test("bench: options, median, geometric mean", () => {
  assert.equal(readOptions(["--runs=1"]).runs, 1);
  assert.deepEqual(readOptions(["--systems=nyanza,prometheus"]).systems, ["nyanza", "prometheus"]);
  assert.throws(() => readOptions(["--rums=1"]), /there are --series/);
  assert.throws(() => readOptions(["--runs=x"]), /wants a number/);
  assert.throws(() => readOptions(["--systems=influx"]), /there are nyanza/);
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.ok(Math.abs(geometricMean([1, 100]) - 10) < 1e-9);
});
