/**
 * Reads everything a database consists of and tells of each file whether it is what was written: manifest, parts with every block decoded, index
 * segments, tombstones, the log. Changes nothing. The folder must not be in use; a snapshot is fine at any time.
 */
import { CorruptionError } from "../../base/errors.ts";
import { checkHeader, HEADER_BYTES } from "../../codec/pages.ts";
import { type Disk, readWhole } from "../../disk/disk.ts";
import { PageCache } from "../../index/page-cache.ts";
import { IndexSegment } from "../../index/segment-reader.ts";
import { Tombstones } from "../deletes/tombstones.ts";
import { listSegments, WAL_FILE } from "../log/wal.ts";
import { scanSegment } from "../log/wal-scan.ts";
import { MANIFEST_FILE, type Manifest, readManifest } from "../manifest.ts";
import { Pacer } from "../pacer.ts";
import { type BlockEntries, PartReader } from "../parts/part-reader.ts";
import { COLUMN_HEADER_BYTES } from "../parts/part-writer.ts";
import { Partition } from "../parts/partition.ts";

export type VerifiedKind = "manifest" | "part" | "index" | "deletes" | "log";

export interface Problem {
  /** Byte of the file. */
  readonly offset: number;
  readonly message: string;
  /** A crash leaves such a thing, and nothing that was acknowledged is lost by it. */
  readonly isHarmless: boolean;
}

/** What was found in a file. */
export interface FileReport {
  readonly path: string;
  readonly kind: VerifiedKind;
  readonly bytes: number;
  /** Series and samples that could be read. */
  readonly series: number;
  readonly samples: number;
  /** Of a damaged block, page or record each one. Empty: the file is whole. */
  readonly problems: readonly Problem[];
}

export interface VerifyReport {
  readonly files: number;
  readonly bytes: number;
  readonly series: number;
  readonly samples: number;
  readonly damagedFiles: number;
}

export interface VerifyProgress {
  readonly filesDone: number;
  readonly files: number;
}

export interface VerifyOptions {
  /** Hears of each file when it was read. */
  readonly onFile?: (report: FileReport, progress: VerifyProgress) => void;
  readonly signal?: AbortSignal;
}

/** More than these of a file are counted in one. */
const PROBLEMS_MAX = 100;
const INDEX_CACHE_BYTES = 16 << 20;

/** A report in the making. */
class Finding implements FileReport {
  readonly path: string;
  readonly kind: VerifiedKind;
  readonly problems: Problem[] = [];
  bytes = 0;
  series = 0;
  samples = 0;

  constructor(path: string, kind: VerifiedKind) {
    this.path = path;
    this.kind = kind;
  }

  add(offset: number, message: string, isHarmless = false): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push({ offset, message, isHarmless });
    else if (this.problems.length === PROBLEMS_MAX) {
      this.problems.push({ offset, message: "and more of the like", isHarmless: false });
    }
  }

  /** Takes an error that tells of damage. @throws the error if it does not */
  addError(error: unknown): void {
    if (error instanceof CorruptionError) this.add(error.offset, error.message.replace(/^.*?: at byte \d+: /, ""));
    else if (error instanceof RangeError) this.add(0, error.message);
    else if ((error as NodeJS.ErrnoException).code === "ENOENT") this.add(0, "the file is missing");
    else if ((error as NodeJS.ErrnoException).code === "EIO")
      this.add(0, `the disk cannot read it: ${(error as Error).message}`);
    else throw error;
  }
}

/** @throws NewerFormatError, the disk's errors, and the reason of the signal */
export async function verifyDatabase(disk: Disk, options: VerifyOptions = {}): Promise<VerifyReport> {
  const pacer = new Pacer(options.signal);
  const total = { files: 0, bytes: 0, series: 0, samples: 0, damagedFiles: 0 };
  const jobs: { readonly path: string; readonly kind: VerifiedKind; readonly read: (to: Finding) => Promise<void> }[] =
    [];
  let manifest: Manifest | null = null;
  jobs.push({
    path: MANIFEST_FILE,
    kind: "manifest",
    read: async (to) => {
      manifest = await readManifest(disk);
      if (manifest === null) throw new CorruptionError(MANIFEST_FILE, 0, "the file is missing");
      to.bytes = (await readWhole(disk, MANIFEST_FILE)).length;
    },
  });
  const run = async (): Promise<void> => {
    for (; total.files < jobs.length; ) {
      const { path, kind, read } = jobs[total.files] as (typeof jobs)[number];
      const finding = new Finding(path, kind);
      try {
        await read(finding);
      } catch (error) {
        finding.addError(error);
      }
      total.files++;
      total.bytes += finding.bytes;
      total.series += finding.kind === "index" ? finding.series : 0;
      total.samples += finding.samples;
      if (finding.problems.some(({ isHarmless }) => !isHarmless)) total.damagedFiles++;
      options.onFile?.(finding, { filesDone: total.files, files: jobs.length });
      options.signal?.throwIfAborted();
    }
  };
  await run();
  const { partitions = [], walFloor = 0 } = (manifest as Manifest | null) ?? {};
  for (const entry of partitions) {
    const partition = new Partition(entry.name, entry.nextSeriesId);
    for (const number of entry.indexes) {
      const path = partition.indexPath(number);
      jobs.push({ path, kind: "index", read: (to) => verifySegment(disk, path, number, to, pacer) });
    }
    for (const number of entry.parts) {
      const path = partition.partPath(number);
      jobs.push({ path, kind: "part", read: (to) => verifyPart(disk, path, number, to, pacer) });
    }
    for (const number of entry.deletes ?? []) {
      const path = partition.deletesPath(number);
      const read = async (to: Finding): Promise<void> => {
        const tombstones = await Tombstones.read(disk, path, number);
        to.bytes = tombstones.encode().length;
      };
      jobs.push({ path, kind: "deletes", read });
    }
  }
  const segments = (await listSegments(disk)).filter(({ number }) => number >= walFloor);
  for (const { number, path } of segments) {
    jobs.push({ path, kind: "log", read: (to) => verifyLogSegment(disk, path, number, to, pacer) });
  }
  await run();
  return total;
}

