import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CorruptionError } from "../../base/errors.ts";
import { MemoryDisk } from "../../disk/memory-disk.ts";
import { hidesAll, hidesSome, Tombstones } from "./tombstones.ts";

interface Delete {
  readonly ids: number[];
  readonly from: number;
  readonly to: number;
}

const deletes = fc.array(
  fc.record({
    ids: fc.uniqueArray(fc.nat(12), { minLength: 1, maxLength: 8 }).map((ids) => ids.sort((a, b) => a - b)),
    from: fc.nat(20),
    to: fc.nat(10),
  }),
  { minLength: 1, maxLength: 8 },
);

/** Deletes with file numbers 10, 20, 30 … one after the other, when there are parts from `oldest` on. */
function pile(list: readonly Delete[], oldest: number): Tombstones {
  return list
    .map(({ ids, from, to }, i) => Tombstones.of(10 * (i + 1), Uint32Array.from(ids), from, from + to))
    .reduce((tombstones, later) => tombstones.with(later, oldest));
}

test("any pile of deletes hides what each of them hides, and nothing of parts made after it", () => {
  fc.assert(
    fc.property(deletes, fc.nat(90), (list, part) => {
      const mask = pile(list, part).maskFor(part);
      for (let id = 0; id <= 13; id++) {
        const hidden = mask?.rangesOf(id) ?? new Float64Array(0);
        for (let i = 1; i < hidden.length; i++) assert.ok((hidden[i] as number) >= (hidden[i - 1] as number));
        for (let ms = 0; ms <= 32; ms++) {
          const want = list.some(
            ({ ids, from, to }, i) => part < 10 * (i + 1) && ids.includes(id) && ms >= from && ms <= from + to,
          );
          assert.equal(hidesSome(hidden, ms, ms), want, `id ${id} at ${ms}`);
          assert.equal(hidesAll(hidden, ms, ms), want);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("they come back as they were written; any byte that was changed and any cut is found", async () => {
  const disk = new MemoryDisk();
  const tombstones = pile(
    [
      { ids: [1, 5, 400_000_000], from: 0, to: Number.MAX_SAFE_INTEGER },
      { ids: [2, 5], from: 7, to: 1 },
    ],
    0,
  );
  await tombstones.write(disk, "t");
  const read = await Tombstones.read(disk, "t", 20);
  assert.deepEqual(read.ranges, tombstones.ranges);
  assert.equal(read.pairCount, 5, "what is deleted twice is of different parts");
  assert.deepEqual(read.encode(), tombstones.encode());
  const { length } = disk.bytesOf("t");
  for (let at = 0; at < length; at++) {
    const damaged = disk.kill();
    const bytes = damaged.bytesOf("t");
    bytes[at] = (bytes[at] as number) ^ (at === 8 ? 1 : 4);
    await assert.rejects(
      Tombstones.read(damaged, "t", 20),
      (error: Error) => error instanceof CorruptionError || at < 12,
    );
    const cut = disk.kill();
    await cut.truncate("t", at);
    await assert.rejects(Tombstones.read(cut, "t", 20), CorruptionError, `cut at ${at}`);
  }
  await assert.rejects(Tombstones.read(disk, "t", 21), CorruptionError);
});

test("a delete of a million series takes a few megabytes, and repeating it takes no more", () => {
  const ids = Uint32Array.from({ length: 1_000_000 }, (_, i) => 3 * i);
  const first = Tombstones.of(1, ids, 0, 1e15);
  const second = first.with(Tombstones.of(2, ids, 0, 1e15), 0);
  assert.equal(second.pairCount, ids.length);
  assert.equal(second.ranges.length, 1);
  assert.ok(second.encode().length < 2.1 * ids.length);
  assert.deepEqual(second.maskFor(1)?.rangesOf(999_999), Float64Array.of(0, 1e15));
  assert.equal(second.maskFor(1)?.rangesOf(1), null);
  assert.equal(second.maskFor(2), null);
});
