/**
 * Keeps the rooms apart: reads every source file and fails on an import the table below does not list,
 * on a banned word, on a file nobody imports, on a room without a README, and if it saw no file.
 *
 *     node tools/dist/tidy.js
 *
 * It reads text, not syntax: imports are found by their shape at the start of a line, comment lines are ignored.
 */
import { readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { pathToFileURL } from "node:url";
import { listFiles, packageNames, projectRoot } from "./project.ts";

/**
 * Which rooms a room may import, itself excepted; the table of docs/ARCHITECTURE.md. A room that is not here is
 * refused. `""` is the package's own top folder: doors and wiring, which may import every room.
 */
export const roomTable: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  tsdb: {
    base: [],
    kernel: ["base"],
    codec: ["kernel", "base"],
    disk: ["base"],
    ingest: ["kernel", "base"],
    index: ["codec", "kernel", "disk", "base"],
    storage: ["index", "ingest", "codec", "kernel", "disk", "base"],
    metricsql: ["base"],
    promql: ["base"],
    query: ["metricsql", "promql", "kernel", "base"],
    database: ["storage", "query", "metricsql", "promql", "ingest", "disk", "base"],
    "": ["database", "storage", "query", "metricsql", "promql", "index", "ingest", "disk", "codec", "kernel", "base"],
  },
  metrics: {
    exposition: [],
    process: ["exposition"],
    native: ["process", "exposition"],
    tuning: [],
    query: [],
    cluster: ["native", "process", "exposition"],
    app: ["tuning"],
    http: ["app", "tuning"],
    otel: ["cluster", "native", "process", "exposition"],
    "": ["otel", "http", "app", "cluster", "query", "tuning", "native", "process", "exposition"],
  },
  server: {
    flags: [],
    process: [],
    http: ["process"],
    protocol: [],
    relabel: [],
    api: ["protocol", "relabel", "http", "process"],
    workers: ["api", "http", "process"],
    scrape: ["relabel", "http"],
    rules: ["relabel", "http"],
    remote: ["relabel", "http"],
    cluster: ["relabel", "http"],
    backup: ["process"],
    commands: ["backup", "process", "flags"],
    "": [
      "commands",
      "workers",
      "api",
      "scrape",
      "rules",
      "remote",
      "cluster",
      "protocol",
      "relabel",
      "http",
      "process",
      "flags",
    ],
  },
};

/** Which doors of our packages the sources of a package may import. Anything deeper is refused for everybody. */
export const doorTable: Readonly<Record<string, readonly string[]>> = {
  tsdb: [],
  metrics: [],
  ui: ["@nyanza/tsdb/metricsql"],
  server: [
    "@nyanza/tsdb",
    "@nyanza/tsdb/codec",
    "@nyanza/tsdb/ingest",
    "@nyanza/tsdb/metricsql",
    "@nyanza/tsdb/promql",
    "@nyanza/metrics",
    "@nyanza/ui/package.json",
  ],
};

/** Doors that only applications use. */
const applicationDoors = ["otel", "register", "http", "cluster"].map((door) => `@nyanza/metrics/${door}`);

const everyDoor = [...applicationDoors, ...new Set([...Object.values(doorTable).flat(), "nyanza/package.json"])];

/** Files whose business it is although their room's is not. Each with its reason. */
const filesystemUsers: Readonly<Record<string, string>> = {
  "packages/tsdb/src/kernel/wasm.ts": "reads the .wasm files that were installed with it",
};

const namesThatSayNothing = new Set(["utils.ts", "util.ts", "helpers.ts", "common.ts", "misc.ts"]);

/** A source file as the rules see it: `path` relative to the root with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** What is wrong and where: `path:line`, and what to do instead. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/**
 * Every finding in `files`, in their order. `readmes` are the paths of README.md files and `doors` those of files that are reached
 * from outside: package.json's exports and bins.
 */
