/** From a folder to what a database starts with: partitions, and the head as the log has it. */
import type { Clock } from "../base/clock.ts";
import { CorruptionError } from "../base/errors.ts";
import { PagedNumbers } from "../base/paged-numbers.ts";
import { NewerFormatError } from "../codec/pages.ts";
import type { Disk } from "../disk/disk.ts";
import type { PageCache } from "../index/page-cache.ts";
import { IndexSegment } from "../index/segment-reader.ts";
import type { LabelStore } from "../kernel/label-store.ts";
import { SKIPPED_SLOT } from "../kernel/sample-store.ts";
import { Tombstones } from "./deletes/tombstones.ts";
import type { Head } from "./head.ts";
import { WAL_FOLDER } from "./log/wal.ts";
import { type DefinitionTaker, decodeDefinitions, type LogRecord } from "./log/wal-record.ts";
import { MANIFEST_FILE, type Manifest } from "./manifest.ts";
import type { Logger } from "./options.ts";
import { PartReader } from "./parts/part-reader.ts";
import { DATA_FOLDER, Partition } from "./parts/partition.ts";
import type { SeriesRegistry } from "./series/registry.ts";

const PROGRESS_EVERY_MS = 5_000;

/**
 * Applies log records to an empty head, and calls `onSamples` after each that had some; `onUnnamed` hears of samples whose series no record defines, which happens when that record is damaged.
 * Numbers of the log are those of an earlier registry: they are mapped by what they stood for.
 */
export function replayer(
  registry: SeriesRegistry,
  head: Head,
  onUnnamed: (samples: number) => void,
  onSamples: (samples: number) => Promise<void> | undefined,
): (record: LogRecord) => Promise<void> | undefined {
  const byEpoch = new Map<number, LoggedNumbers>();
  let slots = new Uint32Array(1 << 14);
  return (record) => {
    let numbers = byEpoch.get(record.epoch);
    if (numbers === undefined) {
      numbers = new LoggedNumbers(registry.store);
      byEpoch.set(record.epoch, numbers);
    }
    if (record.type === "series") {
      decodeDefinitions(record.definitions, numbers);
      return undefined;
    }
    const { samples } = record;
    const { seriesCount, ends } = samples;
    if (slots.length < seriesCount) slots = new Uint32Array(seriesCount * 2);
    if (numbers.mapSlots(samples.slots, seriesCount, slots) > 0) {
      for (let i = 0; i < seriesCount; i++) {
        const count = (ends[i] as number) - (i === 0 ? 0 : (ends[i - 1] as number));
        if (slots[i] === SKIPPED_SLOT && count > 0) onUnnamed(count);
      }
    }
    head.active.append({ ...samples, slots });
    return onSamples(samples.sampleCount);
  };
}

/** Numbers of an earlier registry → numbers of this one, each + 1. */
class LoggedNumbers implements DefinitionTaker {
  private readonly store: LabelStore;
  private readonly labels: PagedNumbers = new PagedNumbers();
  private readonly pairs: PagedNumbers = new PagedNumbers();
  private readonly slots: PagedNumbers = new PagedNumbers();

  constructor(store: LabelStore) {
    this.store = store;
  }

  /** What `logged[0..count)` are here, SKIPPED_SLOT where nothing defined it. Returns how many of those there are. */
  mapSlots(logged: Uint32Array, count: number, target: Uint32Array): number {
    let skipped = 0;
    for (let i = 0; i < count; i++) {
      const known = this.slots.get(logged[i] as number);
      // What nothing defined is 0 there, and 0 - 1 is SKIPPED_SLOT in 32 bits.
      target[i] = known - 1;
      if (known === 0) skipped++;
    }
    return skipped;
  }

  label(label: number, accountId: number, projectId: number, name: Uint8Array): void {
    const tenant = this.store.tenantNumber({ accountId, projectId });
    this.labels.set(label, this.store.internLabel(tenant, name, 0, name.length) + 1);
  }

  pair(pair: number, label: number, value: Uint8Array): void {
    const known = this.labels.get(label);
    this.pairs.set(pair, known === 0 ? 0 : this.store.internPair(known - 1, value, 0, value.length) + 1);
  }

  series(slot: number, pairs: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const known = this.pairs.get(pairs[i] as number);
      // Something is missing in front: such a series is none.
      if (known === 0) return;
      pairs[i] = known - 1;
    }
    this.slots.set(slot, this.store.internSeries(pairs, count) + 1);
  }
}

/** Says in the log, every few seconds, how far a replay is. */
export class ReplayProgress {
  samples = 0;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly startMs: number;
  private loggedMs: number;
  private where = "its first segment";

  constructor(clock: Clock, logger: Logger) {
    this.clock = clock;
    this.logger = logger;
    this.startMs = clock.monotonicMs();
    this.loggedMs = this.startMs;
  }

