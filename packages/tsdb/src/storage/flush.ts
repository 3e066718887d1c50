/**
 * A head generation → one part and one index segment in each month it has samples of. Nothing of it is part of the database until the manifest
 * says so, which is the caller's step.
 */
import { SampleColumns } from "../base/columns.ts";
import type { Tenant } from "../base/tenant.ts";
import { formatTenant } from "../base/tenant.ts";
import type { Disk } from "../disk/disk.ts";
import { IndexSegment } from "../index/segment-reader.ts";
import { encodeIndexSegment, type IndexedSeries } from "../index/segment-writer.ts";
import type { SampleStore } from "../kernel/sample-store.ts";
import type { Pacer } from "./pacer.ts";
import { PartReader } from "./part-reader.ts";
import { PartWriter } from "./part-writer.ts";
import { monthName, monthStartMs, type NewSeries, nextMonthMs, type Partition } from "./partition.ts";
import type { SeriesRegistry } from "./registry.ts";
import { orderSamples } from "./sample-order.ts";

/** What a flush made in one partition. */
export interface FlushedPartition {
  readonly partition: Partition;
  readonly part: PartReader;
  /** Null if it brought no new series. */
  readonly segment: IndexSegment | null;
}

export interface FlushContext {
  readonly disk: Disk;
  readonly registry: SeriesRegistry;
  readonly store: SampleStore;
  readonly pacer: Pacer;
  nextFileNumber(): number;
  /** The partition of a month, made if there is none. */
  partition(name: string): Promise<Partition>;
}

/** Writes everything the store holds. Rejects if any of it could not be written; what was written is then nobody's and goes. */
export async function flushStore(context: FlushContext): Promise<FlushedPartition[]> {
  const flushed: FlushedPartition[] = [];
  try {
    for (const [name, slots] of await slotsByMonth(context)) {
      const partition = await context.partition(name);
      flushed.push(await flushMonth(context, partition, Uint32Array.from(slots)));
    }
    return flushed;
  } catch (error) {
    for (const { partition, part } of flushed) {
      part.retire();
      await context.disk.remove(partition.partPath(part.fileNumber)).catch(() => {});
    }
    throw error;
  }
}

async function flushMonth(context: FlushContext, partition: Partition, slots: Uint32Array): Promise<FlushedPartition> {
  const { disk, store, pacer, registry } = context;
  const ids = partition.idsOf(registry, slots);
  const order = slots.map((_slot, i) => i).sort((a, b) => (ids[a] as number) - (ids[b] as number));
  const fileNumber = context.nextFileNumber();
  const path = partition.partPath(fileNumber);
  const writer = await PartWriter.create(disk, path, fileNumber);
  try {
    const columns = new SampleColumns(1 << 13);
    for (const i of order) {
      const slot = slots[i] as number;
      columns.length = 0;
      store.read(slot, partition.startMs, partition.endMs - 1, columns);
      if (columns.length === 0) continue;
      orderSamples(columns, 0);
      writer.add(ids[i] as number, columns.timestamps, columns.values, 0, columns.length);
      if (writer.isFull) await writer.flush();
      if (pacer.isDue) await pacer.pause();
    }
    await writer.finish();
    const segment = await writeSegment(context, partition, partition.unindexed);
    await disk.syncFolder(partition.partsFolder);
    return { partition, part: await PartReader.open(disk, path, fileNumber), segment };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** A segment with these series, on disk and synced; null if there are none. */
export async function writeSegment(
  context: Pick<FlushContext, "disk" | "nextFileNumber">,
  partition: Partition,
  series: readonly NewSeries[],
): Promise<IndexSegment | null> {
  if (series.length === 0) return null;
  const tenants = new Map<string, { tenant: Tenant; series: IndexedSeries[] }>();
  for (const { id, tenant, labels } of series) {
    const key = formatTenant(tenant);
    let entry = tenants.get(key);
    if (entry === undefined) {
      entry = { tenant, series: [] };
      tenants.set(key, entry);
    }
    entry.series.push({ id, labels });
  }
  const fileNumber = context.nextFileNumber();
  const path = partition.indexPath(fileNumber);
  const bytes = encodeIndexSegment(fileNumber, tenants.values()).slice();
  await context.disk.remove(path);
  const file = await context.disk.create(path);
  try {
    await file.append(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await context.disk.syncFolder(partition.indexFolder);
  return new IndexSegment(bytes, fileNumber, path);
}

/** Slots with samples by month. Nearly always that is one month, so only slots that span several are looked into. */
async function slotsByMonth({ store, registry, pacer }: FlushContext): Promise<Map<string, number[]>> {
  const months = new Map<string, number[]>();
  const add = (name: string, slot: number): void => {
    const slots = months.get(name);
    if (slots === undefined) months.set(name, [slot]);
    else slots.push(slot);
  };
  const count = registry.size;
  for (let slot = 0; slot < count; slot++) {
    const range = store.range(slot);
    if (range === null) continue;
    const last = monthName(range.maxMs);
    let name = monthName(range.minMs);
    while (name !== last) {
      const startMs = monthStartMs(name);
      const endMs = nextMonthMs(startMs);
      if (store.hasSamples(slot, startMs, endMs - 1)) add(name, slot);
      name = monthName(endMs);
    }
    add(last, slot);
    if (pacer.isDue) await pacer.pause();
  }
  return months;
}
