/**
 * Salvages what is whole of a damaged database into a new one.
 *
 *   source ── opened as it is, through a layer that keeps every change in memory ── searched ── appended ──► target
 *
 * The engine serves what is whole around any damage: whole blocks of damaged parts, good records of a damaged log, all of it without what was deleted;
 * only damage in what searches need of an index, and reading everything does not, is gone around here (WholeIndex). So repairing is reading a damaged database and writing another. The source is never changed; it can be asked again when there is more to be had.
 *
 * Parts that hold results of an aggregation are read one kind after the other, and what was in them keeps its mark: a count taken for a sample would be
 * counted again (docs/decisions/0008-sample-rules.md).
 */
import { CorruptionError } from "../../base/errors.ts";
import type { Labels } from "../../base/labels.ts";
import type { Tenant } from "../../base/tenant.ts";
import { formatTenant } from "../../base/tenant.ts";
import type { Disk } from "../../disk/disk.ts";
import { OverlayDisk } from "../../disk/overlay-disk.ts";
import type { Pace } from "../../index/filter-search.ts";
import { IdBits } from "../../index/id-list.ts";
import { PageCache } from "../../index/page-cache.ts";
import { type Postings, unite } from "../../index/postings.ts";
import { IndexSegment } from "../../index/segment-reader.ts";
import { RowBatch } from "../../ingest/row-batch.ts";
import { MANIFEST_FILE, type Manifest, type PartitionEntry, readManifest, writeManifest } from "../manifest.ts";
import { defaultStorageOptions, type Logger } from "../options.ts";
import { Pacer } from "../pacer.ts";
import { PartReader } from "../parts/part-reader.ts";
import { DATA_FOLDER, Partition } from "../parts/partition.ts";
import { PartitionIndex } from "../parts/partition-index.ts";
import type { PartMark } from "../rules/merge-rules.ts";
import { type SearchBatch, SearchCursor, type Snapshot } from "../search/search.ts";
import { Storage } from "../storage.ts";

export interface RepairReport {
  /** Salvaged. */
  readonly series: number;
  readonly samples: number;
  /** Samples that are whole but of series whose labels are lost. */
  readonly unnamedSamples: number;
  /** True if there was no good manifest: what it had named was guessed by the files that are there. */
  readonly isManifestLost: boolean;
  /** What was damaged, a line each. */
  readonly losses: readonly string[];
}

export interface RepairOptions {
  readonly logger?: Logger;
  readonly onProgress?: (samples: number) => void;
  readonly signal?: AbortSignal;
}

/** Samples handed over at a time. */
const APPEND_SAMPLES = 1 << 17;
/** Beyond all times there are. */
const FOREVER_MS = 1e15;
const LABELS_AT_ONCE = 10_000;
const EVERY_SERIES = [[{ label: "__name__", op: "=~", value: ".*" } as const]];

/**
 * Reads `source`, which nobody else may be writing to, and makes a database in `target`, which must be empty.
 * @throws NewerFormatError, the disks' errors, and the reason of the signal; what is in `target` then is not a repaired database
 */
export async function repairDatabase(source: Disk, target: Disk, options: RepairOptions = {}): Promise<RepairReport> {
  const losses: string[] = [];
  const { info, warn, error } = options.logger ?? defaultStorageOptions.logger;
  let isRead = false;
  const tell =
    (say: (message: string) => void) =>
    (message: string): void => {
      // Closing writes out the log, above the source: what that meets was read another way before.
      if (isRead) return;
      losses.push(message);
      say(message);
    };
  const logger: Logger = { info, warn: tell(warn), error: tell(error) };
  const common = {
    ...defaultStorageOptions,
    retentionMs: FOREVER_MS,
    futureRetentionMs: FOREVER_MS,
    headAgeMs: FOREVER_MS,
    fsync: "never",
  } as const;

  const overlay = new OverlayDisk(source);
  const isManifestLost = await mendManifest(overlay, logger);
  const damaged = await Storage.open(overlay, { ...common, logger });
  const repaired = await Storage.open(target, { ...common, logger: { info, warn, error } });
  let samples = 0;
  let unnamedSamples: number;
  try {
    const tenants = tenantsOf(damaged);
    for (const mark of resultMarks(damaged)) {
      for (const tenant of tenants) {
        const search = { tenant, groups: EVERY_SERIES, minMs: 0, maxMs: FOREVER_MS, signal: options.signal };
        const cursor = await SearchCursor.open(ofMark(wholeSnapshot(damaged), mark), search);
        try {
          const writer = new SeriesWriter(repaired, tenant);
          for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
            samples += await writer.write(batch);
            options.onProgress?.(samples);
          }
        } finally {
          cursor.close();
        }
      }
      await repaired.finishParts(mark);
    }
    unnamedSamples = await countUnnamed(damaged, options.signal);
    if (unnamedSamples > 0) logger.error(`${unnamedSamples} samples are of series whose labels are lost`);
  } finally {
    isRead = true;
    await damaged.close();
  }
  const { newSeries: series } = repaired.counters;
  await repaired.close();
  return { series, samples, unnamedSamples, isManifestLost, losses };
}