  get seconds(): string {
    return ((this.clock.monotonicMs() - this.startMs) / 1000).toFixed(3);
  }

  addSegment(done: number, all: number): void {
    this.where = `${done} of ${all} segments`;
  }

  addSamples(count: number): void {
    this.samples += count;
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.loggedMs < PROGRESS_EVERY_MS) return;
    this.loggedMs = nowMs;
    this.logger.info(`replaying the log: ${this.where} done, ${this.samples} samples in ${this.seconds} seconds`);
  }
}

/** Made by a restore before it touches anything, removed when all is there. */
const RESTORE_MARKER = "restore-in-progress";

/** The manifest of a folder that has none yet. @throws CorruptionError if it should have one */
export async function newManifest(disk: Disk): Promise<Manifest> {
  if ((await disk.list("")).includes(RESTORE_MARKER)) {
    throw new CorruptionError(RESTORE_MARKER, 0, "a restore into this folder has not finished: run it again");
  }
  // The first thing written is the manifest: data without it means that it was lost, and a new one would disown them.
  for (const folder of [DATA_FOLDER, WAL_FOLDER]) {
    if ((await disk.list(folder)).length > 0) {
      throw new CorruptionError(MANIFEST_FILE, 0, `the file is missing although there is something in ${folder}`);
    }
  }
  return { epoch: 0, nextFileNumber: 1, walFloor: 1, partitions: [] };
}

/** Opens what the manifest names and removes what it does not; damaged files are set aside. @throws NewerFormatError */
export async function openPartitions(
  disk: Disk,
  manifest: Manifest,
  partitions: Map<string, Partition>,
  indexCache: PageCache,
  logger: Logger,
): Promise<void> {
  for (const entry of manifest.partitions) {
    const partition = new Partition(entry.name, entry.nextSeriesId);
    partitions.set(entry.name, partition);
    for (const number of entry.indexes) {
      const path = partition.indexPath(number);
      try {
        partition.segments.push(await IndexSegment.open(disk, path, number, indexCache));
      } catch (error) {
        setAside(partition, path, number, "indexes", error, logger);
      }
    }
    for (const number of entry.parts) {
      const path = partition.partPath(number);
      try {
        const part = await PartReader.open(disk, path, number);
        part.mark = entry.marks?.find((mark) => mark.part === number) ?? null;
        partition.parts.push(part);
      } catch (error) {
        setAside(partition, path, number, "parts", error, logger);
      }
    }
    partition.isSparse = entry.isSparse ?? false;
    for (const number of [...(entry.deletes ?? [])].sort((a, b) => a - b)) {
      const path = partition.deletesPath(number);
      try {
        const later = await Tombstones.read(disk, path, number);
        const { tombstones: earlier } = partition;
        partition.tombstones = earlier?.with(later, 0, [...earlier.files, number]) ?? later;
        partition.mustReclaim = true;
      } catch (error) {
        setAside(partition, path, number, "deletes", error, logger);
      }
    }
  }
  await removeLeftovers(disk, partitions);
}

function setAside(
  partition: Partition,
  path: string,
  number: number,
  kind: "parts" | "indexes" | "deletes",
  error: unknown,
  logger: Logger,
): void {
  if (error instanceof NewerFormatError) throw error;
  const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
  if (!isMissing && !(error instanceof CorruptionError)) throw error;
  const damage = error instanceof CorruptionError ? error : new CorruptionError(path, 0, "the file is missing");
  partition.quarantined.push({ path, error: damage });
  partition.unreadable[kind].push(number);
  const loss = kind === "deletes" ? "what it deleted may be in answers, which" : "it is left out of answers, which";
  logger.error(`${damage.message}; ${loss} are marked as partial`);
}

/** Files of ours that no manifest names: attempts that did not finish before the process ended. What has another name is not ours. */
async function removeLeftovers(disk: Disk, partitions: ReadonlyMap<string, Partition>): Promise<void> {
  for (const name of await disk.list(DATA_FOLDER)) {
    if (!/^\d{4}_\d{2}$/.test(name)) continue;
    const partition = partitions.get(name);
    if (partition === undefined) {
      await disk.remove(`${DATA_FOLDER}/${name}`);
      continue;
    }
    const kept = new Set<string>([
      ...partition.parts.map((part) => part.path),
      ...partition.unreadable.parts.map((number) => partition.partPath(number)),
      ...partition.segments.map((segment) => partition.indexPath(segment.fileNumber)),
      ...partition.unreadable.indexes.map((number) => partition.indexPath(number)),
      ...[...(partition.tombstones?.files ?? []), ...partition.unreadable.deletes].map((number) =>
        partition.deletesPath(number),
      ),
    ]);
    for (const folder of partition.foldersOf()) {
      for (const file of await disk.list(folder)) {
        const path = `${folder}/${file}`;
        if (!kept.has(path) && /^\d{10}\.(part|idx|del)$/.test(file)) await disk.remove(path);
      }
    }
  }
}
