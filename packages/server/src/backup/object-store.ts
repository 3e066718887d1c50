/**
 * What backups ask of the place they are kept at. A folder (folder-store.ts) and an S3 bucket (s3-store.ts) look like this, and so does a
 * memory that fails on demand (memory-store.test.support.ts).
 *
 * Keys are relative, `/` between plain names. An object is there whole or not at all, whatever happens while it is written, and lasts once
 * the write has resolved.
 */
export interface ObjectStore {
  /** Where this is, for people; without secrets. */
  readonly place: string;
  /** Keeps other backups of ours away where that is possible; `release` ends it. @throws LockedError */
  claim(): Promise<{ release(): Promise<void> }>;
  /** Bytes of every object by key. */
  list(): Promise<Map<string, number>>;
  /** A whole small object; null if there is none. @throws StoreError if it is larger than `bytesMax` */
  readWhole(key: string, bytesMax: number): Promise<Uint8Array | null>;
  /** Exactly `bytes` bytes from `offset` on. @throws StoreError if they are not there */
  read(key: string, offset: number, bytes: number): Promise<Uint8Array>;
  /** Puts an object in place at once. */
  write(key: string, bytes: Uint8Array): Promise<void>;
  /** Begins an object of `bytes` in pieces of `pieceBytes`, or takes up one that was left unfinished. */
  writeLarge(key: string, bytes: number, pieceBytes: number): Promise<LargeWrite>;
  /** Copies an object of another store of this kind without its bytes coming by here; false, with nothing done, if that is impossible. */
  copyFrom(origin: ObjectStore, key: string, bytes: number): Promise<boolean>;
  /** Fine for keys that are not there. */
  remove(keys: readonly string[]): Promise<void>;
  /** Removes what unfinished writes have left. Nobody else may be writing. */
  sweep(): Promise<void>;
}

/** An object on its way. Pieces come in any order and several at a time. */
export interface LargeWrite {
  /** False if the piece was there already, from an earlier attempt. */
  write(index: number, piece: Uint8Array): Promise<boolean>;
  /** Puts the object in place, all of it. */
  complete(): Promise<void>;
  /** Lets go of what this process holds. What was written stays, for the next attempt or `sweep`. */
  abandon(): Promise<void>;
}

/** The store refused, failed, or does not have what it should. The message is for people and has no secrets. */
export class StoreError extends Error {
  readonly code: "STORE" = "STORE";
}
