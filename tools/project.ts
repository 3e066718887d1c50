/**
 * Where things lie in the project, for the tools beside this file and the tests.
 *
 * Compiled tools run from `tools/dist/`, so the root is two levels up from here.
 */
import { readdirSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** Absolute path of the project's root folder. */
export const projectRoot: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export const packageNames: readonly string[] = ["tsdb", "metrics", "ui", "server"];

const foldersNobodyWrote = new Set(["node_modules", "dist", ".git", ".tools"]);

/**
 * Every file below `folder`, as paths relative to it with forward slashes, sorted. Follows no links.
 * A folder that does not exist has no files.
 *
 * @param into `true` goes into `dist` folders as well.
 */
export function listFiles(folder: string, into = false): string[] {
  const found: string[] = [];
  const visit = (path: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const child = join(path, entry.name);
      if (entry.isDirectory()) {
        if (!foldersNobodyWrote.has(entry.name) || (into && entry.name === "dist")) visit(child);
      } else if (entry.isFile()) {
        found.push(relative(folder, child).split(sep).join("/"));
      }
    }
  };
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) visit(folder);
  return found.sort();
}

/** Time of the last change in ms since the epoch; 0 for a file that does not exist. */
export function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
