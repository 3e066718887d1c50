/**
 * The latest snapshot of one process, where others find it when the process does not answer.
 *
 *     <id>.0   sequence 6        two files written in turn: one of them is always whole,
 *     <id>.1   sequence 7        whenever the writer is killed
 *
 * Written in place and not renamed over: once a second and for each process, that would make the file system write to the
 * disk what the next second replaces. Nothing is synced: what a killed process has written stays, and after a crash of the machine there
 * is no group.
 */
import { closeSync, constants, ftruncateSync, futimesSync, lstatSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { readFileSafely } from "./safe-file.ts";
import { SNAPSHOT_BYTES_MAX, type Snapshot, type SnapshotDecoder } from "./snapshot.ts";

/** What a process says about its snapshot. */
export interface SnapshotHead {
  readonly id: string;
  /** Grows by one with each snapshot of the process. */
  readonly sequence: number;
}

/** The writer's side. Its calls are synchronous: the last one is made while the process exits. */
export class SnapshotFile {
  readonly #paths: readonly [string, string];
  readonly #fds: (number | null)[] = [null, null];
  readonly #lengths: number[] = [0, 0];
  #turn = 0;

  constructor(directory: string, id: string) {
    this.#paths = snapshotPaths(directory, id);
  }

  /** @throws Error of the file system; the other file of the two stays as it is */
  write(bytes: Uint8Array): void {
    const turn = this.#turn;
    const fd = this.#open(turn);
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, at);
    // After the bytes: a reader in between sees a file too long and takes the other one.
    if (bytes.length < (this.#lengths[turn] as number)) ftruncateSync(fd, bytes.length);
    this.#lengths[turn] = bytes.length;
    this.#turn = 1 - turn;
  }

  /** Says that the process lives, when it has nothing new to tell. @throws Error of the file system */
  touch(): void {
    const nowSeconds = Date.now() / 1000;
    futimesSync(this.#open(1 - this.#turn), nowSeconds, nowSeconds);
  }

  close(): void {
    for (const turn of [0, 1]) {
      const fd = this.#fds[turn] ?? null;
      if (fd !== null) closeSync(fd);
      this.#fds[turn] = null;
    }
  }

  #open(turn: number): number {
    let fd = this.#fds[turn] ?? null;
    if (fd === null) {
      const flags = constants.O_CREAT | constants.O_RDWR | constants.O_TRUNC | (constants.O_NOFOLLOW ?? 0);
      fd = openSync(this.#paths[turn] as string, flags, 0o600);
      this.#fds[turn] = fd;
    }
    return fd;
  }
}

export interface StoredSnapshot {
  /** Null if there is none, or none that is whole. */
  readonly snapshot: Snapshot | null;
  /** Unix time of the last sign of life; 0 if there is none. */
  readonly changedMs: number;
}

/** The younger of the two that are whole. Never throws. */
export function readSnapshotFile(directory: string, id: string, decoder: SnapshotDecoder): StoredSnapshot {
  let best: Snapshot | null = null;
  let sequence = Number.NEGATIVE_INFINITY;
  let changedMs = 0;
  // Both may be caught in the middle of a writing, one after the other; hardly twice.
  for (let attempt = 0; attempt < 3 && best === null; attempt++) {
    for (const path of snapshotPaths(directory, id)) {
      const content = readFileSafely(path, SNAPSHOT_BYTES_MAX);
      if (typeof content === "string") continue;
      changedMs = Math.max(changedMs, content.changedMs);
      const snapshot = decodeSnapshot(content.bytes, id, decoder);
      if (snapshot === null || readHead(snapshot.head).sequence <= sequence) continue;
      best = snapshot;
      sequence = readHead(snapshot.head).sequence;
    }
  }
  return { snapshot: best, changedMs };
}

/** The snapshot in `bytes` if it is whole and of the process `id`. Never throws. */
export function decodeSnapshot(bytes: Buffer, id: string, decoder: SnapshotDecoder): Snapshot | null {
  try {
    const snapshot = decoder.decode(bytes);
    return readHead(snapshot.head).id === id ? snapshot : null;
  } catch {
    return null;
  }
}

/** Unix time of the last sign of life of the process `id`, in ms; 0 if there is none. Never throws. */
export function lastSignMs(directory: string, id: string): number {
  const changes = snapshotPaths(directory, id).map((path) => lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return Math.max(...changes);
}

export function removeSnapshotFile(directory: string, id: string): void {
  for (const path of snapshotPaths(directory, id)) rmSync(path, { force: true });
}

function snapshotPaths(directory: string, id: string): [string, string] {
  return [join(directory, `${id}.0`), join(directory, `${id}.1`)];
}

function readHead(head: unknown): SnapshotHead {
  const { id, sequence } = (head ?? {}) as Partial<Record<keyof SnapshotHead, unknown>>;
  return { id: typeof id === "string" ? id : "", sequence: typeof sequence === "number" ? sequence : 0 };
}
