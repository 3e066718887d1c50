/** What is installed with the product: no install scripts, no addresses of a private registry. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

interface LockedPackage {
  readonly version?: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lockfile = JSON.parse(readFileSync(new URL("../../../package-lock.json", import.meta.url), "utf8")) as {
  packages: Record<string, LockedPackage>;
};
const locked = Object.entries(lockfile.packages).filter(([path]) => path.includes("node_modules/"));

test("lockfile: no package of the runtime tree runs a script when it is installed", () => {
  const runtime = locked.filter(([, entry]) => entry.dev !== true && entry.link !== true);
  assert.ok(runtime.length > 0, "saw no runtime package");
  assert.deepEqual(
    runtime.filter(([, entry]) => entry.hasInstallScript === true).map(([path]) => path),
    [],
  );
});

test("lockfile: says what to install, not from which registry", () => {
  const addresses = locked.filter(([, entry]) => entry.link !== true && entry.resolved !== undefined);
  assert.deepEqual(
    addresses.map(([path, entry]) => `${path} ${entry.resolved}`),
    [],
  );
});

test("lockfile: has what other platforms install, or npm ci refuses it", () => {
  const names = new Set(locked.map(([path]) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length)));
  const wanted = locked.flatMap(([, entry]) => Object.keys(entry.optionalDependencies ?? {}));
  assert.ok(wanted.length > 0, "saw no optional dependency");
  assert.deepEqual(
    wanted.filter((name) => !names.has(name)),
    [],
  );
});

test("lockfile: the compiler of the project is TypeScript 7, whatever else a tool wants", () => {
  const compilers = locked.filter(
    ([path, { bin }]) => /^node_modules\/[^/]+(\/[^/]+)?$/.test(path) && bin?.["tsc"] !== undefined,
  );
  assert.deepEqual(
    compilers.map(([path, { version }]) => `${path} ${version?.split(".")[0]}`),
    ["node_modules/typescript 7"],
  );
});
