import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { Random } from "../base/random.ts";
import { DEFAULT_TENANT, type Tenant } from "../base/tenant.ts";
import { FaultyDisk } from "../disk/faulty-disk.ts";
import type { Disk } from "../disk/disk.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { RowBatch } from "../ingest/row-batch.ts";
import { defaultStorageOptions, Storage, type StorageOptions } from "./storage.ts";

const NOW = Date.UTC(2026, 5, 15, 12);
const DAY = 86_400_000;

function options(overrides: Partial<StorageOptions> = {}): StorageOptions {
  return {
    ...defaultStorageOptions,
    clock: new ManualClock(NOW),
    retentionMs: 365 * DAY,
    fsync: "always",
    ...overrides,
  };
}

type Model = Map<string, Map<number, string>>;

/** Bits of a value as text: what must come back. */
function bitsOf(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16).padStart(16, "0");
}

function rows(
  entries: readonly (readonly [name: string, ms: number, value: number])[],
  tenant: Tenant = DEFAULT_TENANT,
): RowBatch {
  const batch = new RowBatch();
  batch.reset(tenant);
  for (const [name, ms, value] of entries) {
    batch.beginSeries();
    batch.addLabel("__name__", name);
    batch.addLabel("job", "test");
    batch.endLabels();
    batch.addSample(ms, value);
  }
  return batch;
}

async function readAll(
  storage: Storage,
  minMs = 0,
  maxMs = NOW + 10 * DAY,
  tenant: Tenant = DEFAULT_TENANT,
): Promise<Model> {
  const found: Model = new Map();
  const cursor = storage.search({ tenant, groups: [[{ label: "job", op: "=", value: "test" }]], minMs, maxMs });
  for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
    let at = 0;
    for (let i = 0; i < batch.series.length; i++) {
      const name = (batch.series[i] as { name: string }).name;
      assert.ok(!found.has(name), `${name} came twice`);
      const samples = new Map<number, string>();
      let last = Number.NEGATIVE_INFINITY;
      for (; at < (batch.ends[i] as number); at++) {
        const ms = batch.timestamps[at] as number;
        assert.ok(ms > last, "times ascend");
        last = ms;
        samples.set(ms, bitsOf(batch.values[at] as number));
      }
      found.set(name, samples);
    }
  }
  return found;
}

const sortedModel = (model: Model): unknown[] =>
  [...model]
    .map(([name, samples]) => [name, [...samples].sort((a, b) => a[0] - b[0])])
    .sort((a, b) => ((a[0] as string) < (b[0] as string) ? -1 : 1));

test("a sample is read back from the head, from a part, and after reopening", async () => {
  const disk = new MemoryDisk();
  const storage = await Storage.open(disk, options());
  assert.equal((await storage.append(rows([["m", NOW, 1.5]]))).stored, 1);
  const want = [["m", [[NOW, bitsOf(1.5)]]]];
  assert.deepEqual(sortedModel(await readAll(storage)), want);
  await storage.flush();
  assert.equal(storage.describe().parts, 1);
  assert.deepEqual(sortedModel(await readAll(storage)), want);
  await storage.close();
  const again = await Storage.open(disk, options());
  assert.deepEqual(sortedModel(await readAll(again)), want);
  await again.close();
});

test("after a kill and after a power cut, with fsync always, everything acknowledged is there", async () => {
  const disk = new MemoryDisk();
  const storage = await Storage.open(disk, options());
  const model: Model = new Map();
  for (let i = 0; i < 50; i++) {
    await storage.append(rows([[`m${i % 7}`, NOW + i, i]]));
    const samples = model.get(`m${i % 7}`) ?? new Map<number, string>();
    samples.set(NOW + i, bitsOf(i));
    model.set(`m${i % 7}`, samples);
    if (i === 20) await storage.flush();
    for (const after of [disk.kill(), disk.crash()]) {
      const reopened = await Storage.open(after, options());
      assert.deepEqual(sortedModel(await readAll(reopened)), sortedModel(model));
      await reopened.close();
    }
  }
  await storage.close();
});

test("samples out of time and series without labels are counted, their neighbours kept", async () => {
  const storage = await Storage.open(new MemoryDisk(), options({ retentionMs: 30 * DAY }));
  const batch = rows([
    ["old", NOW - 31 * DAY, 1],
    ["new", NOW + 3 * DAY, 2],
    ["good", NOW, 3],
  ]);
  batch.beginSeries();
  batch.addLabel("job", "test");
  batch.addLabel("job", "again");
  batch.endLabels();
  batch.addSample(NOW, 4);
  const outcome = await storage.append(batch);
  assert.deepEqual(outcome, {
    stored: 1,
    tooOld: 1,
    tooNew: 1,
    invalidLabels: 1,
    firstInvalid: "duplicate_label_name",
  });
  assert.deepEqual([...(await readAll(storage)).keys()], ["good"]);
  await storage.close();
});

