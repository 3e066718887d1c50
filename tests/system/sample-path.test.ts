/**
 * docs/ARCHITECTURE.md says which files a sample passes on its way in and out. This test sends one, asks for it from memory
 * and from disk, and fails unless a function of each of these files has run: a map that lies is worse than none.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { http } from "./support/http.ts";
import { projectRoot, startNyanza } from "./support/nyanza.ts";
import { queryNumber, queryRange } from "./support/query.ts";
import { remoteWrite, seriesOf } from "./support/remote-write.ts";
import { makeFolder, scoped } from "./support/scope.ts";

test(
  "the path of a sample is the one docs/ARCHITECTURE.md shows",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const listed = readPath(readFileSync(join(projectRoot, "docs/ARCHITECTURE.md"), "utf8"));
    assert.ok(listed.length >= 12, `the table lists ${listed.length} files: ${listed.join(" ")}`);
    const missing = listed.filter((path) => !existsSync(join(projectRoot, path)));
    assert.deepEqual(missing, [], "the table names files that do not exist");

    const coverage = makeFolder(scope, "coverage");
    const folder = makeFolder(scope);
    const flags = ["-selfScrapeInterval=0"];
    const env = { NODE_V8_COVERAGE: coverage };
    const first = await startNyanza(scope, { folder, flags, env, asModules: true });
    const nowMs = Date.now();
    const sent = await remoteWrite(first.url, [seriesOf("traveller", { way: "in" }, [[nowMs - 1000, 42]])]);
    assert.equal(sent.status, 204);
    const askWith = async (url: string): Promise<void> => {
      assert.equal(await queryNumber(url, "traveller", nowMs / 1000), 42);
      const [series] = await queryRange(url, "sum_over_time(traveller[1m])", nowMs / 1000 - 30, nowMs / 1000, 30);
      assert.equal(series?.values?.at(-1)?.[1], "42");
    };
    await askWith(first.url);
    assert.equal((await http(`${first.url}/internal/force_flush`)).status, 200);
    await askWith(first.url);
    assert.equal((await first.process.stop()).code, 0);
    // Once more from the file alone.
    const second = await startNyanza(scope, { folder, flags, env, asModules: true });
    await askWith(second.url);
    assert.equal((await second.process.stop()).code, 0);

    const executed = readExecuted(coverage);
    assert.ok(executed.size > 0, "no coverage was written");
    const idle = listed.filter((path) => {
      const compiled = path.replace("/src/", "/dist/").replace(/\.ts$/, ".js");
      return path.endsWith("/") ? ![...executed].some((file) => file.startsWith(compiled)) : !executed.has(compiled);
    });
    assert.deepEqual(idle, [], "listed, but no function of it has run");
  }),
);

/**
 * Files and folders of the table below the heading with "path of" in it, as `packages/tsdb/src/…`. The table writes
 * `tsdb/storage/log/wal.ts`; a name without a package lies beside the one before it.
 */
function readPath(text: string): string[] {
  const section = text.split(/^#+ /m).find((part) => /^[^\n]*path of/i.test(part)) ?? "";
  const paths = new Set<string>();
  for (const row of section.split("\n").filter((line) => line.startsWith("|"))) {
    let room = "";
    for (const match of row.matchAll(/`([\w./-]+(?:\.ts|\/))`/g)) {
      const name = match[1] as string;
      const inPackage = /^(tsdb|server|metrics)\/(?:src\/)?(.+)$/.exec(name.replace(/^packages\//, ""));
      const path = inPackage === null ? room + name : `packages/${inPackage[1]}/src/${inPackage[2]}`;
      room = path.slice(0, path.replace(/\/$/, "").lastIndexOf("/") + 1);
      paths.add(path);
    }
  }
  return [...paths];
}

interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly functionName: string;
      readonly ranges: readonly { readonly count: number }[];
    }[];
  }[];
}

/** Compiled files, relative to the root, of which a function has run: loading a module does not count. */
function readExecuted(folder: string): Set<string> {
  const executed = new Set<string>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
    const { result } = JSON.parse(readFileSync(join(folder, file), "utf8")) as Coverage;
    for (const { url, functions } of result) {
      if (!url.startsWith("file://")) continue;
      if (functions.some(({ functionName, ranges }) => functionName !== "" && (ranges[0]?.count ?? 0) > 0)) {
        executed.add(fileURLToPath(url).slice(projectRoot.length + 1));
      }
    }
  }
  return executed;
}
