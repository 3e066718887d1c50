import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { Random } from "../../base/random.ts";
import { DEFAULT_TENANT } from "../../base/tenant.ts";
import { MemoryDisk } from "../../disk/memory-disk.ts";
import { RemoteWriteParser } from "../../ingest/remote-write.ts";
import { encodeWriteRequest } from "../../ingest/remote-write-encoder.ts";
import type { RowBatch } from "../../ingest/row-batch.ts";
import type { Storage } from "../storage.ts";
import { addRow, NOW, open, readAll, rows } from "../testing/harness.ts";
import { NO_SERIES_LIMITS, type SeriesLimitOptions } from "./series-limits.ts";

const HOUR = 3_600_000;

const limited = (
  limits: Partial<SeriesLimitOptions>,
  clock: ManualClock = new ManualClock(NOW),
  warnings: string[] = [],
): Promise<Storage> =>
  open(new MemoryDisk(), {
    clock,
    seriesLimits: { ...NO_SERIES_LIMITS, ...limits },
    logger: { info: () => {}, error: () => {}, warn: (message) => warnings.push(message) },
  });

/** Series `m{lo}` to `m{hi - 1}`, a sample each. */
function numbered(lo: number, hi: number): RowBatch {
  const batch = rows([]);
  for (let i = lo; i < hi; i++) addRow(batch, { __name__: `m${i}`, job: "test" }, NOW, i);
  return batch;
}

test("series over a size are left out, counted by the reason, and named once in a while", async () => {
  const warnings: string[] = [];
  const clock = new ManualClock(NOW);
  const storage = await limited({ maxLabels: 3, maxLabelNameBytes: 10, maxLabelValueBytes: 20 }, clock, warnings);
  const batch = rows([["fits", NOW, 1]]);
  addRow(batch, { __name__: "many", job: "test", a: "1", b: "2" }, NOW, 1);
  // A label without a value is none.
  addRow(batch, { __name__: "three", job: "test", a: "1", b: "" }, NOW, 1);
  addRow(batch, { __name__: "name", job: "test", elevenchars: "1" }, NOW, 1);
  addRow(batch, { __name__: "value", job: "test", a: "x".repeat(21) }, NOW, 1);
  addRow(batch, { __name__: "fit", job: "test", ten_chars_: "x".repeat(20) }, NOW, 1);
  for (const round of [1, 2]) {
    const outcome = await storage.append(batch);
    assert.equal(outcome.stored, 3);
    assert.equal(outcome.invalidLabels, 0);
    assert.deepEqual(
      outcome.overLimit,
      new Map([
        ["too_many_labels", 1],
        ["too_long_label_name", 1],
        ["too_long_label_value", 1],
      ]),
    );
    assert.equal(storage.counters.rowsOverLimit.too_many_labels, round);
  }
  assert.deepEqual([...(await readAll(storage)).model.keys()].sort(), ["fit", "fits", "three"]);
  assert.deepEqual(warnings, [
    'left out samples of {__name__="many",job="test",a="1",b="2"}: it is over -maxLabelsPerTimeseries=3',
  ]);
  clock.advance(5_000);
  await storage.append(batch);
  assert.equal(warnings.length, 2);
  await storage.close();
});

test("an hour's limit is exact, old series go on, new ones cost nothing, and the next hour begins anew", async () => {
  const clock = new ManualClock(NOW);
  const storage = await limited({ maxHourlySeries: 100 }, clock);
  const first = await storage.append(numbered(0, 150));
  assert.equal(first.stored, 100);
  assert.deepEqual(first.overLimit, new Map([["hourly_limit_exceeded", 50]]));
  assert.equal(storage.describe().headSeries, 100, "what is refused is not registered");
  assert.equal(storage.describe().hourlySeries, 100);
  assert.equal((await storage.append(numbered(0, 100))).stored, 100);
  assert.equal((await storage.append(numbered(100, 1000))).stored, 0);
  assert.equal(storage.describe().headSeries, 100);
  assert.equal(storage.counters.rowsOverLimit.hourly_limit_exceeded, 950);

  clock.advance(HOUR);
  assert.equal((await storage.append(numbered(100, 160))).stored, 60);
  assert.equal(storage.describe().hourlySeries, 60);
  assert.equal((await storage.append(numbered(0, 100))).stored, 40, "known series count in the new hour, too");
  await storage.close();
});

test("a day's limit holds over its hours, and both are asked", async () => {
  const clock = new ManualClock(NOW);
  const storage = await limited({ maxHourlySeries: 10, maxDailySeries: 25 }, clock);
  const stored: number[] = [];
  for (let hour = 0; hour < 4; hour++) {
    stored.push((await storage.append(numbered(hour * 10, hour * 10 + 12))).stored);
    clock.advance(HOUR);
  }
  assert.deepEqual(stored, [10, 10, 5, 0]);
  assert.equal(storage.describe().dailySeries, 25);
  clock.advance(20 * HOUR);
  assert.equal((await storage.append(numbered(40, 52))).stored, 10);
  await storage.close();
});

test("a series without labels and one that is too large take nobody's place", async () => {
  const storage = await limited({ maxHourlySeries: 2, maxLabels: 2 });
  const batch = rows([]);
  addRow(batch, {}, NOW, 1);
  addRow(batch, { __name__: "large", a: "1", b: "2" }, NOW, 1);
  for (let i = 0; i < 3; i++) addRow(batch, { __name__: `m${i}` }, NOW, 1);
  const { stored, overLimit } = await storage.append(batch);
  assert.equal(stored, 2);
  assert.deepEqual(
    overLimit,
    new Map([
      ["too_many_labels", 1],
      ["hourly_limit_exceeded", 1],
    ]),
  );
  await storage.close();
});

test("sizes are judged alike in every layout of a batch's bytes, at the limit and around it", async () => {
  const random = new Random(7);
  const limits = { maxLabels: 4, maxLabelNameBytes: 140, maxLabelValueBytes: 150 };
  const text = (length: number): string => "x".repeat(length);
  const lengths = [1, 50, 120, 127, 128, 139, 140, 141, 149, 150, 151, 300, 16_400];
  for (let round = 0; round < 200; round++) {
    const labels: Record<string, string> = { __name__: `m${round}` };
    const count = random.below(5);
    let isOver = count > 3;
    for (let k = 0; k < count; k++) {
      const name = `${k}${text((lengths[random.below(lengths.length)] as number) - 1)}`;
      const value = text(lengths[random.below(lengths.length)] as number);
      labels[name] = value;
      isOver ||= name.length > 140 || value.length > 150;
    }
    const asRows = rows([]);
    addRow(asRows, labels, NOW, 1);
    const series = { labels: Object.entries(labels), timestamps: [NOW], values: Float64Array.of(1) };
    const options = { tenant: DEFAULT_TENANT, compression: "none", maxBytes: 1 << 20 } as const;
    for (const batch of [asRows, new RemoteWriteParser().parse(encodeWriteRequest([series]), options)]) {
      const storage = await limited(limits);
      assert.equal((await storage.append(batch)).stored, isOver ? 0 : 1, JSON.stringify(labels).slice(0, 500));
      await storage.close();
    }
  }
});
