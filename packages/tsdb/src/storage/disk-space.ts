/**
 * What is left on the disk, and what a database does when it is little.
 *
 *   free ≥ limit            everything goes on
 *   free < limit            read-only: appends are refused; queries, deletes, retention and flushes go on
 *   a write found no room   read-only at once, and the reserve is given up for what must be written to get room again
 *
 * A flush needs room before it can cut the log, and so does every manifest. Somebody else may have taken the last byte, so while there is still
 * some room but not plenty, a file of nothing but bytes is laid by: the reserve. Work that fails for want of room gets it and is tried again.
 * The reserve is laid anew when the limit is met with it; only then is the database writable again.
 */
import type { Disk } from "../disk/disk.ts";
import type { Logger } from "./options.ts";

export const RESERVE_FILE = "RESERVE";
/** How often the disk is asked. Two looks and a flush's beginning fit into two seconds. */
export const SPACE_CHECK_MS = 500;

/** The reserve is half of the limit, but not more than a head may need. */
const RESERVE_BYTES_MAX = 64 << 20;
/** With more room than this many times the limit nobody fills the disk between two looks. */
const PLENTY = 16;
const PIECE_BYTES = 1 << 20;
/** Without a limit: so much must be free before a database that found no room to begin takes appends. */
const BEGIN_BYTES = 1 << 20;

/** Appends are refused for want of room on the disk. Nothing is acknowledged until there is some. */
export class ReadOnlyError extends Error {
  readonly code: "READ_ONLY" = "READ_ONLY";
}

export interface DiskSpaceOptions {
  readonly disk: Disk;
  /** Bytes that must stay free; 0 turns all of this off. */
  readonly limitBytes: number;
  readonly logger: Logger;
  /** The database has become read-only: a flush may cut the log. */
  readonly onReadOnly: () => void;
  /** What must be written before appends are taken again. Rejects if it could not be: then the next look tries again. */
  readonly beforeWritable: () => Promise<void>;
}

export class DiskSpace {
  /** As of the last look. */
  freeBytes: number = Number.POSITIVE_INFINITY;
  totalBytes = 0;
  readonly limitBytes: number;
  readonly disk: Disk;
  private readonly options: DiskSpaceOptions;
  private readonly reserveBytes: number;
  private hasReserve = false;
  private isRefusing = false;
  private looking: Promise<void> | null = null;

  constructor(options: DiskSpaceOptions) {
    this.disk = options.disk;
    this.options = options;
    this.limitBytes = options.limitBytes;
    this.reserveBytes = Math.min(RESERVE_BYTES_MAX, Math.floor(options.limitBytes / 2));
  }

  /** True while appends are refused. */
  get isReadOnly(): boolean {
    return this.isRefusing;
  }

  /** @throws ReadOnlyError while appends are refused */
  checkWritable(): void {
    if (this.isRefusing) {
      throw new ReadOnlyError(
        `the storage is read-only: ${this.freeBytes} bytes are free on its disk, want ${this.limitBytes || BEGIN_BYTES} (-storage.minFreeDiskSpaceBytes)`,
      );
    }
  }

  /** True if a file of so many bytes may be written for tidiness' sake: half of what is kept free is left alone by that. */
  hasRoomFor(bytes: number): boolean {
    return this.limitBytes === 0 || bytes <= this.freeBytes - this.limitBytes / 2;
  }

  /** The first look: finds the reserve of an earlier run. */
  async begin(): Promise<void> {
    this.hasReserve = (await this.options.disk.list("")).includes(RESERVE_FILE);
    await this.look();
  }

  /** Asks the disk and draws the conclusions. Never rejects. */
  look(): Promise<void> {
    this.looking ??= this.lookNow()
      .catch((error: Error) => this.options.logger.error(`free disk space: ${error.message}`))
      .finally(() => {
        this.looking = null;
      });
    return this.looking;
  }

  /** No more looks: resolves when one under way is over. */
  async end(): Promise<void> {
    await this.looking;
  }

  private async lookNow(): Promise<void> {
    const { disk } = this.options;
    const { freeBytes, totalBytes } = await disk.space();
    this.freeBytes = freeBytes;
    this.totalBytes = totalBytes;
    const { limitBytes, reserveBytes } = this;
    if (limitBytes === 0) {
      if (this.isRefusing && freeBytes >= BEGIN_BYTES) await this.accept();
      return;
    }
    const isEnough = freeBytes >= limitBytes + (this.hasReserve ? 0 : reserveBytes);
    if (!this.isRefusing && freeBytes < limitBytes) this.refuse(`${freeBytes} bytes are free`);
    else if (this.isRefusing && isEnough) {
      await this.accept();
    }
    if (!this.isRefusing && !this.hasReserve && isEnough && freeBytes < limitBytes * PLENTY) await this.layReserve();
  }

  /** Does work that needs the disk. If there is no room for it, the reserve is given up and the work tried once more. */
  async withReserve<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      this.reportFull();
      if (!(await this.giveUpReserve())) throw error;
      return await work();
    }
  }

  /** A write found no room: no more appends until a look finds some. */
  reportFull(): void {
    if (this.limitBytes > 0 && !this.isRefusing) this.refuse("a write found no room");
  }

  /** The database was opened without room for what must be written before anything is appended: also without a limit, appends wait for it. */
  beginReadOnly(): void {
    if (!this.isRefusing) this.refuse("there is no room for the manifest");
  }

  private async accept(): Promise<void> {
    const { disk, logger, beforeWritable } = this.options;
    await beforeWritable();
    this.isRefusing = false;
    logger.warn(`the storage is writable again: ${this.freeBytes} bytes are free at ${disk.root}`);
  }

  private refuse(why: string): void {
    const { disk, logger, onReadOnly } = this.options;
    this.isRefusing = true;
    logger.warn(
      `the storage at ${disk.root} becomes read-only: ${why}, -storage.minFreeDiskSpaceBytes=${this.limitBytes}`,
    );
    onReadOnly();
  }

  private async giveUpReserve(): Promise<boolean> {
    if (!this.hasReserve) return false;
    this.hasReserve = false;
    await this.options.disk.remove(RESERVE_FILE);
    return true;
  }

  private async layReserve(): Promise<void> {
    const { disk } = this.options;
    try {
      await disk.remove(RESERVE_FILE);
      const file = await disk.create(RESERVE_FILE);
      // Bytes that are no zeros: file systems that leave out or compress those would reserve nothing.
      const piece = noise(Math.min(PIECE_BYTES, this.reserveBytes));
      try {
        while (file.bytes < this.reserveBytes) {
          await file.append(piece.subarray(0, Math.min(piece.length, this.reserveBytes - file.bytes)));
        }
        await file.sync();
      } finally {
        await file.close();
      }
      this.hasReserve = true;
    } catch (error) {
      await disk.remove(RESERVE_FILE).catch(() => {});
      throw error;
    }
  }
}

/** True for the errors of a write that found no room, and for what was made of them. */
export function isNoSpace(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException;
    if (code === "ENOSPC" || code === "EDQUOT") return true;
  }
  return false;
}

function noise(length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = 0x9e37_79b9;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}
