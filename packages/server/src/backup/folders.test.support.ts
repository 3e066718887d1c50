/** Folders that look like databases, for tests that do not care what is in the files. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TransferOptions, Transfers } from "./transfers.ts";

/** Runs `use` with a new folder that is removed afterwards. */
export async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "nyanza-backup-"));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Writes files by path; those of null are removed. */
export async function writeFiles(
  folder: string,
  files: Readonly<Record<string, Uint8Array | string | null>>,
): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    if (content === null) await rm(join(folder, path), { force: true });
    else await writeFile(join(folder, path), content);
  }
}

/** Contents of all files by path, sorted; SHA-like long ones as Buffers. */
export async function readFiles(folder: string): Promise<[string, Buffer][]> {
  const found: [string, Buffer][] = [];
  for (const path of ((await readdir(folder, { recursive: true })) as string[]).sort()) {
    if ((await stat(join(folder, path))).isFile()) found.push([path, await readFile(join(folder, path))]);
  }
  return found;
}

export const silent = { info: (): void => {}, warn: (): void => {}, error: (): void => {} };

export function transfers(options: Partial<TransferOptions> = {}): Transfers {
  const signal = new AbortController().signal;
  return new Transfers({ concurrency: 3, maxBytesPerSecond: 0, logger: silent, signal, ...options });
}
