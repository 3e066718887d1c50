/**
 * Snapshots: the files of one moment under second names, in a folder that is a database of its own.
 *
 *   snapshots/20261123015840-19E8A3C0F21/MANIFEST
 *   snapshots/20261123015840-19E8A3C0F21/data/2026_11/parts/0000000017.part   ═ data/2026_11/parts/0000000017.part
 *
 * Files of ours never change once they are complete, so a second name is as good as a copy and costs nothing; it keeps the bytes when a merge
 * removes the first. There is no log: the head is flushed before. A snapshot exists from the moment its manifest does, and no longer: the
 * manifest is the last file made and the first removed, and folders without one are swept up at the next start.
 */
import type { Clock } from "../base/clock.ts";
import { copyFile, type Disk } from "../disk/disk.ts";
import { MANIFEST_FILE, type Manifest, type PartitionEntry, writeManifest } from "./manifest.ts";
import type { Logger } from "./options.ts";
import { DATA_FOLDER, Partition } from "./parts/partition.ts";

export const SNAPSHOTS_FOLDER = "snapshots";
/** When it was made, UTC to the second, and a number that makes it the only one. */
const NAME = /^\d{14}-[0-9A-Fa-f]+$/;

export class Snapshots {
  private readonly disk: Disk;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private lastNumber = 0;

  constructor(disk: Disk, clock: Clock, logger: Logger) {
    this.disk = disk;
    this.clock = clock;
    this.logger = logger;
  }

  /**
   * Makes a snapshot of what the manifest names, whose files must stay until this resolves. Its name then, and it survives a power cut; if it
   * rejects there is no snapshot.
   */
  async create(manifest: Manifest): Promise<string> {
    const { disk } = this;
    // A clock that was set back, and a restart, come to the same name again.
    const taken = await disk.list(SNAPSHOTS_FOLDER);
    let name = this.newName();
    while (taken.includes(name)) name = this.newName();
    const folder = `${SNAPSHOTS_FOLDER}/${name}`;
    try {
      await disk.makeFolder(folder);
      let copies = 0;
      for (const entry of manifest.partitions) copies += await this.addPartition(folder, entry);
      if (copies > 0) {
        this.logger.warn(
          `${folder}: ${copies} files were copied because the file system has no hard links: the snapshot takes as much space again`,
        );
      }
      await writeManifest(disk, manifest, `${folder}/${MANIFEST_FILE}`);
      await disk.syncFolder(SNAPSHOTS_FOLDER);
    } catch (error) {
      await this.removeFolder(name).catch(() => {}); // The next start does it.
      throw error;
    }
    this.logger.info(`created snapshot ${name}`);
    return name;
  }

  /** Links a month's files. Returns how many had to be copied. */
  private async addPartition(folder: string, entry: PartitionEntry): Promise<number> {
    const { disk } = this;
    const partition = new Partition(entry.name, entry.nextSeriesId);
    let copies = 0;
    for (const path of partition.foldersOf()) await disk.makeFolder(`${folder}/${path}`);
    for (const path of partition.filesOf(entry)) {
      try {
        const target = `${folder}/${path}`;
        if (await disk.link(path, target)) continue;
        await copyFile(disk, path, target);
        copies++;
      } catch (error) {
        // A lost file is lost to the snapshot, too: its manifest names it, so its answers are partial as ours are.
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
    }
    for (const path of partition.foldersOf()) await disk.syncFolder(`${folder}/${path}`);
    await disk.syncFolder(`${folder}/${DATA_FOLDER}/${entry.name}`);
    await disk.syncFolder(`${folder}/${DATA_FOLDER}`);
    return copies;
  }

  /** Names of all snapshots, oldest first. */
  async list(): Promise<string[]> {
    const complete: string[] = [];
    for (const name of await this.disk.list(SNAPSHOTS_FOLDER)) {
      if (NAME.test(name) && (await this.isComplete(name))) complete.push(name);
    }
    return complete;
  }

  /** False if there is no snapshot of this name. */
  async remove(name: string): Promise<boolean> {
    if (!NAME.test(name) || !(await this.isComplete(name))) return false;
    await this.removeFolder(name);
    this.logger.info(`deleted snapshot ${name}`);
    return true;
  }

  /** Removes snapshots made before a time. */
  async removeBefore(ms: number): Promise<void> {
    for (const name of await this.list()) if (timeOf(name) < ms) await this.remove(name);
  }

  /** Sweeps up what creating and removing left when the process ended in between. */
  async removeUnfinished(): Promise<void> {
    for (const name of await this.disk.list(SNAPSHOTS_FOLDER)) {
      if (NAME.test(name) && !(await this.isComplete(name))) await this.disk.remove(`${SNAPSHOTS_FOLDER}/${name}`);
    }
  }

  private async isComplete(name: string): Promise<boolean> {
    return (await this.disk.list(`${SNAPSHOTS_FOLDER}/${name}`)).includes(MANIFEST_FILE);
  }

  private async removeFolder(name: string): Promise<void> {
    const folder = `${SNAPSHOTS_FOLDER}/${name}`;
    await this.disk.remove(`${folder}/${MANIFEST_FILE}`);
    await this.disk.syncFolder(folder);
    await this.disk.remove(folder);
    await this.disk.syncFolder(SNAPSHOTS_FOLDER);
  }

  private newName(): string {
    const nowMs = this.clock.nowMs();
    this.lastNumber = Math.max(this.lastNumber + 1, nowMs);
    const second = new Date(nowMs).toISOString().replace(/\D/g, "").slice(0, 14);
    return `${second}-${this.lastNumber.toString(16).toUpperCase().padStart(8, "0")}`;
  }
}

/** When a snapshot was made, ms; NaN if its name gives no time. */
function timeOf(name: string): number {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(name) ?? [];
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}
