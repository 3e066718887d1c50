/** Files of the machine: what the stores and restores need beyond node:fs. */
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";

export interface SourceFile {
  /** Relative, with `/`. */
  readonly path: string;
  readonly bytes: number;
  /** When it was last written, ns since 1970, in decimal. */
  readonly mtimeNs: string;
}

/** What lies in a database folder and is not data: locks, snapshots, the reserve of disk space, what is half written. */
const NOT_DATA = /^(flock\.lock.*|snapshots|RESERVE|restore-in-progress|lost\+found)$/;
const HALF_WRITTEN = /\.(tmp|restoring)$/;
/** Links that lead in circles end here. */
const DEPTH_MAX = 16;

/** The files of a database folder or a snapshot, sorted by path. Links are followed. */
export async function listSourceFiles(root: string): Promise<SourceFile[]> {
  const found: SourceFile[] = [];
  const visit = async (folder: string, depth: number): Promise<void> => {
    if (depth > DEPTH_MAX) throw new Error(`${join(root, folder)}: want at most ${DEPTH_MAX} folders in each other`);
    for (const name of await readdir(join(root, folder))) {
      const path = folder === "" ? name : `${folder}/${name}`;
      if ((folder === "" && NOT_DATA.test(name)) || HALF_WRITTEN.test(name)) continue;
      const info = await stat(join(root, path), { bigint: true });
      if (info.isDirectory()) await visit(path, depth + 1);
      else if (info.isFile()) found.push({ path, bytes: Number(info.size), mtimeNs: String(info.mtimeNs) });
    }
  };
  await visit("", 0);
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Fills `target` from `offset` on. @throws Error if the file ends before. */
export async function readAt(handle: FileHandle, offset: number, target: Uint8Array): Promise<void> {
  for (let done = 0; done < target.length; ) {
    const { bytesRead } = await handle.read(target, done, target.length - done, offset + done);
    if (bytesRead === 0) throw new Error(`want ${target.length} bytes at ${offset}, the file ends at ${offset + done}`);
    done += bytesRead;
  }
}

export async function writeAt(handle: FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}

/** Makes new, renamed and removed names of a folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open folders; there the file system's own journal has to do.
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