export function tidy(
  files: readonly SourceFile[],
  readmes: ReadonlySet<string>,
  doors: ReadonlySet<string>,
): Finding[] {
  if (files.length === 0)
    return [{ path: ".", line: 0, message: "saw no source file: a check of nothing proves nothing" }];
  const findings: Finding[] = [];
  const imported = new Set<string>();
  const rooms = new Set<string>();
  for (const file of files) {
    const text = withoutComments(file.text);
    const report = (offset: number, message: string): void => {
      findings.push({ path: file.path, line: text.slice(0, offset).split("\n").length, message });
    };
    for (const { target, offset } of findImports(text)) {
      const resolved = resolveImport(file.path, target);
      if (resolved !== null && resolved !== file.path) imported.add(resolved);
      const message = judgeImport(file.path, target, resolved);
      if (message !== null) report(offset, message);
    }
    for (const { offset, message } of findBans(file.path, text)) report(offset, message);
    const place = placeOf(file.path);
    if (place !== null && place.room !== "" && place.package in roomTable) {
      rooms.add(`packages/${place.package}/src/${place.room}`);
    }
  }
  for (const file of files) {
    if (!imported.has(file.path) && !doors.has(file.path) && !isRoot(file.path)) {
      findings.push({ path: file.path, line: 1, message: "dead: no file imports it; delete it or use it" });
    }
  }
  for (const room of rooms) {
    if (!readmes.has(`${room}/README.md`)) {
      findings.push({
        path: room,
        line: 0,
        message: "room without README.md: what it promises, what it does not know, where to start reading",
      });
    }
  }
  return findings;
}

/** Package and room of a source file, or null for a file outside packages. */
function placeOf(path: string): { package: string; room: string } | null {
  const match = /^packages\/([^/]+)\/src\/(?:([^/]+)\/)?[^/]/.exec(path);
  return match === null ? null : { package: match[1] as string, room: match[2] ?? "" };
}

/** Why an import is refused, or null. `resolved` is the imported file for relative imports. */
function judgeImport(path: string, target: string, resolved: string | null): string | null {
  const from = placeOf(path);
  if (resolved === null) {
    if (target.startsWith("@nyanza/") || target === "nyanza" || target.startsWith("nyanza/")) {
      const allowed = from === null || isTest(path) ? everyDoor : (doorTable[from.package] ?? []);
      if (allowed.includes(target)) return null;
      if (!everyDoor.includes(target)) return `deep import ${target}: import a door, one of ${everyDoor.join(", ")}`;
      return `${from?.package} may not import ${target}${allowed.length > 0 ? `, only ${allowed.join(", ")}` : ""}`;
    }
    if (/^(node:)?fs(\/promises)?$/.test(target) && from?.package === "tsdb") {
      if (from.room !== "disk" && !(path in filesystemUsers) && !isTest(path)) {
        return `${target} belongs to tsdb/src/disk: take a Disk instead`;
      }
    }
    return null;
  }
  const to = placeOf(resolved);
  if (from === null) return to === null ? null : `${resolved} by its path: import the package's door`;
  if (to === null) return isTest(path) || !resolved.startsWith("packages/") ? null : `${resolved} is outside src`;
  if (to.package !== from.package) return `${resolved} is in another package: import its door`;
  const table = roomTable[from.package];
  if (table === undefined || from.room === to.room) return null;
  const allowed = table[from.room];
  if (allowed === undefined) return `room ${from.package}/${from.room} is not in the table of tools/tidy.ts`;
  if (allowed.includes(to.room)) return null;
  return `${from.room || "the top folder"} may not import ${to.room || "the top folder"}, only ${allowed.join(", ") || "nothing"}`;
}

