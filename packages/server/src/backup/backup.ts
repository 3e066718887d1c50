/**
 * Backups: the files of a folder that nobody changes (a snapshot, or a database at rest) → objects, then the list that names them.
 *
 *   1  find out which files are at the target already        by name, size and time of the last list, else by content
 *   2  copy what the origin has, send the rest               interrupted here, the next attempt goes on: objects are named after their content
 *   3  look at the target again, write the list              from now on the target is this backup; up to now it was the former one
 *   4  remove what the list does not name                    interrupted here, the next backup does it
 */
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import {
  type BackupList,
  checksumOf,
  encodeList,
  FILES_PREFIX,
  isSafePath,
  keyOf,
  LIST_BYTES_MAX,
  LIST_KEY,
  type ListedFile,
  parseList,
  pieceBytesOf,
  pieceCountOf,
  pieceRange,
} from "./backup-list.ts";
import { listSourceFiles, readAt, type SourceFile } from "./files.ts";
import { type ObjectStore, StoreError } from "./object-store.ts";
import type { Transfers } from "./transfers.ts";

export interface BackupReport {
  readonly files: number;
  readonly bytes: number;
  /** Sent from here. */
  readonly sentFiles: number;
  readonly sentBytes: number;
  /** Copied from the origin, inside the store. */
  readonly copiedFiles: number;
  readonly copiedBytes: number;
  /** Objects that no backup needs any more. */
  readonly removedObjects: number;
}

interface Counts {
  sentFiles: number;
  sentBytes: number;
  copiedFiles: number;
  copiedBytes: number;
}

/** Where a complete backup lies that may have files in common. */
interface Origin {
  readonly store: ObjectStore;
  readonly objects: ReadonlyMap<string, number>;
}

/**
 * Makes `target` the backup of the files in `folder`, which must not change meanwhile. If this rejects the target is the backup it was before, and
 * calling again goes on where this ended.
 * @throws StoreError, errors of the file system, the signal's reason
 */
export async function backUpFolder(
  folder: string,
  target: ObjectStore,
  originStore: ObjectStore | null,
  transfers: Transfers,
): Promise<BackupReport> {
  const claim = await target.claim();
  try {
    const sources = await listSourceFiles(folder);
    if (!sources.some(({ path }) => path === "MANIFEST")) {
      throw new Error(`${folder}: want a database folder or a snapshot, there is no MANIFEST`);
    }
    const strange = sources.find(({ path }) => !isSafePath(path));
    if (strange !== undefined) throw new Error(`${folder}: ${JSON.stringify(strange.path)} is no file of a database`);
    const former = await readList(target);
    const objects = await target.list();
    const origin = originStore === null ? null : { store: originStore, objects: await originStore.list() };
    const known = new Map((former?.files ?? []).map((file) => [file.path, file]));
    const counts: Counts = { sentFiles: 0, sentBytes: 0, copiedFiles: 0, copiedBytes: 0 };

    const isUnchanged = (source: SourceFile): boolean => {
      const file = known.get(source.path);
      return (
        file !== undefined &&
        file.bytes === source.bytes &&
        file.mtimeNs === source.mtimeNs &&
        objects.get(keyOf(file)) === file.bytes
      );
    };
    const files = sources.filter(isUnchanged).map(({ path }) => known.get(path) as ListedFile);
    const changed = sources.filter((source) => !isUnchanged(source));
    transfers.expect("backed up", sumBytes(changed));
    await transfers.each(changed, async (source) => {
      files.push(await backUpFile(folder, source, target, objects, origin, transfers, counts));
    });
    const removedObjects = await commit(target, files, transfers);
    return { files: files.length, bytes: sumBytes(files), ...counts, removedObjects };
  } finally {
    await claim.release();
  }
}

/** Makes `target` the backup that `originStore` is. Nothing passes through here where the two can copy by themselves. @throws StoreError */
export async function copyBackup(
  originStore: ObjectStore,
  target: ObjectStore,
  transfers: Transfers,
): Promise<BackupReport> {
  const claim = await target.claim();
  try {
    const list = await requireList(originStore);
    const objects = await target.list();
    const origin = { store: originStore, objects: await originStore.list() };
    const counts: Counts = { sentFiles: 0, sentBytes: 0, copiedFiles: 0, copiedBytes: 0 };
    const missing = list.files.filter((file) => objects.get(keyOf(file)) !== file.bytes);
    transfers.expect("copied", sumBytes(missing));
    await transfers.each(missing, async (file) => {
      if (!(await copyObject(target, origin, file, transfers, counts))) {
        throw new StoreError(
          `cannot copy ${keyOf(file)} from ${originStore.place} to ${target.place}: want two places in one store, and the object at the first`,
        );
      }
    });
    const removedObjects = await commit(target, list.files, transfers);
    return { files: list.files.length, bytes: sumBytes(list.files), ...counts, removedObjects };
  } finally {
    await claim.release();
  }
}

