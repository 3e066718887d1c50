/** What npm would publish of the server and the database, installed into an empty project: the program runs, a database opens, both from bundles. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { http } from "./support/http.ts";
import { projectRoot } from "./support/nyanza.ts";
import { freePort, runCommand, startProcess } from "./support/process.ts";
import { queryNumber } from "./support/query.ts";
import { makeFolder, type Scope, scoped } from "./support/scope.ts";

const PACKAGES = ["tsdb", "metrics", "ui", "server"];

async function run(scope: Scope, cwd: string, command: string, ...args: string[]): Promise<string> {
  const { code, output } = await runCommand(scope, command, args, { cwd });
  assert.equal(code, 0, `${command} ${args.join(" ")}\n${output}`);
  return output;
}

test(
  "the packed server and database in an empty project",
  { timeout: 120_000 },
  scoped(async (scope) => {
    const folder = makeFolder(scope, "packs");
    for (const name of PACKAGES) {
      await run(scope, join(projectRoot, "packages", name), "npm", "pack", "--silent", "--pack-destination", folder);
    }
    const tarballs = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
    assert.equal(tarballs.length, PACKAGES.length);
    const project = join(folder, "project");
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), '{ "name": "empty", "private": true, "type": "module" }');
    await run(scope, project, "npm", "install", "--no-audit", "--no-fund", ...tarballs.map((name) => `../${name}`));
    for (const name of ["@nyanza/tsdb", "nyanza"]) {
      const shipped = readdirSync(join(project, "node_modules", name), { recursive: true }) as string[];
      assert.deepEqual(
        shipped.filter((file) => /\.(test|bench|fuzz)\./.test(file)),
        [],
      );
    }

    writeFileSync(
      join(project, "embed.js"),
      `import { openDatabase } from "@nyanza/tsdb";
      import { parse } from "@nyanza/tsdb/metricsql";
      const db = await openDatabase("data");
      await db.close();
      console.log(import.meta.resolve("@nyanza/tsdb").slice(-"bundle/index.js".length), typeof parse("up"));`,
    );
    assert.equal((await run(scope, project, process.execPath, "embed.js")).trim(), "bundle/index.js object");

    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    await startProcess(scope, {
      command: process.execPath,
      args: ["node_modules/nyanza/bin/nyanza.js", "-storageDataPath=served", `-httpListenAddr=127.0.0.1:${port}`],
      cwd: project,
      ready: async () => (await http(`${url}/-/ready`)).status === 200,
    });
    assert.equal((await http(`${url}/api/v1/import/prometheus`, { body: "packed 42\n" })).status, 204);
    assert.equal((await http(`${url}/internal/force_flush`)).status, 200);
    assert.equal(await queryNumber(url, "packed", Date.now() / 1000 + 1), 42);
    // More than the main thread answers itself: a worker of the bundle.
    assert.match((await http(`${url}/api/v1/export?match[]=packed`)).text, /"values":\[42\]/);
    assert.equal((await http(`${url}/vmui/`)).status, 200);
  }),
);