/** Decodes every block. */
async function verifyPart(disk: Disk, path: string, number: number, to: Finding, pacer: Pacer): Promise<void> {
  const part = await PartReader.open(disk, path, number);
  try {
    to.bytes = part.info.bytes;
    let lastId = -1;
    for (let page = 0; page < part.pageCount; page++) {
      let entries: BlockEntries;
      try {
        entries = await part.entries(page);
      } catch (error) {
        to.addError(error);
        continue;
      }
      for (let entry = 0; entry < entries.ids.length; entry++) {
        try {
          await verifyBlock(part, entries, entry);
          to.samples += entries.counts[entry] as number;
        } catch (error) {
          to.addError(error);
        }
        if (entries.ids[entry] !== lastId) to.series++;
        lastId = entries.ids[entry] as number;
        if (pacer.isDue) await pacer.pause();
      }
    }
    if (to.problems.length === 0 && to.samples !== part.info.rows) {
      to.add(0, `want ${part.info.rows} samples, got ${to.samples}`);
    }
  } finally {
    part.retire();
  }
}

async function verifyBlock(part: PartReader, entries: BlockEntries, entry: number): Promise<void> {
  const count = entries.counts[entry] as number;
  const times = new Float64Array(count);
  const column = async (
    offset: number,
    length: number,
    decode: (...args: Parameters<PartReader["decodeTimes"]>) => unknown,
    target: Float64Array,
  ): Promise<void> => {
    const bytes = await part.read(offset - COLUMN_HEADER_BYTES, length + COLUMN_HEADER_BYTES);
    decode.call(part, bytes, COLUMN_HEADER_BYTES, offset, length, count, target, 0);
  };
  const timesOffset = entries.timesOffsets[entry] as number;
  const valuesOffset = entries.valuesOffsets[entry] as number;
  await column(timesOffset, entries.timesLengths[entry] as number, part.decodeTimes, times);
  await column(valuesOffset, entries.valuesLengths[entry] as number, part.decodeValues, new Float64Array(count));
  for (let i = 1; i < count; i++) {
    if ((times[i] as number) > (times[i - 1] as number)) continue;
    throw new CorruptionError(part.path, timesOffset, "times do not ascend");
  }
  if (times[0] !== entries.minMs[entry] || times[count - 1] !== entries.maxMs[entry]) {
    throw new CorruptionError(part.path, timesOffset, "times are not those that the index page says");
  }
}

/** Reads every page, and every label set as long as there is no damage. */
async function verifySegment(disk: Disk, path: string, number: number, to: Finding, pacer: Pacer): Promise<void> {
  const segment = await IndexSegment.open(disk, path, number, new PageCache(INDEX_CACHE_BYTES));
  try {
    const { file } = segment;
    to.bytes = file.bytes;
    for (let page = 0; page < file.pageCount; page++) {
      try {
        await file.read(page);
      } catch (error) {
        to.addError(error);
      }
      if (pacer.isDue) await pacer.pause();
    }
    if (to.problems.length > 0) return;
    for (const own of segment.all()) {
      let series = 0;
      for await (const { labels } of own.series()) {
        if (labels.pairs.length > 0 || labels.name !== "") series++;
        if (pacer.isDue) await pacer.pause();
      }
      if (series !== own.seriesCount) to.add(0, `want ${own.seriesCount} series with labels, got ${series}`);
      to.series += series;
    }
  } finally {
    segment.retire();
  }
}

async function verifyLogSegment(disk: Disk, path: string, number: number, to: Finding, pacer: Pacer): Promise<void> {
  const bytes = await readWhole(disk, path);
  to.bytes = bytes.length;
  if (bytes.length < HEADER_BYTES) {
    if (bytes.length > 0) to.add(0, "its header was not finished", true);
    return;
  }
  try {
    checkHeader(bytes, WAL_FILE, number, path);
  } catch (error) {
    to.addError(error);
  }
  const count = (record: Parameters<Parameters<typeof scanSegment>[2]>[0]): undefined => {
    if (record.type === "samples") to.samples += record.samples.sampleCount;
  };
  const { damage, tail } = await scanSegment(bytes, number, count, pacer);
  for (const { from, to: end } of damage) to.add(from, `${end - from} bytes are no records`);
  if (tail < bytes.length) to.add(tail, `${bytes.length - tail} bytes at the end are no whole record`, true);
}
