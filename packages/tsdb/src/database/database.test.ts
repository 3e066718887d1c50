import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { InputError } from "../base/errors.ts";
import { Labels } from "../base/labels.ts";
import { LockedError } from "../disk/disk.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { type Database, openDatabase } from "./database.ts";
import type { Dialect } from "./queries.ts";

const NOW = Date.UTC(2026, 5, 15, 12);
const clock = {
  nowMs: () => NOW,
  monotonicMs: () => 0,
  setTimer: () => ({ cancel() {} }),
  setRepeatingTimer: () => ({ cancel() {} }),
};

async function withDatabase(run: (db: Database, reopen: () => Promise<Database>) => Promise<void>): Promise<void> {
  const disk = new MemoryDisk();
  let db = await openDatabase("", { disk, clock });
  await run(db, async () => {
    await db.close();
    db = await openDatabase("", { disk, clock });
    return db;
  });
  await db.close();
}

test("the example of the header runs", async () => {
  const folder = await mkdtemp(join(tmpdir(), "nyanza-database-"));
  try {
    const db = await openDatabase(folder);
    await db.appendRow({ __name__: "temperature_celsius", room: "kitchen" }, Date.now(), 21.5);
    const { series } = await db.query("max(temperature_celsius) by (room)");
    assert.equal(series[0]?.labels.get("room"), "kitchen");
    assert.equal(series[0]?.values[0], 21.5);
    await assert.rejects(openDatabase(folder), LockedError);
    await db.close();
    await (await openDatabase(folder)).close();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("labels come as a Map, pairs, an object or Labels, and mean the same series", async () => {
  await withDatabase(async (db) => {
    await db.appendRow(
      new Map([
        ["__name__", "m"],
        ["a", "b"],
      ]),
      NOW - 4,
      1,
    );
    await db.appendRow(
      [
        ["a", "b"],
        ["__name__", "m"],
      ],
      NOW - 3,
      2,
    );
    await db.appendRow({ a: "b", __name__: "m" }, NOW - 2, 3);
    await db.appendRow(new Labels("m", ["a", "b"]), NOW - 1, 4);
    const { series } = await db.query("m[1m]");
    assert.equal(series.length, 1);
    assert.deepEqual([...(series[0]?.values ?? [])], [1, 2, 3, 4]);
  });
});

test("labels named like properties of objects are labels like any other", async () => {
  await withDatabase(async (db, reopen) => {
    const names = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"];
    for (const name of names)
      await db.appendRow(
        [
          ["__name__", "m"],
          [name, "x"],
        ],
        NOW,
        1,
      );
    const again = await reopen();
    const { items } = await again.labelNames();
    for (const name of names) {
      assert.ok(items.includes(name), name);
      assert.deepEqual((await again.labelValues(name)).items, ["x"]);
    }
    assert.equal((await again.series()).items.length, names.length);
  });
});

test("what cannot be stored is refused with what and where", async () => {
  await withDatabase(async (db) => {
    const fails = (run: Promise<unknown>, message: RegExp): Promise<void> =>
      assert.rejects(run, (error: Error) => error instanceof InputError && message.test(error.message));
    await fails(db.appendRow([], NOW, 1), /at least one label/);
    await fails(db.appendRow({ a: 1 as unknown as string }, NOW, 1), /strings/);
    await fails(db.appendRow({ a: "b" }, NOW + 0.5, 1), /whole milliseconds/);
    await fails(db.append([{ labels: { a: "b" }, timestamps: [1, 2], values: [1] }]), /as many values/);
    await fails(db.query("sum("), /./);
  });
});

test("every float64 comes back bit by bit: from the head, from parts, after merging and reopening", async () => {
  const special = [
    "7ff0000000000002",
    "7ff8000000000000",
    "fff8000000000001",
    "7ff0000000000001",
    "8000000000000000",
    "7ff0000000000000",
    "fff0000000000000",
    "0000000000000001",
    "800fffffffffffff",
    "43f0000000000000",
    "3fd5555555555555",
    "c3e0000000000000",
    "7fefffffffffffff",
  ];
  const bits = fc.oneof(
    fc.constantFrom(...special),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((n) => n.toString(16).padStart(16, "0")),
    fc.double().map(bitsOf),
    fc.integer().map(bitsOf),
    fc.integer({ min: -1e6, max: 1e6 }).map((n) => bitsOf(n / 100)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(bits, { minLength: 1, maxLength: 200 }), async (want) => {
      await withDatabase(async (first, reopen) => {
        let db = first;
        const values = new Float64Array(new BigUint64Array(want.map((hex) => BigInt(`0x${hex}`))).buffer);
        const timestamps = values.map((_value, i) => NOW - 1000 * (want.length - i));
        await db.append([{ labels: { __name__: "m" }, timestamps, values }]);
        const read = async (): Promise<string[]> => {
          const cursor = await db.export({
            groups: [[{ label: "__name__", op: "=", value: "m" }]],
            minMs: 0,
            maxMs: NOW,
          });
          const batch = await cursor.next();
          const end = batch?.ends[0] ?? 0;
          const found = new BigUint64Array((batch as { values: Float64Array }).values.slice(0, end).buffer);
          cursor.close();
          return [...found].map((word) => word.toString(16).padStart(16, "0"));
        };
        assert.deepEqual(await read(), want, "head");
        await db.flush();
        assert.deepEqual(await read(), want, "part");
        await db.append([
          { labels: { __name__: "m" }, timestamps: [NOW - 1_000_000], values: [1] },
          { labels: { __name__: "n" }, timestamps: [NOW], values: [1] },
        ]);
        await db.merge();
        db = await reopen();
        assert.deepEqual((await read()).slice(1), want, "merged and reopened");
      });
    }),
    { numRuns: 60 },
  );
});

test("labels and series answer for their time range only", async () => {
  await withDatabase(async (db) => {
    const DAY = 86_400_000;
    await db.appendRow({ __name__: "old", a: "1" }, NOW - 40 * DAY, 1);
    await db.appendRow({ __name__: "new", b: "2" }, NOW, 1);
    const check = async (): Promise<void> => {
      const recent = { minMs: NOW - DAY, maxMs: NOW };
      assert.deepEqual((await db.labelNames()).items, ["__name__", "a", "b"]);
      assert.deepEqual((await db.labelNames(recent)).items, ["__name__", "b"]);
      assert.deepEqual((await db.labelValues("__name__", recent)).items, ["new"]);
      assert.deepEqual((await db.series(recent)).items.map(String), ['new{b="2"}']);
      assert.deepEqual((await db.series({ maxMs: NOW - DAY })).items.map(String), ['old{a="1"}']);
      assert.deepEqual((await db.labelValues("__name__", { limit: 1 })).items, ["new"]);
    };
    await check();
    await db.flush();
    await check();
  });
});

test("a series that is in the head, in parts and in two months is one series", async () => {
  await withDatabase(async (first, reopen) => {
    let db = first;
    const DAY = 86_400_000;
    const want: number[] = [];
    for (const [i, ms] of [NOW - 30 * DAY, NOW - 2 * DAY, NOW - DAY, NOW - 1000].entries()) {
      await db.appendRow({ __name__: "m", job: "x" }, ms, i);
      want.push(i);
      if (i === 1) db = await reopen();
      else if (i < 3) await db.flush();
      const cursor = await db.export({ groups: [[{ label: "job", op: "=~", value: "x|y" }]], minMs: 0, maxMs: NOW });
      const batch = await cursor.next();
      assert.equal(batch?.series.length, 1);
      assert.deepEqual([...(batch?.values.slice(0, batch.ends[0]) ?? [])], want);
      assert.equal(await cursor.next(), null);
    }
  });
});

test("samples from the epoch's first millisecond on are valid when the retention allows", async () => {
  await withDatabase(async (db) => {
    const outcome = await db.append([{ labels: { __name__: "m" }, timestamps: [-1, 0, 60_000], values: [9, 1, 2] }]);
    assert.equal(outcome.stored, 2);
    assert.equal(outcome.tooOld, 1);
    const { series } = await db.queryRange("m", { startMs: 0, endMs: 60_000, stepMs: 60_000 });
    assert.deepEqual([...(series[0]?.values ?? [])], [1, 2]);
  });
});

function bitsOf(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16).padStart(16, "0");
}

test("a query is evaluated in the dialect it names", async () => {
  await withDatabase(async (db) => {
    await db.append([
      { labels: { __name__: "requests_total" }, timestamps: [NOW - 240_000, NOW - 180_000], values: [10, 20] },
    ]);
    const ask = async (text: string, dialect?: Dialect): Promise<unknown[]> => {
      const { kind, series } = await db.query(text, { timeMs: NOW, ...(dialect === undefined ? {} : { dialect }) });
      return [kind, ...series.flatMap(({ values }) => [...values])];
    };
    // Prometheus extends 10 a minute to the window's start and half a distance behind the last sample.
    assert.deepEqual(await ask("increase(requests_total[5m])", "promql"), ["vector", 25]);
    // VictoriaMetrics extends nothing, and takes a counter that starts low to have started from 0.
    assert.deepEqual(await ask("increase(requests_total[5m])", "metricsql"), ["vector", 20]);
    assert.deepEqual(await ask("1 + 1", "promql"), ["scalar", 2]);
    assert.deepEqual(await ask("1 + 1"), ["vector", 2]);
    await assert.rejects(ask("median(requests_total)", "promql"), InputError);
    await assert.rejects(ask("1", "PromQL" as Dialect), /^Error: dialect: want metricsql or promql, got "PromQL"/);

    const range = { startMs: NOW - 90_000, endMs: NOW, stepMs: 60_000, dialect: "promql" } as const;
    const { kind, series, warnings } = await db.queryRange("sort(requests_total)", range);
    assert.deepEqual([kind, ...(series[0]?.timestamps ?? [])], ["matrix", NOW - 90_000, NOW - 30_000]);
    assert.equal(warnings?.length, 1);
    await assert.rejects(db.queryRange("m", { ...range, stepMs: 1, startMs: 0 }), /11,000 points per timeseries/);
  });
});
