/**
 * What the database consists of: one small file that is replaced as a whole. A part, an index segment or a shorter log exists from the moment
 * the manifest names it; files it does not name are left from attempts that did not finish.
 *
 *   line 1   JSON
 *   line 2   CRC-32C of line 1, eight hex digits
 */
import { CorruptionError } from "../base/errors.ts";
import { NewerFormatError } from "../codec/pages.ts";
import { type Disk, readWhole, replaceFile } from "../disk/disk.ts";
import { crc32c } from "../kernel/crc.ts";
import type { PartMark } from "./rules/merge-rules.ts";

export const MANIFEST_FILE = "MANIFEST";
/** Version of the database folder as a whole: files and their places. */
const FORMAT = 1;

/** What the merge that made a part did to its samples; see merge-rules.ts. */
export interface MarkEntry extends PartMark {
  /** File number. */
  readonly part: number;
}

export interface PartitionEntry {
  /** `YYYY_MM`, UTC. */
  readonly name: string;
  /** Ids below this are given to series. */
  readonly nextSeriesId: number;
  /** File numbers, oldest first. */
  readonly parts: readonly number[];
  readonly indexes: readonly number[];
  /** Tombstones; absent if nothing is deleted that parts still have. */
  readonly deletes?: readonly number[];
  /** True if something was deleted at some time. */
  readonly isSparse?: boolean;
  /** Of parts that rules were applied to; absent if there are none. */
  readonly marks?: readonly MarkEntry[];
}

export interface Manifest {
  /** Registry epochs up to this one were used. */
  readonly epoch: number;
  readonly nextFileNumber: number;
  /** Log segments below this are in parts. */
  readonly walFloor: number;
  /** How far the clock of retention had come, ms; absent before the first time. */
  readonly retentionNowMs?: number;
  readonly partitions: readonly PartitionEntry[];
}

/** The manifest; null in a folder that has none. `path` is where it is if not at the top. @throws CorruptionError, NewerFormatError */
export async function readManifest(disk: Disk, path: string = MANIFEST_FILE): Promise<Manifest | null> {
  let bytes: Uint8Array;
  try {
    bytes = await readWhole(disk, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const text = Buffer.from(bytes).toString("utf8");
  const end = text.indexOf("\n");
  const line = text.slice(0, Math.max(0, end));
  const lineBytes = Buffer.from(line);
  const crc = Number.parseInt(text.slice(end + 1, end + 9), 16);
  if (end < 0 || crc32c(lineBytes, 0, lineBytes.length) !== crc) {
    throw new CorruptionError(path, 0, "its checksum does not fit its text");
  }
  const { format, ...manifest } = JSON.parse(line) as Manifest & { format: number };
  if (format > FORMAT) {
    throw new NewerFormatError(
      `this database folder is in format ${format}, written by a newer release; this one reads up to ${FORMAT}`,
    );
  }
  return manifest;
}

export async function writeManifest(disk: Disk, manifest: Manifest, path: string = MANIFEST_FILE): Promise<void> {
  const line = Buffer.from(JSON.stringify({ format: FORMAT, ...manifest }));
  const crc = crc32c(line, 0, line.length).toString(16).padStart(8, "0");
  await replaceFile(disk, path, Buffer.concat([line, Buffer.from(`\n${crc}\n`)]));
}
