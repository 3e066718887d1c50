import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SampleColumns } from "../../base/columns.ts";
import { CorruptionError } from "../../base/errors.ts";
import { Random } from "../../base/random.ts";
import { BLOCK_SAMPLES_MAX } from "../../codec/block.ts";
import { NewerFormatError } from "../../codec/pages.ts";
import { MemoryDisk } from "../../disk/memory-disk.ts";
import { bitsOf } from "../testing/harness.ts";
import { BlockGatherer } from "./block-gatherer.ts";
import { PartReader } from "./part-reader.ts";
import { PartWriter } from "./part-writer.ts";

const PATH = "7.part";

interface SeriesRows {
  readonly id: number;
  readonly times: readonly number[];
  readonly values: Float64Array;
}

async function writePart(disk: MemoryDisk, series: readonly SeriesRows[]): Promise<PartReader> {
  const writer = await PartWriter.create(disk, PATH, 7);
  for (const { id, times, values } of series) {
    writer.add(id, Float64Array.from(times), values, 0, times.length);
    if (writer.isFull) await writer.flush();
  }
  const bytes = await writer.finish();
  const reader = await PartReader.open(disk, PATH, 7);
  assert.equal(reader.info.bytes, bytes);
  return reader;
}

/** Samples of the asked ids in the range, as lines. */
async function read(part: PartReader, ids: readonly number[], minMs: number, maxMs: number): Promise<string[]> {
  const gatherer = new BlockGatherer((_part, error) => {
    throw error;
  });
  gatherer.begin();
  await gatherer.find(part, Uint32Array.from(ids), Uint32Array.from(ids.keys()), minMs, maxMs);
  await gatherer.load(ids.length);
  const lines: string[] = [];
  const columns = new SampleColumns(1);
  for (const [position, id] of ids.entries()) {
    columns.length = 0;
    gatherer.decode(position, minMs, maxMs, columns);
    for (let i = 0; i < columns.length; i++) lines.push(`${id} ${columns.timestamps[i]} ${bitsOf(columns.values, i)}`);
  }
  return lines;
}

function expected(series: readonly SeriesRows[], ids: readonly number[], minMs: number, maxMs: number): string[] {
  const lines: string[] = [];
  for (const { id, times, values } of series) {
    if (!ids.includes(id)) continue;
    for (const [i, ms] of times.entries())
      if (ms >= minMs && ms <= maxMs) lines.push(`${id} ${ms} ${bitsOf(values, i)}`);
  }
  return lines;
}

test("what was written is read, bit by bit, by any ids and times", async () => {
  const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 300 }), word, word), { minLength: 1, maxLength: 30 });
  const part = fc.uniqueArray(fc.tuple(fc.nat(40), rows), { selector: ([id]) => id, minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(part, fc.uniqueArray(fc.nat(42)), fc.nat(300), fc.nat(300), async (list, wanted, a, b) => {
      const series = list
        .map(([id, samples]): SeriesRows => {
          const byTime = new Map(samples.map(([ms, high, low]) => [ms, [low, high]]));
          const times = [...byTime.keys()].sort((x, y) => x - y);
          const words = Uint32Array.from(times.flatMap((ms) => byTime.get(ms) as number[]));
          return { id, times, values: new Float64Array(words.buffer) };
        })
        .sort((x, y) => x.id - y.id);
      const reader = await writePart(new MemoryDisk(), series);
      const ids = wanted.sort((x, y) => x - y);
      const [lo, hi] = [Math.min(a, b), Math.max(a, b)];
      assert.deepEqual(await read(reader, ids, lo, hi), expected(series, ids, lo, hi));
      const inRange = series.filter(({ times }) => (times[0] as number) <= hi && (times.at(-1) as number) >= lo);
      assert.deepEqual(
        [...(await reader.idsIn(lo, hi))],
        inRange.map(({ id }) => id),
      );
      assert.equal(reader.info.series, series.length);
      assert.equal(
        reader.info.rows,
        series.reduce((all, { times }) => all + times.length, 0),
      );
      assert.equal(reader.info.minMs, Math.min(...series.map(({ times }) => times[0] as number)));
      assert.equal(reader.info.maxMs, Math.max(...series.map(({ times }) => times.at(-1) as number)));
    }),
    { numRuns: 60 },
  );
});

test("many series, over many index pages, are found by any subset", async () => {
  const random = new Random(3);
  const series: SeriesRows[] = [];
  for (let id = 0; id < 4000; id += 1 + random.below(3)) {
    const start = random.below(10) * 1000;
    series.push({ id, times: [start, start + 15], values: Float64Array.of(id, -id) });
  }
  const reader = await writePart(new MemoryDisk(), series);
  assert.ok(reader.pageCount > 3);
  for (let round = 0; round < 30; round++) {
    const density = [0.001, 0.05, 0.9][round % 3] as number;
    const ids = Array.from({ length: 4005 }, (_, id) => id).filter(() => random.chance(density));
    const lo = random.below(10_000);
    const hi = round % 2 === 0 ? lo + random.below(5_000) : Number.MAX_SAFE_INTEGER;
    assert.deepEqual(await read(reader, ids, lo, hi), expected(series, ids, lo, hi));
  }
});

