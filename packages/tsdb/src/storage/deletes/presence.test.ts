/** Which series have samples in a range: the same answers as from all blocks at once, with little in memory, and beside damage. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CorruptionError } from "../../base/errors.ts";
import { Random } from "../../base/random.ts";
import { MemoryDisk } from "../../disk/memory-disk.ts";
import { IdBits, NO_MORE } from "../../index/id-list.ts";
import { Pacer } from "../pacer.ts";
import { limitPartCaches } from "../parts/part-caches.ts";
import { PartReader } from "../parts/part-reader.ts";
import { PartWriter } from "../parts/part-writer.ts";
import type { SnapshotPartition } from "../search/search.ts";
import { type Presence, presence } from "./presence.ts";
import { Tombstones } from "./tombstones.ts";

const IDS = 6_000;
const SPAN_MS = 10_000;

interface Block {
  readonly id: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/** Parts 1 and 2 with blocks of two samples, more than fit on a few index pages; ids that stand close have times that are close. */
async function writeParts(disk: MemoryDisk, random: Random): Promise<{ parts: PartReader[]; blocks: Block[][] }> {
  const parts: PartReader[] = [];
  const blocks: Block[][] = [];
  for (const fileNumber of [1, 2]) {
    const own: Block[] = [];
    const path = `${fileNumber}.part`;
    const writer = await PartWriter.create(disk, path, fileNumber);
    for (let id = 0; id < IDS; id++) {
      // The first third has all ids, so that some pages are dense.
      if (id > IDS / 3 && random.chance(0.3)) continue;
      const minMs = Math.floor((id / IDS) * SPAN_MS) + random.below(500);
      const maxMs = minMs + 1 + random.below(300);
      writer.add(id, Float64Array.of(minMs, maxMs), Float64Array.of(1, 2), 0, 2);
      own.push({ id, minMs, maxMs });
      if (writer.isFull) await writer.flush();
    }
    await writer.finish();
    parts.push(await PartReader.open(disk, path, fileNumber));
    blocks.push(own);
  }
  return { parts, blocks };
}

const nobody = { rules: null, nowMs: SPAN_MS, onCorruption: (): void => assert.fail("damage") };

test("series present in a range: found page by page, with a cache of few pages", async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = new Random(seed);
    const disk = new MemoryDisk();
    const caches = limitPartCaches(disk, 200_000);
    const { parts, blocks } = await writeParts(disk, random);
    const hidden = Array.from({ length: IDS }, (_, id) => id).filter(() => random.chance(0.2));
    // Of the older part only.
    const tombstones = seed % 2 === 0 ? Tombstones.of(2, Uint32Array.from(hidden), 0, SPAN_MS * 2) : null;
    const entry = { parts, tombstones, isSparse: true } as unknown as SnapshotPartition;
    for (let round = 0; round < 8; round++) {
      const minMs = random.below(SPAN_MS);
      const maxMs = minMs + random.below(SPAN_MS);
      const there = (fromMs: number): IdBits => {
        const bits = new IdBits(0, IDS);
        for (const [part, own] of blocks.entries()) {
          for (const { id, ...block } of own) {
            if (part === 0 && tombstones !== null && hidden.includes(id)) continue;
            if (block.minMs <= maxMs && block.maxMs >= fromMs) bits.add(id);
          }
        }
        return bits;
      };
      const want = there(minMs);
      const present = presence(entry, minMs, maxMs, nobody) as Presence;
      const asked = Uint32Array.from({ length: IDS }, (_, id) => id).filter(() => random.chance(0.7));
      assert.deepEqual(
        await present.keep(asked, new Pacer()),
        asked.filter((id) => want.has(id)),
      );
      for (let i = 0; i < 200; i++) {
        const id = random.below(IDS + 10);
        const next = await present.next(id);
        assert.equal(next === id, want.has(id), `${id}`);
        assert.ok(next <= want.next(id), `${next} skips ${want.next(id)}`);
      }
      assert.equal(await present.next(IDS), NO_MORE);
      const fromMs = minMs + random.below(500);
      const later = there(fromMs);
      for (let i = 0; i < 100; i++) {
        const id = random.below(IDS);
        assert.equal(await present.since(id, fromMs), later.has(id));
      }
    }
    assert.ok(caches.bytes <= caches.bytesMax, `${caches.bytes} bytes`);
    for (const part of parts) part.retire();
    assert.equal(caches.pages.bytes, 0, "what is closed leaves the cache");
  }
});

test("a damaged index page costs itself and is told of once", async () => {
  const disk = new MemoryDisk();
  const { parts, blocks } = await writeParts(disk, new Random(7));
  const [part] = parts as [PartReader];
  // One with gaps: a dense one need not be read.
  const damaged = part.pageCount - 2;
  const entries = part.entries.bind(part);
  part.entries = async (page) => {
    if (page === damaged) throw new CorruptionError(part.path, 0, "bits");
    return await entries(page);
  };
  const { first, last } = part.pageIds(damaged);
  let told = 0;
  const onCorruption = (): void => {
    told++;
  };
  const entry = { parts: [part], tombstones: null, isSparse: true } as unknown as SnapshotPartition;
  const present = presence(entry, 0, SPAN_MS * 2, { ...nobody, onCorruption }) as Presence;
  const all = Uint32Array.from({ length: IDS }, (_, id) => id);
  const want = (blocks[0] as Block[]).map(({ id }) => id).filter((id) => id < first || id > last);
  assert.deepEqual(Array.from(await present.keep(all, new Pacer())), want);
  assert.equal(await present.since(first, 0), false);
  assert.equal(told, 1);
  for (const one of parts) one.retire();
});
