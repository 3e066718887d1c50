/**
 * Restores: objects → the files of a database folder, which is then what the backup is. What is there and fits stays, the rest goes.
 *
 *   restore-in-progress   made first: the server refuses the folder as long as it is there and MANIFEST is not
 *   MANIFEST              removed next, written last
 *   <file>.restoring      a file on its way; the pieces in it that are right are not fetched again
 *
 * Files are never changed in place: snapshots in the same folder may share their bytes.
 */
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { lockFolder } from "@nyanza/tsdb";
import { requireList, sumBytes } from "./backup.ts";
import { type BackupList, checksumOf, type ListedFile, pieceRange } from "./backup-list.ts";
import { listSourceFiles, readAt, syncFolder, writeAt } from "./files.ts";
import type { ObjectStore } from "./object-store.ts";
import { formatBytes, type Transfers } from "./transfers.ts";
import { readVerified, rebuildList } from "./verify.ts";

const MANIFEST = "MANIFEST";
const MARKER = "restore-in-progress";
const UNFINISHED = ".restoring";

export interface RestoreReport {
  readonly files: number;
  readonly bytes: number;
  /** Were in the folder, and right. */
  readonly keptFiles: number;
  readonly fetchedBytes: number;
  /** Were in the folder and are not in the backup. */
  readonly removedFiles: number;
}

/**
 * Makes the database folder `folder` equal to the backup. If this rejects, the folder cannot be opened until it has been called again, which goes
 * on where this ended; a folder that is in use, or holds something else, is left alone.
 * @throws LockedError, DamagedBackupError, StoreError, errors of the file system, the signal's reason
 */
export async function restoreFolder(
  source: ObjectStore,
  folder: string,
  transfers: Transfers,
  options: { readonly needsList: boolean } = { needsList: true },
): Promise<RestoreReport> {
  const list: BackupList = options.needsList ? await requireList(source) : await rebuildList(source, transfers);
  const manifest = list.files.find(({ path }) => path === MANIFEST);
  if (manifest === undefined) throw new Error(`${source.place}: there is no ${MANIFEST} in it: no whole database`);
  await makeFolders(folder);
  const lock = await lockFolder(folder);
  try {
    await refuseStrangeFolder(folder);
    await replaceMarker(folder);
    const removedFiles = await removeOthers(folder, list);
    const files = list.files.filter((file) => file !== manifest);
    const { missing, keptFiles } = await findMissing(folder, files, transfers);
    await requireSpace(folder, missing);
    for (const parent of new Set(missing.map(({ path }) => dirname(path)))) await makeFolders(join(folder, parent));
    let fetchedBytes = 0;
    transfers.expect("restored", sumBytes(missing));
    const fetch = async (file: ListedFile): Promise<void> => {
      const bytes = await fetchFile(source, folder, file, transfers);
      fetchedBytes += bytes; // Not in one line: `+=` reads its left side before it waits.
    };
    await transfers.each(missing, fetch);
    for (const parent of new Set(files.map(({ path }) => dirname(path)))) await syncFolder(join(folder, parent));
    await fetch(manifest);
    await syncFolder(folder);
    await rm(join(folder, MARKER), { force: true });
    await syncFolder(folder);
    return { files: list.files.length, bytes: sumBytes(list.files), keptFiles, fetchedBytes, removedFiles };
  } finally {
    await lock.release();
  }
}

/** Restoring into somebody's home folder by a slip would empty it. */
async function refuseStrangeFolder(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => !/^(flock\.lock.*|lost\+found)$/.test(name));
  if (names.length === 0 || [MANIFEST, MARKER].some((name) => names.includes(name))) return;
  // A database that has lost its manifest is what restores are for.
  if (names.every((name) => /^(data|wal|snapshots|RESERVE|MANIFEST\..*)$/.test(name))) return;
  throw new Error(
    `${folder}: want an empty folder or a database, found ${JSON.stringify(names[0])} and no ${MANIFEST}`,
  );
}