test("a series that fills several index pages is found whole, with those before, between and after", async () => {
  const writer = await PartWriter.create(new MemoryDisk(), PATH, 7);
  await writer.abort();
  const disk = new MemoryDisk();
  const long = await PartWriter.create(disk, PATH, 7);
  // Many short calls make many short blocks: 1,300 of them are three pages.
  long.add(3, Float64Array.of(1), Float64Array.of(0.5), 0, 1);
  for (let i = 0; i < 1300; i++) long.add(5, Float64Array.of(10 * i, 10 * i + 5), Float64Array.of(i, -i), 0, 2);
  long.add(9, Float64Array.of(2), Float64Array.of(1.5), 0, 1);
  await long.finish();
  const reader = await PartReader.open(disk, PATH, 7);
  assert.equal(reader.pageCount, 3);
  const count = async (ids: number[], lo: number, hi: number): Promise<number> =>
    (await read(reader, ids, lo, hi)).length;
  assert.equal(await count([5], 0, 1e6), 2600);
  assert.equal(await count([3, 4, 5, 9, 10], 0, 1e6), 2602);
  assert.equal(await count([4, 9], 0, 1e6), 1);
  assert.equal(await count([5], 5115, 5125), 3, "around the first page's end");
  assert.equal(await count([5, 9], 0, 5), 3);
  assert.equal(await count([5], 12_995, 20_000), 1);
  assert.equal(await count([5], 12_996, 20_000), 0);
});

test("a block has at most so many samples, and none is lost at its edges", async () => {
  for (const count of [1, BLOCK_SAMPLES_MAX - 1, BLOCK_SAMPLES_MAX, BLOCK_SAMPLES_MAX + 1, 3 * BLOCK_SAMPLES_MAX + 7]) {
    const times = Array.from({ length: count }, (_, i) => 1_000_000 + i * 15);
    const series = [{ id: 1, times, values: Float64Array.from(times, (ms) => ms % 97) }];
    const reader = await writePart(new MemoryDisk(), series);
    assert.equal(reader.info.blocks, Math.ceil(count / BLOCK_SAMPLES_MAX));
    const middle = times[Math.min(count - 1, BLOCK_SAMPLES_MAX)] as number;
    for (const [lo, hi] of [
      [0, 1e9],
      [middle, middle],
      [middle - 15, middle + 14],
      [middle + 1, 1e9],
    ] as const) {
      assert.deepEqual(await read(reader, [1], lo, hi), expected(series, [1], lo, hi));
    }
  }
});

test("series of one scrape share one column of times", async () => {
  const times = Array.from({ length: 500 }, (_, i) => i * 15_000 + ((i * 7919) % 13));
  const bytesOf = async (shift: number): Promise<number> => {
    const series = Array.from({ length: 50 }, (_, id) => ({
      id,
      times: times.map((ms) => ms + id * shift),
      values: new Float64Array(500),
    }));
    const reader = await writePart(new MemoryDisk(), series);
    assert.deepEqual(await read(reader, [0, 20, 49], 0, 1e9), expected(series, [0, 20, 49], 0, 1e9));
    return reader.info.bytes;
  };
  const [shared, own] = [await bytesOf(0), await bytesOf(1)];
  assert.ok(shared * 3 < own, `${shared} bytes and ${own}`);
});

test("a retired part is read to the end by those who hold it", async () => {
  const disk = new MemoryDisk();
  const reader = await writePart(disk, [{ id: 1, times: [5], values: Float64Array.of(1) }]);
  reader.acquire();
  reader.retire();
  await disk.remove(PATH);
  assert.equal((await read(reader, [1], 0, 10)).length, 1);
  reader.release();
});

test("the wrong number, another kind, a newer format and a torn file are told apart", async () => {
  const disk = new MemoryDisk();
  await writePart(disk, [{ id: 1, times: [5], values: Float64Array.of(1) }]);
  await assert.rejects(PartReader.open(disk, PATH, 8), CorruptionError);
  const good = disk.bytesOf(PATH).slice();
  const openWith = async (bytes: Uint8Array): Promise<PartReader> => {
    const other = new MemoryDisk();
    await (await other.create(PATH)).append(bytes);
    return await PartReader.open(other, PATH, 7);
  };
  for (let cut = 0; cut < good.length; cut++)
    await assert.rejects(openWith(good.subarray(0, cut)), CorruptionError, `cut at ${cut}`);
  const newer = good.slice();
  newer[8] = 2;
  await assert.rejects(
    openWith(newer),
    (error: Error) => error instanceof NewerFormatError && error.message.includes(PATH),
  );
});
