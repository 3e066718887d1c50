/**
 * Files of a database that is open on another thread: each is opened once, whoever has it, and closed when nobody has it any more.
 *
 *   OpenFiles    by number
 *   MonthFiles   those of a month at some time: of use to every snapshot until the month has others
 */
import { CorruptionError } from "../../base/errors.ts";
import type { IndexSegment } from "../../index/segment-reader.ts";
import type { PartReader } from "../parts/part-reader.ts";

interface Entry<T> {
  readonly opened: Promise<T>;
  users: number;
}

export class OpenFiles<T extends { retire(): void }> {
  private readonly entries: Map<number, Entry<T>> = new Map();

  /** Files that are open, or being opened. */
  get count(): number {
    return this.entries.size;
  }

  /** Opens the file unless it is open. It is the caller's until `release`. */
  acquire(fileNumber: number, open: () => Promise<T>): Promise<T> {
    let entry = this.entries.get(fileNumber);
    if (entry === undefined) {
      entry = { opened: open(), users: 0 };
      // Who waits for it hears of the error.
      entry.opened.catch(() => {});
      this.entries.set(fileNumber, entry);
    }
    entry.users++;
    return entry.opened;
  }

  release(fileNumber: number): void {
    const entry = this.entries.get(fileNumber);
    if (entry === undefined || --entry.users > 0) return;
    this.entries.delete(fileNumber);
    entry.opened.then(
      (file) => file.retire(),
      () => {}, // There is nothing to close.
    );
  }
}

/** Damage that kept a file from being opened. */
export interface UnreadableFile {
  readonly fileNumber: number;
  readonly error: CorruptionError;
}

export interface OpenMonth {
  readonly parts: readonly PartReader[];
  readonly segments: readonly IndexSegment[];
  readonly unreadable: readonly UnreadableFile[];
}

/** How the files of a month are opened: by number. */
export interface MonthOpening {
  readonly parts: ReadonlyMap<number, () => Promise<PartReader>>;
  readonly segments: ReadonlyMap<number, () => Promise<IndexSegment>>;
}

export class MonthFiles {
  /** Settles once every file has been opened or could not be. Rejects with errors of the disk. */
  readonly opened: Promise<OpenMonth>;
  private readonly parts: OpenFiles<PartReader>;
  private readonly segments: OpenFiles<IndexSegment>;
  private readonly opening: MonthOpening;
  private users = 1;

  /** In use until the first `release()`. */
  constructor(parts: OpenFiles<PartReader>, segments: OpenFiles<IndexSegment>, opening: MonthOpening) {
    this.parts = parts;
    this.segments = segments;
    this.opening = opening;
    this.opened = this.open();
    this.opened.catch(() => {}); // Who waits for it hears of the error.
  }

  acquire(): void {
    this.users++;
  }

  release(): void {
    if (--this.users > 0) return;
    for (const fileNumber of this.opening.parts.keys()) this.parts.release(fileNumber);
    for (const fileNumber of this.opening.segments.keys()) this.segments.release(fileNumber);
  }

  /** True if all its files have these numbers. */
  isWithin(fileNumbers: ReadonlySet<number>): boolean {
    for (const files of [this.opening.parts, this.opening.segments]) {
      for (const fileNumber of files.keys()) if (!fileNumbers.has(fileNumber)) return false;
    }
    return true;
  }

  private async open(): Promise<OpenMonth> {
    const unreadable: UnreadableFile[] = [];
    const [parts, segments] = await Promise.all([
      openAll(this.opening.parts, this.parts, unreadable),
      openAll(this.opening.segments, this.segments, unreadable),
    ]);
    return { parts, segments, unreadable };
  }
}

async function openAll<T extends { retire(): void }>(
  opening: ReadonlyMap<number, () => Promise<T>>,
  files: OpenFiles<T>,
  unreadable: UnreadableFile[],
): Promise<T[]> {
  // All are asked for before the first is waited for.
  const asked = [...opening].map(([fileNumber, open]) => ({ fileNumber, file: files.acquire(fileNumber, open) }));
  await Promise.allSettled(asked.map(({ file }) => file));
  const opened: T[] = [];
  for (const { fileNumber, file } of asked) {
    try {
      opened.push(await file);
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      unreadable.push({ fileNumber, error });
    }
  }
  return opened;
}