function* findBans(path: string, text: string): Iterable<{ offset: number; message: string }> {
  const place = placeOf(path);
  const name = posix.basename(path);
  if (namesThatSayNothing.has(name))
    yield { offset: 0, message: `${name} says nothing: name the file after its one idea` };
  if (place === null || isTest(path)) return;
  if (place.room !== "" && name === "index.ts" && !isDoorRoom(path)) {
    yield { offset: 0, message: "index.ts is a package's door only: name the file after its one idea" };
  }
  const ban = function* (pattern: RegExp, message: string): Iterable<{ offset: number; message: string }> {
    for (const match of text.matchAll(pattern)) yield { offset: match.index, message };
  };
  if (place.package === "tsdb" || place.package === "server") {
    yield* ban(/\bRegExp\(/g, "RegExp() takes exponential time on patterns users send: use re2js or a literal");
  }
  if (place.package !== "ui") {
    yield* ban(
      /\bconsole\.(log|error|warn|info|debug)\(/g,
      "console: a library stays silent, the server logs through its logger",
    );
  }
}

/** `index.ts` directly in a room that package.json exports under its own name. */
function isDoorRoom(path: string): boolean {
  return everyDoor.includes(`@nyanza/${path.split("/")[1]}/${path.split("/")[3]}`) && path.split("/").length === 5;
}

function isTest(path: string): boolean {
  return /\.(test|bench|fuzz)\.tsx?$/.test(path);
}

/** Files that are started, not imported. */
function isRoot(path: string): boolean {
  return (
    isTest(path) || !path.startsWith("packages/") || path === "packages/server/src/main.ts" || /\.d\.ts$/.test(path)
  );
}

/** Blanks comments, keeping offsets: lines that are comments, and what follows ` // `. */
function withoutComments(text: string): string {
  const blank = (comment: string): string => comment.replace(/[^\n]/g, " ");
  return text.replace(/^[ \t]*\/\*[\s\S]*?\*\//gm, blank).replace(/^[ \t]*\/\/.*$|[ \t]\/\/[ \t].*$/gm, blank);
}

const importShapes: readonly RegExp[] = [
  /^[ \t]*(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']/gm,
  /^[ \t]*import\s*["']([^"']+)["']/gm,
  /\bimport\(\s*["']([^"']+)["']\s*\)/g,
  /\bnew URL\(\s*["'](\.[^"']+\.[jt]s)["']\s*,\s*import\.meta\.url/g,
];

function findImports(text: string): { target: string; offset: number }[] {
  const found: { target: string; offset: number }[] = [];
  for (const shape of importShapes) {
    for (const match of text.matchAll(shape)) found.push({ target: match[1] as string, offset: match.index });
  }
  return found;
}

/** Path of the file a relative import means, or null for an import by package name. */
function resolveImport(path: string, target: string): string | null {
  if (!target.startsWith(".")) return null;
  // A worker is named as it will be called after compilation.
  return posix.join(posix.dirname(path), target).replace(/\.js$/, ".ts");
}

/** Sources named by package.json's `exports` and `bin`. */
function readDoors(): Set<string> {
  const doors = new Set<string>();
  for (const name of packageNames) {
    const folder = `packages/${name}`;
    const manifest: unknown = JSON.parse(readFileSync(join(projectRoot, folder, "package.json"), "utf8"));
    for (const match of JSON.stringify(manifest).matchAll(/"\.\/dist\/([^"]+)\.js"/g))
      doors.add(`${folder}/src/${match[1]}.ts`);
  }
  return doors;
}

function main(): number {
  const paths = ["packages", "examples", "tools", "tests", "bench"].flatMap((folder) =>
    listFiles(join(projectRoot, folder)).map((file) => `${folder}/${file}`),
  );
  const files = paths
    .filter((path) => /\.tsx?$/.test(path) && (!path.startsWith("packages/") || placeOf(path) !== null))
    .map((path) => ({ path, text: readFileSync(join(projectRoot, path), "utf8") }));
  const readmes = new Set(paths.filter((path) => path.endsWith("/README.md")));
  const doors = readDoors();
  // The page has no exports: what its HTML loads is its door.
  for (const path of paths.filter((name) => /^packages\/ui\/[^/]+\.html$/.test(name))) {
    for (const match of readFileSync(join(projectRoot, path), "utf8").matchAll(/src="\.?\/?(src\/[^"]+)"/g)) {
      doors.add(posix.join(dirname(path), match[1] as string));
    }
  }
  const findings = tidy(files, readmes, doors);
  for (const { path, line, message } of findings) console.error(`${path}:${line}: ${message}`);
  console.log(`tidy: ${files.length} files, ${findings.length} findings`);
  return findings.length === 0 ? 0 : 1;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) process.exitCode = main();
