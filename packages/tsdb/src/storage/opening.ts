/** From a folder to what a database starts with: partitions, and the head as the log has it. */
import { CorruptionError } from "../base/errors.ts";
import { NewerFormatError } from "../codec/pages.ts";
import { type Disk, readWhole } from "../disk/disk.ts";
import { IndexSegment } from "../index/segment-reader.ts";
import { SKIPPED_SLOT } from "../kernel/sample-store.ts";
import type { Head } from "./head.ts";
import { MANIFEST_FILE, type Manifest } from "./manifest.ts";
import type { Logger } from "./options.ts";
import { PartReader } from "./part-reader.ts";
import { DATA_FOLDER, Partition } from "./partition.ts";
import type { SeriesRegistry } from "./registry.ts";
import { WAL_FOLDER } from "./wal.ts";
import type { LogRecord } from "./wal-record.ts";

/**
 * Applies log records to an empty head; `onUnnamed` hears of samples whose series no record defines, which happens when that record is damaged.
 * Slots of the log are slots of an earlier registry: they are mapped by what they stood for.
 */
export function replayer(
  registry: SeriesRegistry,
  head: Head,
  onUnnamed: (samples: number) => void,
): (record: LogRecord) => void {
  const slotsByEpoch = new Map<number, Map<number, number>>();
  return (record) => {
    let slots = slotsByEpoch.get(record.epoch);
    if (slots === undefined) {
      slots = new Map();
      slotsByEpoch.set(record.epoch, slots);
    }
    if (record.type === "series") {
      for (const { slot, accountId, projectId, key } of record.series) {
        slots.set(slot, registry.slotOf({ accountId, projectId }, key));
      }
      return;
    }
    const { samples } = record;
    for (let i = 0; i < samples.seriesCount; i++) {
      samples.slots[i] = slots.get(samples.slots[i] as number) ?? SKIPPED_SLOT;
    }
    for (let i = 0; i < samples.seriesCount; i++) {
      if (samples.slots[i] !== SKIPPED_SLOT) continue;
      const count = (samples.ends[i] as number) - (i === 0 ? 0 : (samples.ends[i - 1] as number));
      if (count > 0) onUnnamed(count);
    }
    head.active.append(samples);
  };
}

/** The manifest of a folder that has none yet. @throws CorruptionError if it should have one */
export async function newManifest(disk: Disk): Promise<Manifest> {
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
  logger: Logger,
): Promise<void> {
  for (const entry of manifest.partitions) {
    const partition = new Partition(entry.name, entry.nextSeriesId);
    partitions.set(entry.name, partition);
    for (const number of entry.indexes) {
      const path = partition.indexPath(number);
      try {
        partition.segments.push(new IndexSegment(await readWhole(disk, path), number, path));
      } catch (error) {
        setAside(partition, path, number, "indexes", error, logger);
      }
    }
    for (const number of entry.parts) {
      const path = partition.partPath(number);
      try {
        partition.parts.push(await PartReader.open(disk, path, number));
      } catch (error) {
        setAside(partition, path, number, "parts", error, logger);
      }
    }
  }
  await removeLeftovers(disk, partitions);
}

function setAside(
  partition: Partition,
  path: string,
  number: number,
  kind: "parts" | "indexes",
  error: unknown,
  logger: Logger,
): void {
  if (error instanceof NewerFormatError) throw error;
  const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
  if (!isMissing && !(error instanceof CorruptionError)) throw error;
  const damage = error instanceof CorruptionError ? error : new CorruptionError(path, 0, "the file is missing");
  partition.quarantined.push({ path, error: damage });
  partition.unreadable[kind].push(number);
  logger.error(`${damage.message}; it is left out of answers, which are marked as partial`);
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
    ]);
    for (const folder of [partition.partsFolder, partition.indexFolder]) {
      for (const file of await disk.list(folder)) {
        const path = `${folder}/${file}`;
        if (!kept.has(path) && /^\d{10}\.(part|idx)$/.test(file)) await disk.remove(path);
      }
    }
  }
}
