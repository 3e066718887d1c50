/** Which series of the head an index has: looked for once, remembered, and right whatever happens meanwhile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { Random } from "../../base/random.ts";
import { DEFAULT_TENANT, type Tenant } from "../../base/tenant.ts";
import { MemoryDisk } from "../../disk/memory-disk.ts";
import type { StorageOptions } from "../options.ts";
import { countSeries } from "../search/cardinality.ts";
import type { Snapshot } from "../search/search.ts";
import type { Storage } from "../storage.ts";
import { addRow, DAY, NOW, open, rows } from "../testing/harness.ts";
import { NOT_HERE, NOT_KNOWN } from "./partition.ts";

const OTHER: Tenant = { accountId: 7, projectId: 1 };

async function withSnapshot<T>(storage: Storage, read: (snapshot: Snapshot) => T | Promise<T>): Promise<T> {
  const snapshot = storage.snapshot(0, Number.MAX_SAFE_INTEGER);
  try {
    return await read(snapshot);
  } finally {
    snapshot.release();
  }
}

function count(storage: Storage, tenant: Tenant = DEFAULT_TENANT): Promise<number> {
  return withSnapshot(storage, (snapshot) =>
    countSeries(snapshot, { tenant, groups: [], minMs: 0, maxMs: Number.MAX_SAFE_INTEGER }),
  );
}

/** What the only month says of each of the registry's slots. */
function ids(storage: Storage): Promise<number[]> {
  return withSnapshot(storage, ({ partitions, registry }) => {
    assert.equal(partitions.length, 1);
    return Array.from({ length: registry.size }, (_, slot) => partitions[0]!.partition.idOf(registry, slot));
  });
}

test("what the head's series are in the index is looked for once, until a flush gives them ids", async () => {
  const disk = new MemoryDisk();
  let storage = await open(disk);
  await storage.append(rows([["a", NOW, 1]]));
  await storage.flush();
  await storage.close();
  storage = await open(disk);
  await storage.append(rows([["b", NOW, 1]]));
  await storage.append(rows([["a", NOW + 1, 1]]));
  assert.deepEqual(await ids(storage), [NOT_KNOWN, NOT_KNOWN]);
  assert.equal(await count(storage), 2);
  assert.deepEqual(await ids(storage), [NOT_HERE, 0]);
  assert.equal(await count(storage), 2);
  await storage.flush();
  assert.deepEqual(await ids(storage), [1, 0]);
  assert.equal(await count(storage), 2);
  await storage.append(rows([["c", NOW, 1]]));
  assert.equal(await count(storage), 3);
  assert.deepEqual(await ids(storage), [1, 0, NOT_HERE]);
  await storage.close();
});

test("many new series are looked for before anybody asks", async () => {
  const storage = await open(new MemoryDisk());
  const append = async (from: number, to: number): Promise<void> => {
    for (let lo = from; lo < to; lo += 1000) {
      const batch = rows([]);
      for (let i = lo; i < lo + 1000; i++) addRow(batch, { __name__: `m${i}`, job: "test" }, NOW, i);
      await storage.append(batch);
    }
  };
  await append(0, 1000);
  await storage.flush();
  await append(0, 20_000);
  await storage.lookedAhead;
  const found = await ids(storage);
  const looked = found.filter((id) => id !== NOT_KNOWN).length;
  assert.ok(looked >= 1 << 14, `${looked} of ${found.length}`);
  assert.equal(found.filter((id) => id >= 0).length, 1000);
  assert.equal(await count(storage), 20_000);
  await storage.flush();
  assert.deepEqual(
    [...(await ids(storage))].sort((a, b) => a - b),
    Array.from({ length: 20_000 }, (_, i) => i),
  );
  assert.equal(await count(storage), 20_000);
  await storage.close();
});

test("series are counted once over epochs, months, tenants, deletes, merges and crashes", async () => {
  let epochs = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed);
    const clock = new ManualClock(NOW);
    const options: Partial<StorageOptions> = {
      clock,
      headAgeMs: 300_000,
      idleSeriesMin: 5,
      ...(seed % 2 === 0 ? { seriesBytes: 1 } : {}),
      logger: { warn: () => {}, error: () => {}, info: (text) => void (epochs += Number(text.includes("forgotten"))) },
    };
    let disk = new MemoryDisk();
    let storage = await open(disk, options);
    const models = new Map<Tenant, Set<string>>([
      [DEFAULT_TENANT, new Set()],
      [OTHER, new Set()],
    ]);
    let youngest = 20;
    const append = async (): Promise<void> => {
      const tenant = random.chance(0.7) ? DEFAULT_TENANT : OTHER;
      const names = Array.from({ length: 1 + random.below(12) }, () =>
        random.below(6) === 0 ? random.below(youngest) : youngest - random.below(12),
      );
      const monthsBack = seed % 3 === 0 ? random.below(3) : 0;
      await storage.append(
        rows(
          names.map((name) => [`m${name}`, clock.nowMs() - monthsBack * 30 * DAY, name]),
          tenant,
        ),
      );
      for (const name of names) models.get(tenant)?.add(`m${name}`);
    };
    const check = async (): Promise<void> => {
      for (const [tenant, model] of models) assert.equal(await count(storage, tenant), model.size, `seed ${seed}`);
    };
    for (let step = 0; step < 60; step++) {
      const dice = random.below(12);
      if (dice < 5) await append();
      else if (dice < 6) youngest += random.below(30);
      else if (dice < 7) clock.advance(random.below(20) * 60_000);
      else if (dice < 10) {
        const flushed = random.chance(0.8) ? storage.flush() : storage.merge();
        for (let left = random.below(4); left > 0; left--) {
          await append();
          // Two at a time meet what nobody has looked for yet.
          if (random.chance(0.5)) await Promise.all([check(), check()]);
          else await new Promise((resolve) => setImmediate(resolve));
        }
        await flushed;
      } else if (dice < 11) {
        const [tenant, model] = [...models][random.below(2)] as [Tenant, Set<string>];
        const name = `m${youngest - random.below(12)}`;
        const groups = [[{ label: "__name__", op: "=", value: name } as const]];
        await storage.deleteSamples({ tenant, groups, minMs: 0, maxMs: Number.MAX_SAFE_INTEGER });
        model.delete(name);
      } else if (random.below(3) === 0) {
        disk = disk.kill();
        storage = await open(disk, options);
      }
      if (random.chance(0.3)) await check();
    }
    await check();
    await storage.flush();
    await check();
    await storage.close();
  }
  assert.ok(epochs > 10, `${epochs} epochs`);
});
