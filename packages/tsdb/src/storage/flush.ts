/**
 * A head generation → one part and one index segment in each month it has samples of. Nothing of it is part of the database until the manifest
 * says so, which is the caller's step.
 */
import { SampleColumns } from "../base/columns.ts";
import { NumberList } from "../base/number-list.ts";
import { formatTenant } from "../base/tenant.ts";
import type { Disk } from "../disk/disk.ts";
import type { NumberedSeries } from "../index/numbered-series.ts";
import type { PageCache } from "../index/page-cache.ts";
import { buildSegment } from "../index/segment-build.ts";
import { IndexSegment } from "../index/segment-reader.ts";
import { ALL_INSIDE, NO_SAMPLES, type SampleStore } from "../kernel/sample-store.ts";
import type { Pacer } from "./pacer.ts";
import { PartReader } from "./parts/part-reader.ts";
import { PartWriter } from "./parts/part-writer.ts";
import { monthName, monthStartMs, nextMonthMs, type Partition } from "./parts/partition.ts";
import type { OnIndexCorruption } from "./parts/partition-index.ts";
import { deduplicate } from "./rules/rule-application.ts";
import { orderSamples } from "./search/sample-order.ts";
import type { SeriesRegistry } from "./series/registry.ts";
import { type NewSeries, numberSeries } from "./series/series-order.ts";

/** Samples, and series, between two looks at the pacer. */
const UNPACED_SAMPLES = 1024;
const UNPACED_SERIES = 32;

/** What a flush made in one partition. */
export interface FlushedPartition {
  readonly partition: Partition;
  readonly part: PartReader;
  /** With the series that are new; nearly always one or none. */
  readonly segments: readonly IndexSegment[];
}

export interface FlushContext {
  readonly disk: Disk;
  readonly registry: SeriesRegistry;
  readonly store: SampleStore;
  readonly pacer: Pacer;
  /** Of each interval of this length one sample is written; 0: all are. */
  readonly dedupMs: number;
  readonly indexCache: PageCache;
  readonly onIndexCorruption: OnIndexCorruption;
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
      flushed.push(await flushMonth(context, partition, slots));
    }
    return flushed;
  } catch (error) {
    for (const { partition, part, segments } of flushed) {
      part.retire();
      await context.disk.remove(partition.partPath(part.fileNumber)).catch(() => {});
      await removeSegments(context.disk, segments);
    }
    throw error;
  }
}

/** Takes the slots: they are void afterwards. */
async function flushMonth(context: FlushContext, partition: Partition, slots: NumberList): Promise<FlushedPartition> {
  const { disk } = context;
  const fileNumber = await writePart(context, partition, slots.all());
  // An index of many new series takes all the memory that they need.
  slots.clear();
  const path = partition.partPath(fileNumber);
  const segments: IndexSegment[] = [];
  try {
    for (const series of segmentsOf(partition.unindexed)) segments.push(await writeSegment(context, partition, series));
    await disk.syncFolder(partition.partsFolder);
    return { partition, part: await PartReader.open(disk, path, fileNumber), segments };
  } catch (error) {
    await disk.remove(path).catch(() => {});
    await removeSegments(disk, segments);
    throw error;
  }
}

/** Writes a month's samples of these slots, whose series get ids if they have none. Returns the part's file number. */
async function writePart(context: FlushContext, partition: Partition, slots: Uint32Array): Promise<number> {
  const { disk, store, pacer, registry, dedupMs } = context;
  const runs = await partition.orderById(registry, slots, pacer, context.onIndexCorruption);
  const fileNumber = context.nextFileNumber();
  const writer = await PartWriter.create(disk, partition.partPath(fileNumber), fileNumber);
  try {
    const columns = new SampleColumns(1 << 13);
    let unpaced = 0;
    for (const { count, slotAt, idAt } of runs) {
      for (let i = 0; i < count; i++) {
        const slot = slotAt(i);
        columns.length = 0;
        store.read(slot, partition.startMs, partition.endMs - 1, columns);
        if (columns.length === 0) continue;
        if (!store.isOrdered(slot)) orderSamples(columns, 0);
        if (dedupMs > 0) deduplicate(columns, 0, dedupMs);
        writer.add(idAt(i), columns.timestamps, columns.values, 0, columns.length);
        if (writer.isFull) await writer.flush();
        unpaced += columns.length + UNPACED_SAMPLES / UNPACED_SERIES;
        if (unpaced < UNPACED_SAMPLES) continue;
        unpaced = 0;
        if (pacer.isDue) await pacer.pause();
      }
    }
    await writer.finish();
    return fileNumber;
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

async function removeSegments(disk: Disk, segments: readonly IndexSegment[]): Promise<void> {
  for (const segment of segments) {
    segment.retire();
    await disk.remove(segment.file.path).catch(() => {});
  }
}

/** New series as segments want them: each tenant at most once in each. A second time is what a flush that failed leaves. */
function segmentsOf(unindexed: readonly NewSeries[]): NumberedSeries[][] {
  const segments: Map<string, NumberedSeries>[] = [];
  for (const series of unindexed) {
    const name = formatTenant(series.tenant);
    let segment = segments[segments.length - 1];
    if (segment === undefined || segment.has(name)) {
      segment = new Map();
      segments.push(segment);
    }
    segment.set(name, numberSeries(series));
  }
  return segments.map((segment) => [...segment.values()]);
}

/** A segment with these series, on disk and synced. */
async function writeSegment(
  context: FlushContext,
  partition: Partition,
  tenants: readonly NumberedSeries[],
): Promise<IndexSegment> {
  const { disk, pacer } = context;
  const fileNumber = context.nextFileNumber();
  const path = partition.indexPath(fileNumber);
  await buildSegment(disk, path, fileNumber, partition.hashKey, tenants, pacer);
  await disk.syncFolder(partition.indexFolder);
  return await IndexSegment.open(disk, path, fileNumber, context.indexCache);
}

/** Slots with samples by month. Nearly always that is one month, so only slots that span several are looked into. */
async function slotsByMonth({ store, registry, pacer }: FlushContext): Promise<Map<string, NumberList>> {
  const months = new Map<string, NumberList>();
  const count = registry.size;
  const add = (name: string, slot: number): void => {
    let slots = months.get(name);
    if (slots === undefined) {
      // Nearly always there is one month, and lists that grow leave garbage of their own size.
      slots = new NumberList(months.size === 0 ? count : 64);
      months.set(name, slots);
    }
    slots.push(slot);
  };
  // The month of the series before: its bounds, and its slots.
  let startMs = 0;
  let endMs = 0;
  let here = new NumberList();
  for (let slot = 0; slot < count; slot++) {
    if (slot % 256 === 255 && pacer.isDue) await pacer.pause();
    const place = store.placeOf(slot, startMs, endMs - 1);
    if (place === NO_SAMPLES) continue;
    if (place === ALL_INSIDE) {
      here.push(slot);
      continue;
    }
    const range = store.range(slot) as { minMs: number; maxMs: number };
    const last = monthName(range.maxMs);
    let name = monthName(range.minMs);
    while (name !== last) {
      const nextMs = nextMonthMs(monthStartMs(name));
      if (store.hasSamples(slot, monthStartMs(name), nextMs - 1)) add(name, slot);
      name = monthName(nextMs);
    }
    add(last, slot);
    startMs = monthStartMs(last);
    endMs = nextMonthMs(startMs);
    here = months.get(last) as NumberList;
  }
  return months;
}
