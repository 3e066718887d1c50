import assert from "node:assert/strict";
import { test } from "node:test";
import { SampleColumns } from "../../base/columns.ts";
import { CorruptionError } from "../../base/errors.ts";
import { Random } from "../../base/random.ts";
import { MemoryDisk } from "../../disk/memory-disk.ts";
import { Pacer } from "../pacer.ts";
import { BlockGatherer } from "../parts/block-gatherer.ts";
import { PartReader } from "../parts/part-reader.ts";
import { PartWriter } from "../parts/part-writer.ts";
import { mergeParts } from "./merge.ts";
import { findLonePages } from "./stretch-copier.ts";

/** Samples of a series from `startMs` on. */
interface Run {
  readonly id: number;
  readonly startMs: number;
  readonly count: number;
}

const random = new Random(5);
const noise = Float64Array.from({ length: 300_000 }, () => random.next());
const valueAt = (id: number, ms: number): number => noise[(id * 131 + ms / 1000) % noise.length] as number;

async function writePart(disk: MemoryDisk, fileNumber: number, runs: readonly Run[]): Promise<PartReader> {
  const writer = await PartWriter.create(disk, `${fileNumber}.part`, fileNumber);
  for (const { id, startMs, count } of runs) {
    const times = Float64Array.from({ length: count }, (_, i) => startMs + 1000 * i);
    writer.add(
      id,
      times,
      times.map((ms) => valueAt(id, ms)),
      0,
      count,
    );
    if (writer.isFull) await writer.flush();
  }
  await writer.finish();
  return await PartReader.open(disk, `${fileNumber}.part`, fileNumber);
}

async function check(part: PartReader, runs: readonly Run[]): Promise<void> {
  const want = new Map<number, number[]>();
  for (const { id, startMs, count } of runs) {
    const times = want.get(id) ?? [];
    want.set(id, times);
    for (let i = 0; i < count; i++) times.push(startMs + 1000 * i);
  }
  const ids = await part.idsIn(0, Number.MAX_SAFE_INTEGER);
  assert.deepEqual(
    [...ids],
    [...want.keys()].sort((a, b) => a - b),
  );
  const gatherer = new BlockGatherer((_part, error) => {
    throw error;
  });
  const positions = ids.map((_id, i) => i);
  gatherer.begin();
  await gatherer.find(part, ids, positions, 0, Number.MAX_SAFE_INTEGER);
  await gatherer.load(ids.length);
  const columns = new SampleColumns();
  for (const [i, id] of ids.entries()) {
    columns.length = 0;
    assert.ok(gatherer.decode(i, 0, Number.MAX_SAFE_INTEGER, columns));
    const times = (want.get(id) as number[]).sort((a, b) => a - b);
    assert.deepEqual([...columns.timestamps.subarray(0, columns.length)], times);
    for (let k = 0; k < times.length; k++) assert.equal(columns.values[k], valueAt(id, times[k] as number));
  }
}

/** Many series of one sample, some of times of their own, and some of several blocks: on even ids. */
const many = (): Run[] =>
  Array.from({ length: 6_000 }, (_, i) => ({
    id: 2 * i,
    startMs: i < 3_000 ? 1_000_000 : 1_000 * (1 + i),
    count: i % 900 === 899 ? 20_000 : 1,
  }));
const few: readonly Run[] = [
  { id: 1_501, startMs: 5_000, count: 3 },
  { id: 6_000, startMs: 90_000_000, count: 2 },
  ...Array.from({ length: 40 }, (_, i) => ({ id: 20_000 + i, startMs: 7_000, count: 1 })),
];

test("pages of series that no other part has are copied, and everything is there", async () => {
  const disk = new MemoryDisk();
  const sources = [await writePart(disk, 1, many()), await writePart(disk, 2, few)];
  const ids = await Promise.all(sources.map((part) => part.idsIn(0, Number.MAX_SAFE_INTEGER)));
  const lone = findLonePages(sources, ids, [true, true]);
  const { pageCount } = sources[0] as PartReader;
  assert.ok(lone.length >= pageCount - 3 && lone.length < pageCount, `${lone.length} of ${pageCount} pages`);
  assert.deepEqual(findLonePages(sources, ids, [false, false]), []);
  const { part } = await mergeParts(disk, sources, "3.part", 3, 0, null, new Pacer());
  await check(part as PartReader, [...many(), ...few]);
  const { info } = part as PartReader;
  const bytes = sources.reduce((sum, source) => sum + source.info.bytes, 0);
  assert.ok(info.bytes < bytes * 1.02, `${info.bytes} of ${bytes} bytes`);
  // What was copied can be copied again.
  const more = await writePart(disk, 4, [{ id: 30_000, startMs: 1_000, count: 1 }]);
  const again = await mergeParts(disk, [part as PartReader, more], "5.part", 5, 0, null, new Pacer());
  await check(again.part as PartReader, [...many(), ...few, { id: 30_000, startMs: 1_000, count: 1 }]);
});

test("a merge notices damage in what it copies", async () => {
  const disk = new MemoryDisk();
  const source = await writePart(disk, 1, many().slice(0, 800));
  const other = await writePart(disk, 2, few.slice(2));
  const file = await disk.open("1.part");
  const bytes = new Uint8Array(file.bytes);
  await file.read(0, bytes);
  for (const at of [24, 400, 5_000]) {
    const spoilt = new MemoryDisk();
    const target = await spoilt.create("1.part");
    const damaged = bytes.slice();
    damaged[at] = (damaged[at] as number) ^ 4;
    await target.append(damaged);
    await target.close();
    const part = await PartReader.open(spoilt, "1.part", 1);
    await assert.rejects(mergeParts(spoilt, [part, other], "3.part", 3, 0, null, new Pacer()), CorruptionError);
  }
  source.retire();
});
