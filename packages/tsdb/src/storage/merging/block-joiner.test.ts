import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SampleColumns } from "../../base/columns.ts";
import { BLOCK_SAMPLES_MAX } from "../../codec/block.ts";
import { MemoryDisk } from "../../disk/memory-disk.ts";
import { Pacer } from "../pacer.ts";
import { BlockGatherer } from "../parts/block-gatherer.ts";
import { PartReader } from "../parts/part-reader.ts";
import { PartWriter } from "../parts/part-writer.ts";
import { bitsOf } from "../testing/harness.ts";
import { joinedRuns } from "./block-joiner.ts";
import { mergeParts } from "./merge.ts";

const runsOf = (counts: readonly number[]): number[][] => {
  let lo = 0;
  return joinedRuns(counts.map((samples) => ({ samples }))).map((hi) => {
    const run = counts.slice(lo, hi);
    lo = hi;
    return run;
  });
};

test("blocks are joined when that doubles the longest of them, and left otherwise", () => {
  assert.deepEqual(runsOf([]), []);
  assert.deepEqual(runsOf([5]), [[5]]);
  assert.deepEqual(runsOf([5, 5]), [[5, 5]]);
  assert.deepEqual(runsOf([400, 100]), [[400], [100]]);
  assert.deepEqual(runsOf([400, 100, 100]), [[400], [100, 100]]);
  assert.deepEqual(runsOf([3, 4, 400, 100, 200, 100]), [[3, 4, 400, 100, 200, 100]]);
  assert.deepEqual(runsOf([10, 8192, 10, 10, 5000, 1]), [[10], [8192], [10, 10], [5000], [1]]);
});

test("runs cover all blocks in order, a joined one is at least twice its longest block, and what is left beside each other is little", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: BLOCK_SAMPLES_MAX }), { maxLength: 60 }), (counts) => {
      const runs = runsOf(counts);
      assert.deepEqual(runs.flat(), counts);
      for (const run of runs) {
        const sum = run.reduce((all, count) => all + count, 0);
        assert.ok(run.length === 1 || (sum >= 2 * Math.max(...run) && Math.max(...run) < BLOCK_SAMPLES_MAX / 2));
      }
      // Between two long blocks: a longest run, and both sides less than half of it together with it, and so on.
      let short = 0;
      for (const run of runs) {
        const isLong = run.length === 1 && (run[0] as number) >= BLOCK_SAMPLES_MAX / 2;
        short = isLong ? 0 : short + 1;
        assert.ok(short <= 26, `${short} short blocks in a row`);
      }
    }),
  );
});

/** Samples by id as `time:bits`. */
type Rows = Map<number, Map<number, number>>;

async function writePart(disk: MemoryDisk, fileNumber: number, rows: Rows): Promise<PartReader> {
  const writer = await PartWriter.create(disk, `${fileNumber}.part`, fileNumber);
  for (const id of [...rows.keys()].sort((a, b) => a - b)) {
    const samples = [...(rows.get(id) as Map<number, number>)].sort((a, b) => a[0] - b[0]);
    const times = Float64Array.from(samples, ([ms]) => ms);
    writer.add(
      id,
      times,
      Float64Array.from(samples, ([, value]) => value),
      0,
      samples.length,
    );
  }
  await writer.finish();
  return await PartReader.open(disk, `${fileNumber}.part`, fileNumber);
}

async function readPart(part: PartReader): Promise<Map<number, [number, string][]>> {
  const ids = await part.idsIn(0, Number.MAX_SAFE_INTEGER);
  const gatherer = new BlockGatherer((_part, error) => {
    throw error;
  });
  gatherer.begin();
  await gatherer.find(
    part,
    ids,
    ids.map((_id, i) => i),
    0,
    Number.MAX_SAFE_INTEGER,
  );
  await gatherer.load(ids.length);
  const found = new Map<number, [number, string][]>();
  const columns = new SampleColumns();
  ids.forEach((id, i) => {
    columns.length = 0;
    gatherer.decode(i, 0, Number.MAX_SAFE_INTEGER, columns);
    const samples: [number, string][] = [];
    for (let k = 0; k < columns.length; k++) samples.push([columns.timestamps[k] as number, bitsOf(columns.values, k)]);
    found.set(id, samples);
  });
  return found;
}

