/**
 * A flipped bit in an index segment, and the same series written again after a start: they are recognised or get new ids, but nobody meets one twice, what
 * is new is read back, and what is missing is told.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CorruptionError } from "../../base/errors.ts";
import { Random } from "../../base/random.ts";
import { NewerFormatError } from "../../codec/pages.ts";
import { MemoryDisk } from "../../disk/memory-disk.ts";
import type { Storage } from "../storage.ts";
import { NOW, open, type Row, readAll, rows } from "../testing/harness.ts";

const NAMES = Array.from({ length: 100 }, (_, i) => `m${i}`);
const at = (ms: number): Row[] => NAMES.map((name, i) => [name, ms, i]);

test("series of a damaged segment are written again", async () => {
  const disk = new MemoryDisk();
  const first = await open(disk);
  await first.append(rows(at(NOW - 60_000)));
  await first.close();
  const path = disk.paths().find((name) => name.endsWith(".idx")) as string;
  const good = disk.bytesOf(path).slice();
  const random = new Random(11);
  const ends = new Map<string, number>();
  for (let place = 0; place < good.length; place += 1 + random.below(24)) {
    const damaged = disk.kill();
    damaged.bytesOf(path)[place] = (good[place] as number) ^ (1 << random.below(8));
    const told: string[] = [];
    const tell = (message: string): void => void told.push(message);
    let storage: Storage;
    try {
      storage = await open(damaged, { logger: { info: () => {}, warn: tell, error: tell } });
    } catch (error) {
      assert.ok(error instanceof CorruptionError || error instanceof NewerFormatError);
      continue;
    }
    await storage.append(rows(at(NOW)));
    // What cannot be told to be one series is two here, as long as only one of them can be read.
    const check = async (): Promise<boolean> => {
      const { model, isPartial } = await readAll(storage);
      let old = 0;
      for (const [i, name] of NAMES.entries()) {
        const samples = model.get(name);
        assert.ok(samples?.has(NOW) === true, `byte ${place}: ${name} is not read back`);
        assert.ok(
          samples.size <= 2 && [...samples.values()].every((bits) => bits === [...samples.values()][0]),
          `${i}`,
        );
        if (samples.size === 2) old++;
      }
      assert.ok(
        old === NAMES.length || isPartial,
        `byte ${place}: ${NAMES.length - old} are missing and nobody said so`,
      );
      assert.ok(!isPartial || told.length > 0, `byte ${place}: not logged`);
      return isPartial;
    };
    await check();
    await storage.flush();
    await check();
    await storage.merge();
    const isPartial = await check();
    const end = `${isPartial ? "partial" : "whole"}${storage.describe().quarantinedParts > 0 ? ", damage known" : ""}`;
    ends.set(end, (ends.get(end) ?? 0) + 1);
    await storage.close();
  }
  assert.deepEqual([...ends.keys()].sort(), ["partial, damage known", "whole", "whole, damage known"]);
});
