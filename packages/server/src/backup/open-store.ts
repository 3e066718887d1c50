/** `fs:///path` and `s3://bucket/path` → the store behind it. */
import { isAbsolute, resolve } from "node:path";
import { FolderStore } from "./folder-store.ts";
import type { ObjectStore } from "./object-store.ts";
import type { S3Flags } from "./s3-config.ts";

/** `flag` is the one that has the address. `signal` ends requests and waits. @throws Error saying what is wrong with the address or the settings */
export async function openStore(
  flag: string,
  address: string,
  flags: S3Flags,
  signal: AbortSignal,
): Promise<ObjectStore> {
  if (address.startsWith("s3://")) {
    // Nobody who keeps backups in a folder loads it.
    const [{ S3Store }, { loadS3Settings }] = await Promise.all([import("./s3-store.ts"), import("./s3-config.ts")]);
    return new S3Store(address, await loadS3Settings(flags, process.env), signal);
  }
  const path = address.startsWith("fs://") ? address.slice("fs://".length) : "";
  if (isAbsolute(path)) return new FolderStore(resolve(path));
  throw new Error(`flag -${flag}: want fs:///absolute/path or s3://bucket/path, got ${JSON.stringify(address)}`);
}