test("tenants never see each other's series", async () => {
  const disk = new MemoryDisk();
  const storage = await Storage.open(disk, options());
  const other = { accountId: 7, projectId: 3 };
  await storage.append(rows([["mine", NOW, 1]]));
  await storage.append(
    rows(
      [
        ["theirs", NOW, 2],
        ["mine", NOW, 9],
      ],
      other,
    ),
  );
  const check = async (): Promise<void> => {
    assert.deepEqual(sortedModel(await readAll(storage)), [["mine", [[NOW, bitsOf(1)]]]]);
    assert.deepEqual([...(await readAll(storage, 0, NOW, other)).keys()].sort(), ["mine", "theirs"]);
  };
  await check();
  await storage.merge();
  await check();
  await storage.close();
});

test("the answer is the model's, whatever the order of writes, flushes, merges and reopenings", async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const random = new Random(seed);
    const disk = new MemoryDisk();
    let storage = await Storage.open(disk, options({ headBytes: 1 << 20 }));
    const model: Model = new Map();
    const int = (below: number): number => Math.floor(random.next() * below);
    for (let step = 0; step < 40; step++) {
      const action = int(10);
      if (action < 6) {
        const entries: [string, number, number][] = [];
        for (let k = int(30); k >= 0; k--)
          entries.push([`m${int(12)}`, NOW - int(90) * DAY - int(50) * 1000, int(5) === 0 ? random.next() : int(1000)]);
        await storage.append(rows(entries));
        for (const [name, ms, value] of entries) {
          const samples = model.get(name) ?? new Map<number, string>();
          const known = samples.get(ms);
          const previous =
            known === undefined
              ? Number.NEGATIVE_INFINITY
              : new DataView(
                  Uint8Array.from(known.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16)).buffer,
                ).getFloat64(0);
          if (value > previous) samples.set(ms, bitsOf(value));
          model.set(name, samples);
        }
      } else if (action < 8) await storage.flush();
      else if (action === 8) await storage.merge();
      else {
        await storage.close();
        storage = await Storage.open(disk, options({ headBytes: 1 << 20 }));
      }
      if (step % 8 === 7) {
        assert.deepEqual(sortedModel(await readAll(storage)), sortedModel(model), `seed ${seed}, step ${step}`);
        const lo = NOW - int(90) * DAY;
        const hi = lo + int(40) * DAY;
        const within: Model = new Map();
        for (const [name, samples] of model) {
          const kept = new Map([...samples].filter(([ms]) => ms >= lo && ms <= hi));
          if (kept.size > 0) within.set(name, kept);
        }
        assert.deepEqual(
          sortedModel(await readAll(storage, lo, hi)),
          sortedModel(within),
          `seed ${seed}, step ${step}, range`,
        );
      }
    }
    await storage.close();
  }
});

test("whichever writing call fails, nothing acknowledged is lost", async () => {
  for (const [code, isShort] of [
    ["EIO", false],
    ["ENOSPC", true],
  ] as const) {
    for (let failAt = 1; failAt < 120; failAt++) {
      const disk = new MemoryDisk();
      const faulty = new FaultyDisk(disk, failAt, code, isShort);
      const acknowledged: Model = new Map();
      const sent: Model = new Map();
      const put = (model: Model, name: string, ms: number, value: number): void => {
        const samples = model.get(name) ?? new Map<number, string>();
        samples.set(ms, bitsOf(value));
        model.set(name, samples);
      };
      const work = async (over: Disk): Promise<void> => {
        const storage = await Storage.open(over, options());
        for (let i = 0; i < 12; i++) {
          put(sent, `m${i % 3}`, NOW + i, i);
          await storage.append(rows([[`m${i % 3}`, NOW + i, i]])).then(
            () => put(acknowledged, `m${i % 3}`, NOW + i, i),
            () => {},
          );
          if (i % 4 === 3) await storage.flush().catch(() => {});
          if (i === 9) await storage.merge().catch(() => {});
        }
        await storage.close().catch(() => {});
      };
      await work(faulty).catch(() => {});
      const reopened = await Storage.open(disk.crash(), options());
      const found = await readAll(reopened);
      for (const [name, samples] of acknowledged) {
        for (const [ms, bits] of samples)
          assert.equal(found.get(name)?.get(ms), bits, `${code} at call ${failAt}: ${name} at ${ms}`);
      }
      for (const [name, samples] of found) {
        for (const [ms, bits] of samples) assert.equal(sent.get(name)?.get(ms), bits, "nothing that was not sent");
      }
      await reopened.close();
      if (faulty.calls < failAt) break;
    }
  }
});