/** The marks of parts that hold results, each once; the last is null, for all other samples. */
function resultMarks(storage: Storage): (PartMark | null)[] {
  const snapshot = storage.snapshot(0, FOREVER_MS);
  const marks = new Map<string, PartMark>();
  for (const { parts } of snapshot.partitions) {
    for (const { mark } of parts) if (mark?.isAggregated) marks.set(textOf(mark), mark);
  }
  snapshot.release();
  return [...marks.values(), null];
}

/** Equal for equal marks; "" where there are no results. */
function textOf(mark: PartMark | null): string {
  return mark?.isAggregated ? JSON.stringify([mark.rules, mark.nowMs]) : "";
}

/** What is in parts of the mark; without one, what is in no part with results. */
function ofMark(snapshot: Snapshot, mark: PartMark | null): Snapshot {
  const text = textOf(mark);
  const partitions = snapshot.partitions
    .map((entry) => ({ ...entry, parts: entry.parts.filter((part) => textOf(part.mark) === text) }))
    .filter(({ parts }) => parts.length > 0);
  return { ...snapshot, partitions, stores: mark === null ? snapshot.stores : [] };
}

/** Puts a manifest in place that names all files there are, if there is no good one. */
async function mendManifest(disk: Disk, logger: Logger): Promise<boolean> {
  try {
    if ((await readManifest(disk)) !== null) return false;
    logger.error(`${MANIFEST_FILE}: the file is missing; every file that is there is taken for part of the database`);
  } catch (error) {
    if ((error as { code?: string }).code !== "CORRUPT") throw error;
    logger.error(`${(error as Error).message}; every file that is there is taken for part of the database`);
  }
  const partitions: PartitionEntry[] = [];
  let highest = 0;
  for (const name of await disk.list(DATA_FOLDER)) {
    if (!/^\d{4}_\d{2}$/.test(name)) continue;
    const partition = new Partition(name, 0);
    const numbersIn = async (folder: string, ending: string): Promise<number[]> => {
      const files = (await disk.list(folder)).filter((file) => /^\d{10}\./.test(file) && file.endsWith(ending));
      const numbers = files.map((file) => Number(file.slice(0, 10)));
      highest = Math.max(highest, ...numbers);
      return numbers;
    };
    const parts = await numbersIn(partition.partsFolder, ".part");
    const indexes = await numbersIn(partition.indexFolder, ".idx");
    partitions.push({
      name,
      nextSeriesId: (await lastIdOf(disk, partition, parts, indexes)) + 1,
      parts,
      indexes,
      deletes: await numbersIn(partition.deletesFolder, ".del"),
      isSparse: true,
    });
  }
  const manifest: Manifest = { epoch: 0, nextFileNumber: highest + 1, walFloor: 1, partitions };
  await writeManifest(disk, manifest);
  return true;
}

/** The largest id in files that can be read, -1 if there is none. */
async function lastIdOf(disk: Disk, partition: Partition, parts: number[], indexes: number[]): Promise<number> {
  let last = -1;
  const look = async (read: () => Promise<number>): Promise<void> => {
    try {
      last = Math.max(last, await read());
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
    }
  };
  for (const number of parts) {
    await look(async () => {
      const part = await PartReader.open(disk, partition.partPath(number), number);
      part.retire();
      return part.lastId;
    });
  }
  for (const number of indexes) {
    await look(async () => {
      const segment = await IndexSegment.open(disk, partition.indexPath(number), number, new PageCache(0));
      segment.retire();
      return Math.max(-1, ...Array.from(segment.all(), ({ lastId }) => lastId));
    });
  }
  return last;
}

/** Tenants with series in any index or in the log. */
function tenantsOf(storage: Storage): Tenant[] {
  const snapshot = storage.snapshot(0, Number.MAX_SAFE_INTEGER);
  const tenants = new Map<string, Tenant>();
  for (const tenant of snapshot.registry.store.allTenants()) tenants.set(formatTenant(tenant), tenant);
  for (const { partition } of snapshot.partitions) {
    for (const segment of partition.segments) {
      for (const { tenant } of segment.all()) tenants.set(formatTenant(tenant), tenant);
    }
  }
  snapshot.release();
  return [...tenants.values()];
}

