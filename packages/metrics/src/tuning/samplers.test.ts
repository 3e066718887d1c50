import assert from "node:assert/strict";
import { test } from "node:test";
import { NthSampler, ProbabilitySampler, WeightedSampler } from "./samplers.ts";

const events = 100_000;

test("a probability sampler takes its share", () => {
  for (const rate of [0, 0.01, 0.3, 0.999, 1]) {
    const sampler = new ProbabilitySampler(rate, { random: seededRandom(1) });
    let sampled = 0;
    for (let i = 0; i < events; i++) if (sampler.shouldSample()) sampled++;
    isNear(sampled, rate * events, Math.sqrt(events * rate * (1 - rate)));
  }
});

test("rate 1 takes all, whatever random says", () => {
  assert.ok(new ProbabilitySampler(1, { random: () => 1 }).shouldSample());
  assert.ok(!new ProbabilitySampler(0, { random: () => 0 }).shouldSample());
});

test("every n-th is the last of n", () => {
  const sampler = new NthSampler(3);
  assert.deepEqual(
    Array.from({ length: 7 }, () => sampler.shouldSample()),
    [false, false, true, false, false, true, false],
  );
  assert.ok(new NthSampler(1).shouldSample());
});

test("whole weights: whole numbers whose sum is the number of events", () => {
  for (const rate of [1e-9, 0.01, 0.3, 0.7, 1]) {
    const sampler = new WeightedSampler(rate, { random: seededRandom(2) });
    let sum = 0;
    let sampled = 0;
    const add = (weight: number) => {
      assert.ok(Number.isInteger(weight) && weight > 0);
      sum += weight;
    };
    for (let i = 0; i < events; i++) if (sampler.record(add)) sampled++;
    assert.ok(sum <= events);
    sampler.flush(add);
    assert.equal(sum, events);
    sampler.flush(() => assert.fail("twice"));
    isNear(sampled, rate * events, Math.sqrt(events * rate * (1 - rate)));
  }
});

test("rate 0 takes none; what it did not take is handed out in the end", () => {
  const sampler = new WeightedSampler(0);
  for (let i = 0; i < 10; i++) assert.equal(sampler.weight(), 0);
  sampler.flush((weight) => assert.equal(weight, 10));
  const equal = new WeightedSampler(0, { weights: "equal" });
  assert.equal(equal.weight(), 0);
  equal.flush(() => assert.fail("equal weights have no rest"));
});

test("sums over attributes are unbiased, and scatter as promised", () => {
  const rate = 0.05;
  const share = 0.2;
  const rounds = 60;
  const scatter = new Map<string, number>();
  for (const weights of ["whole", "equal"] as const) {
    const random = seededRandom(3);
    const errors: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const sampler = new WeightedSampler(rate, { weights, random });
      let rare = 0;
      let truth = 0;
      for (let i = 0; i < events / 20; i++) {
        const isRare = random() < share;
        if (isRare) truth++;
        const weight = sampler.weight();
        if (isRare) rare += weight;
      }
      errors.push(rare - truth);
    }
    const mean = errors.reduce((sum, error) => sum + error, 0) / rounds;
    const deviation = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / rounds);
    isNear(mean, 0, deviation / Math.sqrt(rounds));
    scatter.set(weights, deviation);
  }
  const ratio = (scatter.get("equal") as number) / (scatter.get("whole") as number);
  assert.ok(ratio > 0.55 && ratio < 1, `${ratio}`);
});

test("equal weights are one over the rate", () => {
  const sampler = new WeightedSampler(0.25, { weights: "equal", random: seededRandom(4) });
  let sum = 0;
  for (let i = 0; i < events; i++) {
    const weight = sampler.weight();
    assert.ok(weight === 0 || weight === 4);
    sum += weight;
  }
  isNear(sum, events, Math.sqrt(events * 0.75 * 4));
});

test("a generator that leaves its interval does not end the sampling", () => {
  const sampler = new WeightedSampler(0.5, { random: () => 1 });
  let sampled = 0;
  for (let i = 0; i < 1000; i++) if (sampler.weight() > 0) sampled++;
  assert.ok(sampled > 10);
});

test("rates that make no sense are named", () => {
  for (const rate of [-0.1, 1.1, Number.NaN, "0.5", 1n, true, null, Symbol("s")] as number[]) {
    assert.throws(() => new ProbabilitySampler(rate), /rate is/);
    assert.throws(() => new WeightedSampler(rate), /rate is/);
  }
  for (const n of [0, 1.5, Number.NaN, "1", 1n, Symbol("s")] as number[])
    assert.throws(() => new NthSampler(n), /n is/);
  assert.throws(() => new WeightedSampler(1, { weights: "odd" as "equal" }), /weights is odd/);
});

/** Within four standard deviations. */
function isNear(actual: number, expected: number, deviation: number): void {
  assert.ok(Math.abs(actual - expected) <= 4 * deviation + 1e-9, `${actual}, want ${expected} ± ${4 * deviation}`);
}

/** mulberry32 */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
