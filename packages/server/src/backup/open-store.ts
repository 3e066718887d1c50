/** `fs:///path` and `s3://bucket/path` → the store behind it. */
import { isAbsolute, resolve } from "node:path";
import { FolderStore } from "./folder-store.ts";
import type { ObjectStore } from "./object-store.ts";

/** @throws Error saying what an address looks like */
export async function openStore(flag: string, address: string): Promise<ObjectStore> {
  const wanted = `flag -${flag}: want fs:///absolute/path or s3://bucket/path, got ${JSON.stringify(address)}`;
  if (address.startsWith("fs://")) {
    const path = address.slice("fs://".length);
    if (!isAbsolute(path)) throw new Error(wanted);
    return new FolderStore(resolve(path));
  }
  throw new Error(wanted);
}
