/** What npm would publish of the kit, installed into an empty project: small, no install script, every door opens, in both module systems. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "./support/nyanza.ts";
import { runCommand } from "./support/process.ts";
import { makeFolder, type Scope, scoped } from "./support/scope.ts";

const bytesMax = 5_000_000;

async function run(scope: Scope, cwd: string, command: string, ...args: string[]): Promise<string> {
  const { code, output } = await runCommand(scope, command, args, { cwd });
  assert.equal(code, 0, `${command} ${args.join(" ")}\n${output}`);
  return output;
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((bytes, entry) => bytes + statSync(join(entry.parentPath, entry.name)).size, 0);
}

test(
  "the packed kit in an empty project",
  { timeout: 120_000 },
  scoped(async (scope) => {
    const folder = makeFolder(scope, "pack");
    await run(scope, join(projectRoot, "packages/metrics"), "npm", "pack", "--silent", "--pack-destination", folder);
    const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz"));
    assert.ok(tarball);
    const project = join(folder, "project");
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), '{ "name": "empty", "private": true }');
    await run(scope, project, "npm", "install", "--no-audit", "--no-fund", join(folder, tarball));

    const modules = join(project, "node_modules");
    const installed = readdirSync(modules).filter((name) => !name.startsWith("."));
    assert.deepEqual(installed.sort(), ["@nyanza", "@opentelemetry"], "nothing but the kit and its one peer");
    assert.deepEqual(readdirSync(join(modules, "@opentelemetry")), ["api"]);
    const bytes = sizeOf(join(modules, "@nyanza"));
    console.log(`installed: ${(bytes / 1e6).toFixed(2)} MB`);
    assert.ok(bytes < bytesMax, `${bytes} bytes`);

    const lockfile = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8")) as {
      packages: Record<string, { hasInstallScript?: boolean }>;
    };
    for (const [path, entry] of Object.entries(lockfile.packages)) assert.ok(!entry.hasInstallScript, path);
    const manifest = JSON.parse(readFileSync(join(modules, "@nyanza/metrics/package.json"), "utf8")) as {
      exports: Record<string, string>;
      scripts?: object;
      dependencies?: object;
    };
    assert.deepEqual(manifest.scripts ?? {}, {});
    assert.deepEqual(manifest.dependencies ?? {}, {});
    const files = readdirSync(join(modules, "@nyanza/metrics/dist"), { recursive: true }) as string[];
    assert.deepEqual(
      files.filter((file) => /\.(test|bench)\./.test(file)),
      [],
    );

    // Each door opens, and what needs a peer that is not there says which and how to install it.
    const doors = Object.keys(manifest.exports).filter((door) => door !== "./register" && door !== "./package.json");
    assert.ok(doors.length >= 4, doors.join(" "));
    const names = doors.map((door) => JSON.stringify(`@nyanza/metrics${door.slice(1)}`)).join(", ");
    const body = `
      defaultSet.getOrCreateCounter("packed_total").add(2);
      if (!writePrometheus().includes("packed_total 2")) throw new Error(writePrometheus());
      startMetrics().then(() => process.exit(1), (error) => console.log(error.message));
    `;
    writeFileSync(
      join(project, "app.mjs"),
      `for (const door of [${names}]) await import(door);
      import { defaultSet, writePrometheus } from "@nyanza/metrics";
      import { startMetrics } from "@nyanza/metrics/otel";${body}`,
    );
    writeFileSync(
      join(project, "app.cjs"),
      `for (const door of [${names}]) require(door);
      const { defaultSet, writePrometheus } = require("@nyanza/metrics");
      const { startMetrics } = require("@nyanza/metrics/otel");${body}`,
    );
    for (const file of ["app.mjs", "app.cjs"]) {
      const output = await run(scope, project, process.execPath, file);
      assert.match(output, /npm install .*@opentelemetry\/sdk-metrics@/, `${file}: ${output}`);
    }

    // The same set whichever way it is asked for: one package, not two copies of it.
    writeFileSync(
      join(project, "both.cjs"),
      `const required = require("@nyanza/metrics");
      import("@nyanza/metrics").then((imported) => process.exit(imported.defaultSet === required.defaultSet ? 0 : 1));`,
    );
    await run(scope, project, process.execPath, "both.cjs");
  }),
);
