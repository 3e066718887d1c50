import assert from "node:assert/strict";
import { test } from "node:test";
import { SampleColumns } from "../base/columns.ts";
import { Random } from "../base/random.ts";
import { ALL_INSIDE, NO_SAMPLES, type SampleReader, SampleStore, SKIPPED_SLOT, SOME_OUTSIDE } from "./sample-store.ts";
import { SharedSamples } from "./shared-samples.ts";

interface Series {
  readonly times: number[];
  /** Two words a value: NaNs keep their bits. */
  readonly words: number[];
}

function read(store: SampleReader, slot: number, minMs = 0, maxMs = 2 ** 53): Series {
  const columns = new SampleColumns(1);
  assert.equal(store.read(slot, minMs, maxMs, columns), columns.length);
  const words = new Uint32Array(columns.values.buffer, 0, 2 * columns.length);
  return { times: [...columns.timestamps.subarray(0, columns.length)], words: [...words] };
}

test("what was appended is read back in order of arrival, bit by bit, series by series", () => {
  const random = new Random(11);
  const store = new SampleStore();
  for (let generation = 0; generation < 3; generation++) {
    const model = new Map<number, Series>();
    for (let round = 0; round < 30; round++) {
      const slots: number[] = [];
      const ends: number[] = [];
      const times: number[] = [];
      const words: number[] = [];
      for (let s = 0; s <= random.below(40); s++) {
        // Few slots that come again and again, some beyond the first pages of states, some left out.
        const slot = random.chance(0.1) ? SKIPPED_SLOT : random.below(30) * (random.chance(0.5) ? 1 : 5000);
        slots.push(slot);
        const series = model.get(slot) ?? { times: [], words: [] };
        model.set(slot, series);
        const count = random.chance(0.01) ? 40_000 : random.below(9);
        for (let i = 0; i < count; i++) {
          const ms = 1_700_000_000_000 + random.below(1000);
          const [low, high] = [random.nextUint32(), random.nextUint32()];
          times.push(ms);
          words.push(low, high);
          series.times.push(ms);
          series.words.push(low, high);
        }
        ends.push(times.length);
      }
      const values = new Float64Array(Uint32Array.from(words).buffer);
      store.append(Uint32Array.from(slots), Uint32Array.from(ends), slots.length, Float64Array.from(times), values);
    }
    model.delete(SKIPPED_SLOT);
    for (const [slot, want] of model) {
      assert.deepEqual(read(store, slot), want, `slot ${slot}`);
      if (want.times.length === 0) {
        assert.equal(store.range(slot), null);
        assert.equal(store.placeOf(slot, 0, 2 ** 53), NO_SAMPLES);
        continue;
      }
      const lo = want.times.reduce((a, b) => Math.min(a, b));
      const hi = want.times.reduce((a, b) => Math.max(a, b));
      assert.deepEqual(store.range(slot), { minMs: lo, maxMs: hi });
      assert.equal(store.placeOf(slot, lo, hi), ALL_INSIDE);
      assert.equal(store.placeOf(slot, lo + 1, hi), SOME_OUTSIDE);
      assert.equal(store.placeOf(slot, lo, hi - 1), SOME_OUTSIDE);
      assert.equal(
        store.isOrdered(slot),
        want.times.every((ms, i) => i === 0 || ms > (want.times[i - 1] as number)),
      );
      const middle = Math.floor((lo + hi) / 2);
      const part = read(store, slot, middle, middle + 100).times;
      assert.deepEqual(
        part,
        want.times.filter((ms) => ms >= middle && ms <= middle + 100),
      );
      assert.equal(store.hasSamples(slot, middle, middle + 100), part.length > 0);
      assert.ok(store.overlaps(slot, hi, hi + 1) && store.overlaps(slot, lo - 1, lo));
      assert.ok(!store.overlaps(slot, hi + 1, 2 ** 53) && !store.overlaps(slot, 0, lo - 1));
    }
    assert.equal(store.range(999_999), null);
    assert.deepEqual(read(store, 999_999).times, []);
    store.reset();
    for (const slot of model.keys()) assert.equal(store.range(slot), null, "nothing is left after a reset");
  }
});

