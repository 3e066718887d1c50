/** Rules answer the same in a repaired database, and damage met by a flush is found and repaired like any other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { MemoryDisk } from "../../disk/memory-disk.ts";
import { AGGREGATES, type SampleRules } from "../rules/sample-rules.ts";
import { DAY, NOW, open, type Row, readAll, rows, sorted } from "../testing/harness.ts";
import { repairDatabase } from "./repair.ts";
import { type FileReport, verifyDatabase } from "./verify.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;
const DEFAULT_DEDUP_MS = 10 * MINUTE;

test("results of aggregations stay results, and samples that came late stay samples", async () => {
  for (const aggregate of AGGREGATES) {
    for (const dedupMs of [0, DEFAULT_DEDUP_MS]) {
      const steps = [
        { offsetMs: DAY, intervalMs: HOUR },
        { offsetMs: 60 * DAY, intervalMs: 6 * HOUR },
      ];
      const rules: SampleRules = { dedupMs, downsampling: [{ groups: null, aggregate, steps }], retentions: [] };
      const disk = new MemoryDisk();
      const storage = await open(disk, { rules, clock: new ManualClock(NOW) });
      const run = (fromMs: number, count: number): Row[] =>
        Array.from({ length: count }, (_, i) => [`m${i % 3}`, fromMs + i * 7 * MINUTE, (i % 11) + 1]);
      await storage.append(rows(run(NOW - 40 * DAY, 300)));
      await storage.append(rows(run(NOW - 70 * DAY, 300)));
      await storage.merge();
      await storage.append(rows(run(NOW - 40 * DAY + 200 * MINUTE + 1, 20)));
      await storage.append(rows(run(NOW - HOUR, 5)));
      await storage.flush();
      const image = disk.kill();
      await storage.close();

      const target = new MemoryDisk();
      const { samples, series } = await repairDatabase(image, target);
      assert.equal(series, 3);
      assert.ok(samples > 50);
      for (const laterMs of [0, 30 * DAY]) {
        for (const isMerged of [false, true]) {
          const answers = [];
          for (const source of [image, target]) {
            const opened = await open(source.kill(), { rules, clock: new ManualClock(NOW + laterMs) });
            if (isMerged) await opened.merge();
            answers.push(sorted((await readAll(opened)).model));
            await opened.close();
          }
          assert.deepEqual(answers[1], answers[0], `${aggregate}, ${laterMs} ms later, deduplicated by ${dedupMs} ms`);
        }
      }
    }
  }
});

test("a flush that meets damage in an index leaves nothing that verifying or repairing takes for more damage", async () => {
  const disk = new MemoryDisk();
  const entries = (round: number): Row[] => Array.from({ length: 60 }, (_, i) => [`m${i}`, NOW + round * 1000, i]);
  const storage = await open(disk);
  await storage.append(rows(entries(0)));
  await storage.flush();
  await storage.close();
  const path = disk.paths().find((name) => name.endsWith(".idx")) as string;
  const { length } = disk.bytesOf(path);
  for (let at = 12; at < length; at += 37) {
    const damaged = disk.kill();
    damaged.bytesOf(path)[at] = (disk.bytesOf(path)[at] as number) ^ 4;
    // The same series come again: each flush looks for them in the damaged segment.
    for (const round of [1, 2]) {
      const again = await open(damaged);
      await again.append(rows(entries(round)));
      await again.close();
    }
    const files: FileReport[] = [];
    await verifyDatabase(damaged, { onFile: (file) => void files.push(file) });
    const found = files.filter(({ problems }) => problems.length > 0).map((file) => file.path);
    assert.deepEqual(found, [path], `byte ${at}`);

    const target = new MemoryDisk();
    const { samples, unnamedSamples } = await repairDatabase(damaged, target);
    assert.equal(samples + unnamedSamples, 180, `byte ${at}`);
    const repaired = await open(target);
    const { model, isPartial } = await readAll(repaired);
    assert.equal(isPartial, false);
    assert.equal(model.size, 60, `byte ${at}`);
    for (const own of model.values()) assert.ok(own.size >= 2, `byte ${at}: what came after the damage is there`);
    await repaired.close();
  }
});