/** From here on the folder is no database. */
async function replaceMarker(folder: string): Promise<void> {
  const handle = await open(join(folder, MARKER), "w");
  try {
    await handle.writeFile("nyanza restore writes this folder. If it has ended early, run it again.\n");
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncFolder(folder);
  for (const name of [MANIFEST, `${MANIFEST}.tmp`]) await rm(join(folder, name), { force: true });
  await syncFolder(folder);
}

/** Removes what is not in the backup. Returns how many files. */
async function removeOthers(folder: string, list: BackupList): Promise<number> {
  const wanted = new Set(list.files.map(({ path }) => path));
  let removed = 0;
  for (const { path } of await listSourceFiles(folder)) {
    if (wanted.has(path)) continue;
    await rm(join(folder, path));
    removed++;
  }
  for (const path of await listUnfinished(folder, "")) {
    if (!wanted.has(path.slice(0, -UNFINISHED.length))) await rm(join(folder, path));
  }
  return removed;
}

async function listUnfinished(root: string, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (path === "snapshots") continue;
    if (entry.isDirectory()) found.push(...(await listUnfinished(root, path)));
    else if (entry.name.endsWith(UNFINISHED)) found.push(path);
  }
  return found;
}

/** The files that have to be fetched: all but those whose every byte is right. */
async function findMissing(
  folder: string,
  files: readonly ListedFile[],
  transfers: Transfers,
): Promise<{ missing: ListedFile[]; keptFiles: number }> {
  const missing: ListedFile[] = [];
  const candidates: ListedFile[] = [];
  for (const file of files) {
    const info = await stat(join(folder, file.path)).catch(() => null);
    if (info?.isFile() && info.size === file.bytes) candidates.push(file);
    else missing.push(file);
  }
  transfers.expect("checked", sumBytes(candidates));
  await transfers.each(candidates, async (file) => {
    const handle = await open(join(folder, file.path), "r");
    try {
      for (let index = 0; index < file.pieces.length; index++) {
        const isRight = await transfers.piece(() => hasPiece(handle, file, index));
        transfers.progressed(pieceRange(file.bytes, index).length);
        if (isRight) continue;
        missing.push(file);
        return;
      }
    } finally {
      await handle.close();
    }
  });
  return { missing, keptFiles: files.length - missing.length };
}

async function hasPiece(handle: FileHandle, file: ListedFile, index: number): Promise<boolean> {
  const { offset, length } = pieceRange(file.bytes, index);
  const piece = new Uint8Array(length);
  await readAt(handle, offset, piece);
  return checksumOf(piece) === file.pieces[index];
}

/** Better now than after an hour. */
async function requireSpace(folder: string, missing: readonly ListedFile[]): Promise<void> {
  let wantedBytes = sumBytes(missing);
  for (const { path, bytes } of missing) {
    // What an earlier attempt has written is taken up again. Holes take no room, so blocks count.
    const info = await stat(join(folder, `${path}${UNFINISHED}`)).catch(() => null);
    if (info !== null) wantedBytes -= Math.min(bytes, info.blocks * 512);
  }
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= wantedBytes) return;
  throw new Error(
    `${folder}: want ${formatBytes(wantedBytes)} of room for the backup, there are ${formatBytes(bavail * bsize)}`,
  );
}

/** Returns the bytes that came from the store. */
async function fetchFile(source: ObjectStore, folder: string, file: ListedFile, transfers: Transfers): Promise<number> {
  const path = join(folder, file.path);
  const unfinished = `${path}${UNFINISHED}`;
  const handle = await openUnfinished(unfinished);
  let fetchedBytes = 0;
  try {
    const { size } = await handle.stat();
    if (size > file.bytes) await handle.truncate(file.bytes);
    await transfers.each(file.pieces.keys(), (index) =>
      transfers.piece(async () => {
        const { offset, length } = pieceRange(file.bytes, index);
        const isThere = length > 0 && offset + length <= size && (await hasPiece(handle, file, index));
        if (!isThere) {
          await writeAt(handle, offset, await readVerified(source, file, index, transfers));
          fetchedBytes += length;
        }
        transfers.progressed(length);
      }),
    );
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(unfinished, path);
  return fetchedBytes;
}

async function openUnfinished(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return await open(path, "w+");
  }
}

/** With their parents; each survives a power cut. */
async function makeFolders(path: string): Promise<void> {
  if ((await stat(path).catch(() => null))?.isDirectory()) return;
  await makeFolders(dirname(path));
  await mkdir(path, { recursive: true });
  await syncFolder(dirname(path));
}