test("two samples at one time are not in order", () => {
  const store = new SampleStore();
  for (const [slot, timeMs] of [
    [1, 5],
    [1, 6],
    [2, 5],
    [2, 5],
  ] as const) {
    store.append(Uint32Array.of(slot), Uint32Array.of(1), 1, Float64Array.of(timeMs), Float64Array.of(0));
  }
  assert.ok(store.isOrdered(1));
  assert.ok(!store.isOrdered(2));
});

test("times that rise, and then do not", () => {
  const store = new SampleStore();
  const times: number[] = [];
  const add = (ms: number): void => {
    times.push(ms);
    store.append(Uint32Array.of(7), Uint32Array.of(1), 1, Float64Array.of(ms), Float64Array.of(-ms));
  };
  const check = (): void => {
    assert.deepEqual(store.range(7), { minMs: Math.min(...times), maxMs: Math.max(...times) });
    assert.deepEqual(read(store, 7).times, times);
    for (let lo = 0; lo < 400; lo += 37) {
      const inside = times.filter((ms) => ms >= lo && ms <= lo + 90);
      assert.deepEqual(read(store, 7, lo, lo + 90).times, inside);
    }
  };
  for (let i = 0; i < 200; i++) {
    add(100 + i);
    check();
    assert.ok(store.isOrdered(7));
  }
  for (const ms of [299, 50, 400, 40, 120]) {
    add(ms);
    check();
    assert.ok(!store.isOrdered(7));
  }
});

test("exactly a piece of samples, and one more", () => {
  for (const count of [32_767, 32_768, 32_769, 65_536]) {
    const store = new SampleStore();
    const times = Float64Array.from({ length: count }, (_, i) => i);
    store.append(Uint32Array.of(3, 4), Uint32Array.of(count, count), 2, times, times);
    assert.equal(read(store, 3).times.length, count);
    assert.equal(read(store, 4).times.length, 0);
    assert.equal(read(store, 3, count - 1, count).times.length, 1);
  }
});

test("readers of the same memory see what was in when they were shown it, through columns of their own", () => {
  const random = new Random(5);
  const store = new SampleStore();
  const readers = [1, 2].map(() => new SharedSamples(store.view.memory));
  for (let generation = 0; generation < 3; generation++) {
    for (const reader of readers) reader.begin(store.takeColumns());
    const samples = new Map<number, number>();
    /** Times go up, and down again by one now and then. */
    const timeOf = (i: number): number => (i % 7 === 6 ? i - 1 : i + 1);
    const append = (slot: number, count: number): void => {
      const at = samples.get(slot) ?? 0;
      const times = Float64Array.from({ length: count }, (_, i) => (slot % 2 === 0 ? 1 + at + i : timeOf(at + i)));
      store.append(Uint32Array.of(slot), Uint32Array.of(count), 1, times, times);
      samples.set(slot, at + count);
    };
    for (let round = 0; round < 12; round++) {
      const reader = random.pick(readers);
      append(random.below(20), random.chance(0.5) ? 1 : 1 + random.below(3_000));
      reader.show(store.view);
      const before = new Map(samples);
      // Grows the memory: of that the reader need not know.
      append(random.below(20) * 7_000, 3_000);
      for (let slot = 0; slot < 20; slot++) append(slot, 1 + random.below(6));
      for (const [slot, count] of samples) {
        const least = before.get(slot) ?? 0;
        const { times } = read(reader, slot);
        assert.ok(times.length >= least && times.length <= count, `${times.length} of ${least} to ${count}`);
        assert.ok(times.every((ms, i) => ms === (slot % 2 === 0 ? i + 1 : timeOf(i))));
        if (least > 0) assert.ok(reader.overlaps(slot, 1, 1) && !reader.overlaps(slot, -1, 0));
        if (least > 0) assert.ok(reader.overlaps(slot, least - 1, least + 1));
      }
    }
    for (const [slot, count] of samples) assert.equal(read(store, slot).times.length, count);
    store.reset();
  }
});

test("columns of readers that are gone are used again", () => {
  const store = new SampleStore();
  const first = store.takeColumns();
  store.takeColumns();
  const used = store.usedBytes;
  store.giveBackColumns(first);
  assert.equal(store.takeColumns(), first);
  assert.equal(store.usedBytes, used);
});
