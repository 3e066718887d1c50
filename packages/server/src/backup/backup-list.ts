/**
 * The list of a backup: which files it consists of, and the checksums of their pieces. It is written last and replaced as a whole, so it is also
 * what says that a backup is complete. docs/format/backup.md
 *
 *   backup_complete.json                                    line 1 JSON, line 2 its SHA-256
 *   files/data/2026_11/parts/0000000007.part.<root>         a file of the list
 *
 * An object is named after its content: `root` is made of the checksums of the file's pieces. The same file is never sent twice, a name that comes
 * again with other content (after a restore, say) does not overwrite what the former list needs, and damage is found without the list.
 */
import { createHash } from "node:crypto";
import { StoreError } from "./object-store.ts";

export const LIST_KEY = "backup_complete.json";
export const FILES_PREFIX = "files/";
/** Of JSON: some 30 TB of data. */
export const LIST_BYTES_MAX: number = 256 << 20;
const FORMAT = 1;

const MIB = 1 << 20;
/** What is held in memory for each of the concurrent transfers; more than the 5 MiB that S3 wants of a part. */
const PIECE_BYTES_MIN = 8 * MIB;
/** S3 takes no more parts of an object. */
const PIECES_MAX = 10_000;

export interface ListedFile {
  /** In the database folder. */
  readonly path: string;
  readonly bytes: number;
  /** Of the original: a file of this name, size and time needs no reading to be known. */
  readonly mtimeNs: string;
  /** SHA-256 of each piece, hex. */
  readonly pieces: readonly string[];
}

export interface BackupList {
  /** When it was complete, ms. */
  readonly createdMs: number;
  readonly files: readonly ListedFile[];
}

/** The size of the pieces of a file of `bytes`: a rule, so that no list has to say it. */
export function pieceBytesOf(bytes: number): number {
  return Math.max(PIECE_BYTES_MIN, Math.ceil(bytes / PIECES_MAX / MIB) * MIB);
}

export function pieceCountOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / pieceBytesOf(bytes)));
}

/** Offset and length of a piece. */
export function pieceRange(bytes: number, index: number): { offset: number; length: number } {
  const pieceBytes = pieceBytesOf(bytes);
  const offset = index * pieceBytes;
  return { offset, length: Math.min(pieceBytes, bytes - offset) };
}

export function checksumOf(piece: Uint8Array): string {
  return createHash("sha256").update(piece).digest("hex");
}

/** The object of a file. */
export function keyOf(file: Pick<ListedFile, "path" | "pieces">): string {
  return `${FILES_PREFIX}${file.path}.${rootOf(file.pieces)}`;
}

function rootOf(pieces: readonly string[]): string {
  return createHash("sha256").update(pieces.join("\n")).digest("hex").slice(0, 32);
}

/** The path in a key of `keyOf`; null for any other key. */
export function pathOfKey(key: string): string | null {
  const match = /^files\/(.+)\.[0-9a-f]{32}$/.exec(key);
  return match !== null && isSafePath(match[1] as string) ? (match[1] as string) : null;
}

export function encodeList(list: BackupList): Uint8Array {
  const line = JSON.stringify({ format: FORMAT, ...list });
  return Buffer.from(`${line}\n${checksumOf(Buffer.from(line))}\n`);
}

/** @throws StoreError for a list that is damaged, of a newer release, or made to harm: its paths would leave the folder. */
export function parseList(bytes: Uint8Array, place: string): BackupList {
  const refuse = (why: string): never => {
    throw new StoreError(`${place}/${LIST_KEY}: ${why}`);
  };
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
  const end = text.indexOf("\n");
  const line = text.slice(0, Math.max(0, end));
  if (end < 0 || text.slice(end + 1).trimEnd() !== checksumOf(Buffer.from(line))) {
    return refuse("its checksum does not fit its text");
  }
  let list: Partial<BackupList> & { format?: number };
  try {
    list = JSON.parse(line) as typeof list;
  } catch {
    return refuse("is no JSON");
  }
  if (typeof list?.format !== "number") return refuse("names no format");
  if (list.format > FORMAT) {
    return refuse(`is in format ${list.format}, written by a newer release; this one reads up to ${FORMAT}`);
  }
  if (!Array.isArray(list.files) || typeof list.createdMs !== "number") return refuse("lacks its files");
  const seen = new Set<string>();
  for (const file of list.files as readonly Partial<ListedFile>[]) {
    const { path, bytes: size, mtimeNs, pieces } = file ?? {};
    const name = JSON.stringify(path);
    if (typeof path !== "string" || !isSafePath(path)) return refuse(`${name} is no path in a database folder`);
    if (seen.has(path)) return refuse(`${name} is there twice`);
    seen.add(path);
    if (!Number.isSafeInteger(size) || (size as number) < 0) return refuse(`${name} has no size`);
    if (typeof mtimeNs !== "string") return refuse(`${name} has no time`);
    if (!Array.isArray(pieces) || pieces.length !== pieceCountOf(size as number)) {
      return refuse(`${name}: want ${pieceCountOf(size as number)} pieces`);
    }
    if (!pieces.every((piece) => typeof piece === "string" && /^[0-9a-f]{64}$/.test(piece))) {
      return refuse(`${name} has a checksum that is none`);
    }
  }
  return { createdMs: list.createdMs, files: list.files };
}

/** Plain names between slashes: nothing that leaves the folder, is hidden, or means something to a system. And no file that restores and locks are made with. */
export function isSafePath(path: string): boolean {
  if (path.length > 1000 || path === "" || /\.(restoring|unfinished)$/.test(path)) return false;
  const names = path.split("/");
  if (/^(flock\.lock|snapshots$|restore-in-progress$)/.test(names[0] as string)) return false;
  return names.every((name) => /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name) && !name.endsWith("."));
}
