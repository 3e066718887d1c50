/**
 * Bundles: what the server and the database are started from, a few files instead of some three hundred modules. A query worker is up with half
 * the work, the server in three quarters of the time (docs/decisions/0017-bundles.md). Each package has its own in `dist/bundle`, and others' stay outside of it. The modules as `tsc`
 * makes them are what unit tests run, and what runs with `--conditions=nyanza-modules`.
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { type OutputAsset, type OutputChunk, rolldown } from "rolldown";
import { listFiles, modifiedMs, projectRoot } from "./project.ts";

/** Below `dist`, whose depth sources reckon with: a kernel is at `../../kernels` from a module and from a bundle. */
export const BUNDLE_FOLDER = "bundle/";

/** What programs begin with: the doors in `exports`, and threads. */
const ENTRIES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  tsdb: {
    index: "src/index.ts",
    codec: "src/codec/index.ts",
    ingest: "src/ingest/index.ts",
    metricsql: "src/metricsql/index.ts",
    promql: "src/promql/index.ts",
    "merge-worker": "src/storage/merging/merge-worker.ts",
  },
  server: { main: "src/main.ts", worker: "src/workers/worker.ts" },
};

/** Makes those again of which a source is newer. @throws what is wrong with a source */
export async function buildBundles(): Promise<void> {
  for (const [name, entries] of Object.entries(ENTRIES)) {
    const folder = join(projectRoot, "packages", name);
    const target = join(folder, "dist", BUNDLE_FOLDER);
    if (isOld(folder, target, Object.keys(entries))) await bundle(folder, target, entries);
  }
}

function isOld(folder: string, target: string, entries: readonly string[]): boolean {
  const sources = listFiles(join(folder, "src")).filter((file) => !file.endsWith(".test.ts"));
  const newest = Math.max(
    ...sources.map((file) => modifiedMs(join(folder, "src", file))),
    modifiedMs(import.meta.filename),
  );
  return entries.some((name) => modifiedMs(join(target, `${name}.js`)) <= newest);
}

async function bundle(folder: string, target: string, input: Readonly<Record<string, string>>): Promise<void> {
  const startMs = performance.now();
  const build = await rolldown({
    cwd: folder,
    input: { ...input },
    platform: "node",
    external: (id) => !id.startsWith(".") && !isAbsolute(id),
    transform: { target: "es2022" },
  });
  const { output } = await build.generate({
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "shared-[name].js",
    sourcemap: true,
    sourcemapExcludeSources: true,
  });
  await build.close();
  mkdirSync(target, { recursive: true });
  // Entries last: what is interrupted is made again.
  const isEntry = (file: OutputChunk | OutputAsset): number => (file.type === "chunk" && file.isEntry ? 1 : 0);
  const made = [...output].sort((a, b) => isEntry(a) - isEntry(b));
  for (const file of made) write(join(target, file.fileName), file.type === "chunk" ? file.code : file.source);
  const names = new Set(made.map(({ fileName }) => fileName));
  for (const file of listFiles(target)) if (!names.has(file) && !file.endsWith(".tmp")) rmSync(join(target, file));
  console.log(`bundle of ${input["main"] ?? input["index"]} ${Math.round(performance.now() - startMs)} ms`);
}

/** Written beside and renamed: who starts from it meanwhile has the one or the other. */
function write(path: string, content: string | Uint8Array): void {
  const fresh = `${path}.${process.pid}.tmp`;
  writeFileSync(fresh, content);
  renameSync(fresh, path);
}
