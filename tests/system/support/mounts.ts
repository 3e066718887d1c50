/**
 * File systems of a test's own: a small disk whose power can be cut, and one in memory that runs full. Needs root. What cannot be mounted is an error, not
 * a test left out.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, type Scope } from "./scope.ts";

export type FileSystem = "ext4" | "xfs";

/** The smallest each can be made with. */
const megabytes: Readonly<Record<FileSystem, number>> = { ext4: 64, xfs: 400 };

/** @throws Error with what the program said */
function run(command: string, args: readonly string[]): void {
  try {
    execFileSync(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const { stderr } = error as { stderr?: Buffer };
    throw new Error(`${command} ${args.join(" ")}: ${stderr?.toString().trim() ?? (error as Error).message}`);
  }
}

/** A file system in a file, mounted as long as the scope. */
export class PowerDisk {
  /** Where it is mounted. */
  readonly folder: string;
  private readonly image: string;
  private isMounted = false;

  constructor(scope: Scope, kind: FileSystem) {
    // The image is in memory: a test must not wait for the machine's own disk.
    const base = mountMemory(scope, megabytes[kind] + 8);
    this.image = join(base, "image");
    this.folder = join(base, "mounted");
    mkdirSync(this.folder);
    writeFileSync(this.image, "");
    truncateSync(this.image, megabytes[kind] << 20);
    run(`mkfs.${kind}`, ["-q", kind === "ext4" ? "-F" : "-f", this.image]);
    this.mount();
    scope.onEnd(() => this.unmount());
  }

  /**
   * The power goes: what the disk has is what stays. The file system refuses all calls from now on; nothing of what it
   * holds in memory is written, not even its journal.
   */
  cutPower(): void {
    run("xfs_io", ["-x", "-c", "shutdown", this.folder]);
  }

  /** The power is back: the file system finds what was on its disk. Nobody may have files open. */
  restore(): void {
    this.unmount();
    this.mount();
  }

  private mount(): void {
    run("mount", ["-o", "loop", this.image, this.folder]);
    this.isMounted = true;
  }

  private unmount(): void {
    if (!this.isMounted) return;
    run("umount", [this.folder]);
    this.isMounted = false;
  }
}

/** A folder in memory with this much room. */
export function mountMemory(scope: Scope, sizeMegabytes: number): string {
  const folder = makeFolder(scope, "memory");
  run("mount", ["-t", "tmpfs", "-o", `size=${sizeMegabytes}m`, "tmpfs", folder]);
  scope.onEnd(() => run("umount", [folder]));
  return folder;
}
