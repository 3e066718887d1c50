/** Reads backups back and holds every piece against its checksum. */
import { requireList, sumBytes } from "./backup.ts";
import {
  type BackupList,
  checksumOf,
  keyOf,
  type ListedFile,
  pathOfKey,
  pieceCountOf,
  pieceRange,
} from "./backup-list.ts";
import { type ObjectStore, StoreError } from "./object-store.ts";
import type { Transfers } from "./transfers.ts";

/** The store gave bytes, and they are not those that were backed up. */
export class DamagedBackupError extends Error {
  readonly code: "DAMAGED" = "DAMAGED";
}

export interface VerifyReport {
  readonly files: number;
  readonly bytes: number;
  /** What is wrong, an object a line; empty if the backup can be restored. */
  readonly damages: readonly string[];
}

/** Reads everything that the list names. Goes on after damage, so that all of it is known. @throws StoreError if there is no list */
export async function verifyBackup(source: ObjectStore, transfers: Transfers): Promise<VerifyReport> {
  const list = await requireList(source);
  const objects = await source.list();
  const damages: string[] = [];
  transfers.expect("verified", sumBytes(list.files));
  await transfers.each(list.files, async (file) => {
    const key = keyOf(file);
    if (objects.get(key) !== file.bytes) {
      const found = objects.has(key) ? `has ${objects.get(key)} bytes, want ${file.bytes}` : "is missing";
      damages.push(`${source.place}/${key} ${found}`);
      return;
    }
    for (let index = 0; index < file.pieces.length; index++) {
      try {
        await transfers.piece(() => readVerified(source, file, index, transfers));
      } catch (error) {
        if (!(error instanceof DamagedBackupError)) throw error;
        damages.push(error.message);
        return;
      }
      transfers.progressed(pieceRange(file.bytes, index).length);
    }
  });
  return { files: list.files.length, bytes: sumBytes(list.files), damages };
}

/** A piece of a file, right to the last bit. @throws DamagedBackupError, StoreError */
export async function readVerified(
  source: ObjectStore,
  file: ListedFile,
  index: number,
  transfers: Transfers,
): Promise<Uint8Array> {
  const { offset, length } = pieceRange(file.bytes, index);
  // No store reads a range of an empty object.
  if (length === 0) return new Uint8Array();
  for (let attempt = 1; ; attempt++) {
    await transfers.pace(length);
    const piece = await source.read(keyOf(file), offset, length);
    if (checksumOf(piece) === file.pieces[index]) return piece;
    // Bits may have turned on the way.
    if (attempt === 2) {
      throw new DamagedBackupError(
        `${source.place}/${keyOf(file)}: bytes ${offset} to ${offset + length} are not those that were backed up: their checksum differs`,
      );
    }
  }
}

/**
 * The list of a backup that has none, from the objects that are there. Their names tell whether they are whole, not whether they are all.
 * @throws DamagedBackupError, and StoreError if two objects claim to be one file
 */
export async function rebuildList(source: ObjectStore, transfers: Transfers): Promise<BackupList> {
  const keys = new Map<string, string>();
  const objects = await source.list();
  for (const key of objects.keys()) {
    const path = pathOfKey(key);
    if (path === null) continue;
    if (keys.has(path)) {
      throw new StoreError(
        `${source.place}: ${keys.get(path)} and ${key} are of different backups: without a list it is unknown which to take`,
      );
    }
    keys.set(path, key);
  }
  const files: ListedFile[] = [];
  transfers.expect("read", sumBytes([...keys.values()].map((key) => ({ bytes: objects.get(key) as number }))));
  await transfers.each(keys, async ([path, key]) => {
    const bytes = objects.get(key) as number;
    const pieces: string[] = [];
    for (let index = 0; index < pieceCountOf(bytes); index++) {
      const { offset, length } = pieceRange(bytes, index);
      const read = async (): Promise<Uint8Array> => {
        await transfers.pace(length);
        return length === 0 ? new Uint8Array() : await source.read(key, offset, length);
      };
      pieces.push(await transfers.piece(async () => checksumOf(await read())));
      transfers.progressed(length);
    }
    const file: ListedFile = { path, bytes, mtimeNs: "0", pieces };
    if (keyOf(file) !== key)
      throw new DamagedBackupError(`${source.place}/${key}: its content is not what its name says`);
    files.push(file);
  });
  return { createdMs: 0, files };
}
