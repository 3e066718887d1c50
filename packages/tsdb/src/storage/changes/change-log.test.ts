import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LoggedSamples } from "../log/wal-record.ts";
import { ChangeLog, ChangeView } from "./change-log.ts";

const NOW_MS = 1_700_000_000_000;

/** One sample a series at these times, slots counted from `slot`. */
function batchOf(times: readonly number[], slot = 0): LoggedSamples {
  return {
    seriesCount: times.length,
    sampleCount: times.length,
    slots: Uint32Array.from(times, (_, i) => slot + i),
    ends: Uint32Array.from(times, (_, i) => i + 1),
    timestamps: Float64Array.from(times),
    values: new Float64Array(times.length),
  };
}

function add(log: ChangeLog, times: readonly number[], slot = 0): void {
  log.add(7, batchOf(times, slot), Math.min(...times));
}

test("what comes late is told by series, what is in time is not", () => {
  const log = new ChangeLog(60_000);
  const view = new ChangeView(log.memory);
  log.advance(NOW_MS);
  const mark = view.mark();
  assert.equal(mark.settledMs, NOW_MS - 60_000);
  add(log, [NOW_MS, NOW_MS - 59_999], 3);
  assert.deepEqual(view.between(mark, view.mark(), 0, Infinity), []);
  add(log, [NOW_MS, NOW_MS - 60_000, NOW_MS - 90_000], 3);
  assert.deepEqual(view.between(mark, view.mark(), 0, Infinity), [
    { slot: 4, registryEpoch: 7, minMs: NOW_MS - 60_000, maxMs: NOW_MS - 60_000 },
    { slot: 5, registryEpoch: 7, minMs: NOW_MS - 90_000, maxMs: NOW_MS - 90_000 },
  ]);
  assert.equal(view.between(mark, view.mark(), NOW_MS - 80_000, Infinity)?.length, 1);
  assert.equal(view.between(mark, view.mark(), 0, NOW_MS - 100_000)?.length, 0);
  assert.deepEqual(view.between(view.mark(), view.mark(), 0, Infinity), []);
});

test("the settled past never shrinks", () => {
  const log = new ChangeLog(0);
  log.advance(NOW_MS);
  log.advance(NOW_MS - 1_000_000);
  assert.equal(log.mark().settledMs, NOW_MS);
});

test("late samples of many series are those of any", () => {
  const log = new ChangeLog(0);
  log.advance(NOW_MS);
  const mark = log.mark();
  add(
    log,
    Array.from({ length: 65 }, (_, i) => NOW_MS - i),
  );
  assert.deepEqual(log.between(mark, log.mark(), 0, Infinity), [
    { slot: -1, registryEpoch: 7, minMs: NOW_MS - 64, maxMs: NOW_MS },
  ]);
});

test("after another epoch nothing is known", () => {
  const log = new ChangeLog(0);
  const mark = log.mark();
  log.changeEverything();
  assert.equal(log.between(mark, log.mark(), 0, Infinity), null);
});

test("a reader is told all since its mark, or that it comes too late", () => {
  const SIZE = 8;
  fc.assert(
    fc.property(fc.array(fc.nat(6), { maxLength: 40 }), fc.nat(100), (batches, before) => {
      const log = new ChangeLog(0, SIZE);
      log.advance(NOW_MS);
      for (let i = 0; i < before; i++) add(log, [NOW_MS - i]);
      const mark = log.mark();
      let told = 0;
      for (const [i, count] of batches.entries()) {
        if (count > 0) add(log, new Array<number>(count).fill(NOW_MS - i), 100);
        told += count;
        const late = log.between(mark, log.mark(), 0, Infinity);
        assert.equal(late?.length ?? -1, told < SIZE ? told : -1);
      }
    }),
    { seed: 20261123, numRuns: 100 },
  );
});
