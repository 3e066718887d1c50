/**
 * What `tsc -b` does not build: WebAssembly kernels, bundles and the web page. Also sweeps compiled files whose source is gone,
 * so that a deleted test does not run forever.
 *
 *     node tools/dist/build.js            kernels, bundles, page, sweep
 *     node tools/dist/build.js kernels    only kernels
 *
 * A target is built again only when a source of it is newer, so a second run costs milliseconds.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BUNDLE_FOLDER, buildBundles } from "./bundle.ts";
import { listFiles, modifiedMs, packageNames, projectRoot } from "./project.ts";

/** For every kernel. No garbage collector: the wrapper lays out memory. */
const kernelFlags: readonly string[] = ["-O3", "--noAssert", "--enable", "simd", "--runtime", "stub"];

async function main(targets: readonly string[]): Promise<void> {
  const known = ["kernels", "bundles", "page", "sweep"];
  const unknown = targets.filter((target) => !known.includes(target));
  if (unknown.length > 0) throw new Error(`build: unknown target ${unknown.join(", ")}; there are ${known.join(", ")}`);
  const wants = (target: string): boolean => targets.length === 0 || targets.includes(target);
  if (wants("kernels")) await buildKernels(join(projectRoot, "packages/tsdb/kernels"));
  if (wants("bundles")) await buildBundles();
  if (wants("page")) await buildPage(join(projectRoot, "packages/ui"));
  if (wants("sweep")) sweep();
}

/**
 * Compiles each `<name>.ts` of the folder to `<name>.wasm` beside it. More flags come from a first line
 * `// asc: --initialMemory 16`. Files in subfolders are shared by kernels and are not kernels.
 */
async function buildKernels(folder: string): Promise<void> {
  const sources = listFiles(folder).filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"));
  const builder = modifiedMs(fileURLToPath(import.meta.url));
  const shared = sources.filter((file) => file.includes("/")).map((file) => modifiedMs(join(folder, file)));
  const isOld = (file: string): boolean => {
    const source = join(folder, file);
    return modifiedMs(wasmOf(source)) <= Math.max(modifiedMs(source), builder, ...shared);
  };
  const waiting = sources.filter((file) => !file.includes("/") && isOld(file));
  const compileAll = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift())
      await compileKernel(join(folder, file));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, compileAll));
}

async function compileKernel(source: string): Promise<void> {
  const target = wasmOf(source);
  // Written beside and renamed: a build that is interrupted leaves no half of a kernel.
  const fresh = target.replace(/\.wasm$/, `.${process.pid}.tmp.wasm`);
  const startMs = performance.now();
  const compiler = join(packageFolder("assemblyscript", projectRoot), "bin/asc.js");
  await run([compiler, source, "-o", fresh, ...kernelFlags, ...extraFlags(source)], dirname(source));
  renameSync(fresh, target);
  console.log(`kernel ${basename(target)} ${Math.round(performance.now() - startMs)} ms`);
}

function wasmOf(source: string): string {
  return source.replace(/\.ts$/, ".wasm");
}

function extraFlags(source: string): string[] {
  const firstLine = readFileSync(source, "utf8").split("\n", 1)[0] as string;
  const match = /^\/\/ asc:(.*)$/.exec(firstLine.trimEnd());
  return match === null ? [] : (match[1] as string).split(/\s+/).filter((flag) => flag !== "");
}

/** The page is made by Vite into `dist/page`, which the server serves. */
async function buildPage(folder: string): Promise<void> {
  const config = join(folder, "vite.config.ts");
  if (!existsSync(config)) return;
  const sources = listFiles(folder).filter((file) => !file.endsWith(".test.ts") && !file.endsWith(".md"));
  // The page imports the language's parser: what it was compiled to is a source as well.
  const parser = join(projectRoot, "packages/tsdb/dist/metricsql");
  const newest = Math.max(
    ...sources.map((file) => modifiedMs(join(folder, file))),
    ...listFiles(parser, true)
      .filter((file) => file.endsWith(".js"))
      .map((file) => modifiedMs(join(parser, file))),
  );
  if (modifiedMs(join(folder, "dist/page/index.html")) > newest) return;
  mkdirSync(join(folder, "dist"), { recursive: true });
  await run([join(packageFolder("vite", folder), "bin/vite.js"), "build", "--logLevel", "warn"], folder);
}

/** Where npm put a package that `from` depends on. */
function packageFolder(name: string, from: string): string {
  const require = createRequire(join(from, "package.json"));
  for (const folder of require.resolve.paths(name) ?? []) {
    if (existsSync(join(folder, name, "package.json"))) return join(folder, name);
  }
  throw new Error(`build: package ${name} is not installed; run npm ci`);
}

function run(args: readonly string[], folder: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: folder, stdio: "inherit" });
    const program = basename(args[0] as string);
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`build: ${program} ended with ${code} in ${folder}`));
    });
  });
}

/** Deletes compiled files whose TypeScript source is gone. */
function sweep(): void {
  const roots = packageNames
    .filter((name) => name !== "ui")
    .map((name) => [`packages/${name}/src`, `packages/${name}/dist`]);
  roots.push(["examples/demo-app/src", "examples/demo-app/dist"]);
  for (const folder of ["tools", "tests", "bench"]) roots.push([folder, `${folder}/dist`]);
  for (const [sourceFolder, targetFolder] of roots as [string, string][]) {
    const target = join(projectRoot, targetFolder);
    for (const file of listFiles(target, true)) {
      if (file.startsWith(BUNDLE_FOLDER)) continue;
      const match = /^(.*?)(\.js|\.js\.map|\.d\.ts)$/.exec(file);
      if (match === null || existsSync(join(projectRoot, sourceFolder, `${match[1]}.ts`))) continue;
      rmSync(join(target, file));
      console.log(`swept ${targetFolder}/${file}: its source is gone`);
    }
  }
}

await main(process.argv.slice(2));