/** The list of a complete backup; null where there is none. @throws StoreError for a damaged one */
export async function readList(store: ObjectStore): Promise<BackupList | null> {
  const bytes = await store.readWhole(LIST_KEY, LIST_BYTES_MAX);
  return bytes === null ? null : parseList(bytes, store.place);
}

/** @throws StoreError if there is no complete backup */
export async function requireList(store: ObjectStore): Promise<BackupList> {
  const list = await readList(store);
  if (list !== null) return list;
  throw new StoreError(
    `${store.place}: there is no complete backup (${LIST_KEY} is missing): it has not finished, or this is the wrong place`,
  );
}

export function sumBytes(files: Iterable<{ readonly bytes: number }>): number {
  let bytes = 0;
  for (const file of files) bytes += file.bytes;
  return bytes;
}

async function backUpFile(
  folder: string,
  source: SourceFile,
  target: ObjectStore,
  objects: ReadonlyMap<string, number>,
  origin: Origin | null,
  transfers: Transfers,
  counts: Counts,
): Promise<ListedFile> {
  const handle = await open(join(folder, source.path), "r");
  try {
    const pieces: string[] = [];
    for (let index = 0; index < pieceCountOf(source.bytes); index++) {
      pieces.push(await transfers.piece(async () => checksumOf(await readPiece(handle, source, index))));
    }
    const file: ListedFile = { ...source, pieces };
    if (objects.get(keyOf(file)) === file.bytes) transfers.progressed(file.bytes);
    else if (!(await copyObject(target, origin, file, transfers, counts))) {
      await send(handle, file, target, transfers, counts);
      counts.sentFiles++;
    }
    return file;
  } finally {
    await handle.close();
  }
}

async function readPiece(
  handle: FileHandle,
  source: { path: string; bytes: number },
  index: number,
): Promise<Uint8Array> {
  const { offset, length } = pieceRange(source.bytes, index);
  const piece = new Uint8Array(length);
  try {
    await readAt(handle, offset, piece);
  } catch (error) {
    throw new Error(`${source.path}: ${(error as Error).message}`, { cause: error });
  }
  return piece;
}

async function send(
  handle: FileHandle,
  file: ListedFile,
  target: ObjectStore,
  transfers: Transfers,
  counts: Counts,
): Promise<void> {
  const readChecked = async (index: number): Promise<Uint8Array> => {
    const piece = await readPiece(handle, file, index);
    if (checksumOf(piece) !== file.pieces[index]) {
      throw new Error(`${file.path}: changed while it was backed up: back up a snapshot, or a database at rest`);
    }
    return piece;
  };
  const isSent = (piece: Uint8Array): void => {
    counts.sentBytes += piece.length;
    transfers.progressed(piece.length);
  };
  const key = keyOf(file);
  if (file.pieces.length === 1) {
    await transfers.piece(async () => {
      const piece = await readChecked(0);
      await transfers.pace(piece.length);
      await target.write(key, piece);
      isSent(piece);
    });
    return;
  }
  const large = await target.writeLarge(key, file.bytes, pieceBytesOf(file.bytes));
  try {
    await transfers.each(file.pieces.keys(), (index) =>
      transfers.piece(async () => {
        const piece = await readChecked(index);
        await transfers.pace(piece.length);
        if (await large.write(index, piece)) isSent(piece);
        else transfers.progressed(piece.length);
      }),
    );
    await large.complete();
  } catch (error) {
    await large.abandon();
    throw error;
  }
}

async function copyObject(
  target: ObjectStore,
  origin: Origin | null,
  file: ListedFile,
  transfers: Transfers,
  counts: Counts,
): Promise<boolean> {
  const key = keyOf(file);
  if (origin === null || origin.objects.get(key) !== file.bytes) return false;
  if (!(await target.copyFrom(origin.store, key, file.bytes))) return false;
  counts.copiedFiles++;
  counts.copiedBytes += file.bytes;
  transfers.progressed(file.bytes);
  return true;
}

/** Steps 3 and 4. Returns how many objects were removed. */
async function commit(target: ObjectStore, files: readonly ListedFile[], transfers: Transfers): Promise<number> {
  transfers.signal.throwIfAborted();
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  // Whoever else wrote here meanwhile may have removed what was counted on.
  const objects = await target.list();
  const named = new Set<string>();
  for (const file of sorted) {
    const key = keyOf(file);
    named.add(key);
    if (objects.get(key) === file.bytes) continue;
    const found = objects.has(key) ? `has ${objects.get(key)} bytes` : "is missing";
    throw new StoreError(
      `${target.place}/${key} ${found}, want ${file.bytes}: another backup to the same place is under way?`,
    );
  }
  await target.write(LIST_KEY, encodeList({ createdMs: Date.now(), files: sorted }));
  const unnamed = [...objects.keys()].filter((key) => key.startsWith(FILES_PREFIX) && !named.has(key));
  await target.remove(unnamed);
  await target.sweep();
  return unnamed.length;
}