const dice = fc.record({
  id: fc.integer({ min: 0, max: 5 }),
  startMs: fc.integer({ min: 0, max: 4_000 }),
  count: fc.integer({ min: 1, max: 300 }),
  stepMs: fc.constantFrom(1, 10, 15),
  value: fc.constantFrom(0, -0, 1.5, Number.NaN, 7),
});

test("whatever parts overlap, a merge has each sample once, bit by bit, and none before its oldest time", async () => {
  const parts = fc.array(fc.array(dice, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(parts, fc.constantFrom(0, 0, 1_000), async (all, minMs) => {
      const disk = new MemoryDisk();
      const want = new Map<number, Map<number, number>>();
      const readers: PartReader[] = [];
      for (const [i, runs] of all.entries()) {
        const rows: Rows = new Map();
        for (const { id, startMs, count, stepMs, value } of runs) {
          for (const target of [rows, want]) {
            const samples = target.get(id) ?? new Map<number, number>();
            target.set(id, samples);
            for (let k = 0; k < count; k++) {
              const ms = startMs + k * stepMs;
              if (target === want && ms < minMs) continue;
              // One value a time, whatever the part: which of several wins is sample-order's matter.
              samples.set(ms, (value + ms) % 3 === 0 ? value : ms);
            }
          }
        }
        readers.push(await writePart(disk, i + 1, rows));
      }
      for (const [id, samples] of want) {
        for (const ms of samples.keys()) samples.set(ms, Number.NEGATIVE_INFINITY);
        for (const reader of readers) {
          for (const [ms, bits] of (await readPart(reader)).get(id) ?? []) {
            if (ms < minMs) continue;
            const value = new Float64Array(new BigUint64Array([BigInt(`0x${bits}`)]).buffer)[0] as number;
            const known = samples.get(ms) as number;
            const isBetter = Number.isNaN(known) || value > known || (value === known && Object.is(known, -0));
            if (isBetter || known === Number.NEGATIVE_INFINITY) samples.set(ms, value);
          }
        }
        if (samples.size === 0) want.delete(id);
      }
      const { part: merged } = await mergeParts(disk, readers, "merged.part", 100, minMs, null, new Pacer());
      const got = merged === null ? new Map() : await readPart(merged);
      const plain = [...want].map(([id, samples]): [number, [number, string][]] => [
        id,
        [...samples]
          .sort((a, b) => a[0] - b[0])
          .map(([ms, value]): [number, string] => [ms, bitsOf(Float64Array.of(value), 0)]),
      ]);
      assert.deepEqual(
        [...got],
        plain.sort((a, b) => a[0] - b[0]),
      );
    }),
    { numRuns: 150 },
  );
});

test("blocks that stand side by side go over byte by byte, and their times are shared as before", async () => {
  const disk = new MemoryDisk();
  const times = (from: number, count: number): Map<number, number> =>
    new Map(Array.from({ length: count }, (_, i) => [from + 15_000 * i, Math.sin(i)]));
  const series = (from: number, count: number): Rows =>
    new Map(Array.from({ length: 50 }, (_, id) => [id, times(from, count)]));
  const first = await writePart(disk, 1, series(0, 400));
  const second = await writePart(disk, 2, series(6_000_000, 100));
  const merged = (await mergeParts(disk, [first, second], "3.part", 3, 0, null, new Pacer())).part as PartReader;
  assert.equal(merged.info.rows, 50 * 500);
  assert.equal(merged.info.blocks, 100);
  const { bytes } = merged.info;
  const sources = first.info.bytes + second.info.bytes;
  assert.ok(bytes < sources * 1.05, `${bytes} bytes of ${sources}`);
  const doubled = await writePart(disk, 4, series(7_500_000, 500));
  const joined = (await mergeParts(disk, [merged, doubled], "5.part", 5, 0, null, new Pacer())).part as PartReader;
  assert.equal(joined.info.blocks, 50);
  assert.deepEqual((await readPart(joined)).get(7)?.length, 1_000);
});