/** Everything there is; its indexes answer all searches with all series there are. */
function wholeSnapshot(storage: Storage): Snapshot {
  const snapshot = storage.snapshot(0, Number.MAX_SAFE_INTEGER);
  const indexes: WholeIndex[] = [];
  const partitions = snapshot.partitions.map((entry) => {
    const index = new WholeIndex(entry.index, entry.partition.segments);
    indexes.push(index);
    return { ...entry, index };
  });
  const release = (): void => {
    for (const index of indexes.splice(0)) index.release();
    snapshot.release();
  };
  return { ...snapshot, partitions, release };
}

class WholeIndex extends PartitionIndex {
  private readonly inner: PartitionIndex;

  /** Damage is told where `inner` tells it. */
  constructor(inner: PartitionIndex, segments: readonly IndexSegment[]) {
    super(segments, () => {});
    this.inner = inner;
  }

  override async search(tenant: Tenant): Promise<Postings> {
    return await this.all(tenant);
  }

  override async all(tenant: Tenant): Promise<Postings> {
    // Two lists of the same: where one is damaged the other may be whole.
    const found: Postings[] = [await this.inner.all(tenant)];
    for (const own of this.of(tenant)) {
      for (let page = 0; page < own.seriesPages.count; page++) {
        const read = await this.inner.guarded(own, async () => await own.seriesPages.loadAside(page));
        if (read !== null) found.push(Uint32Array.from(read.ids));
      }
    }
    return unite(found);
  }

  override labelsOf(tenant: Tenant, ids: Postings, pace: Pace): Promise<(Labels | null)[]> {
    return this.inner.labelsOf(tenant, ids, pace);
  }
}

/** Samples in parts whose series have no labels that can be read. */
async function countUnnamed(storage: Storage, signal: AbortSignal | undefined): Promise<number> {
  const pacer = new Pacer(signal);
  const tenants = tenantsOf(storage);
  const snapshot = wholeSnapshot(storage);
  let samples = 0;
  try {
    for (const { index, parts } of snapshot.partitions) {
      const found: Postings[] = [];
      for (const tenant of tenants) {
        const ids = await index.all(tenant);
        for (let lo = 0; lo < ids.length; lo += LABELS_AT_ONCE) {
          const some = ids.subarray(lo, lo + LABELS_AT_ONCE);
          const labels = await index.labelsOf(tenant, some, pacer);
          found.push(some.filter((_id, i) => labels[i] !== null));
        }
      }
      const named = IdBits.of(unite(found));
      for (const part of parts) {
        for (let page = 0; page < part.pageCount; page++) {
          // A page that cannot be read was reported when it was searched.
          const entries = await part.entries(page).catch(() => null);
          for (let i = 0; i < (entries?.ids.length ?? 0); i++) {
            if (!named.has(entries?.ids[i] as number)) samples += entries?.counts[i] as number;
          }
          if (pacer.isDue) await pacer.pause();
        }
      }
    }
    return samples;
  } finally {
    snapshot.release();
  }
}

/** Series → batches as senders make them. */
class SeriesWriter {
  private readonly storage: Storage;
  private readonly tenant: Tenant;
  private readonly batch: RowBatch = new RowBatch();

  constructor(storage: Storage, tenant: Tenant) {
    this.storage = storage;
    this.tenant = tenant;
    this.batch.reset(tenant);
  }

  /** Number of samples. */
  async write({ series, ends, timestamps, values }: SearchBatch): Promise<number> {
    const { batch } = this;
    const bits = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    let at = 0;
    for (let i = 0; i < series.length; i++) {
      const end = ends[i] as number;
      while (at < end) {
        this.beginSeries(series[i] as Labels);
        const stop = Math.min(end, at + APPEND_SAMPLES - batch.sampleCount);
        for (; at < stop; at++) batch.addSampleBits(timestamps[at] as number, bits, 8 * at);
        if (batch.sampleCount >= APPEND_SAMPLES) await this.send();
      }
    }
    await this.send();
    return at;
  }

  private beginSeries(labels: Labels): void {
    this.batch.beginSeries();
    for (const [name, value] of labels.entries()) this.batch.addLabel(name, value);
    this.batch.endLabels();
  }

  private async send(): Promise<void> {
    const { batch } = this;
    if (batch.seriesCount === 0) return;
    const { stored } = await this.storage.append(batch);
    if (stored !== batch.sampleCount) {
      throw new Error(
        `repair: of ${batch.sampleCount} samples of tenant ${formatTenant(this.tenant)} ${stored} were taken`,
      );
    }
    batch.reset(this.tenant);
  }
}
