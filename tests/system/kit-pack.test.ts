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

/** The oldest that the kit's types are for, and the newest that is not our own. */
const compilers = ["typescript@5.4", "typescript@6"];

test(
  "the packed kit's types, as a strict project reads them",
  { timeout: 120_000 },
  scoped(async (scope) => {
    const folder = makeFolder(scope, "types");
    await run(scope, join(projectRoot, "packages/metrics"), "npm", "pack", "--silent", "--pack-destination", folder);
    const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz"));
    assert.ok(tarball);
    writeFileSync(join(folder, "package.json"), '{ "name": "strict", "private": true, "type": "module" }');
    const otel = ["api", "sdk-metrics", "resources"].map((name) => `@opentelemetry/${name}`);
    await run(scope, folder, "npm", "install", "--no-audit", "--no-fund", `./${tarball}`, "@types/node@20", ...otel);
    writeFileSync(
      join(folder, "use.ts"),
      `import { MetricSet, QueryClient } from "@nyanza/metrics";
      export * as cluster from "@nyanza/metrics/cluster";
      export * as http from "@nyanza/metrics/http";
      export * as otel from "@nyanza/metrics/otel";
      const requests = new MetricSet().counter("requests_total", { help: "Served.", labelNames: ["method", "status"] });
      const method: string | undefined = process.argv[2];
      requests.inc({ method, status: 200 });
      // @ts-expect-error: no label of that name
      requests.inc({ methud: "GET" });
      const answer = await new QueryClient("http://127.0.0.1:8428").query("up");
      if (answer.resultType === "vector") for (const { labels } of answer.result) labels.get("job")?.trim();
      `,
    );
    for (const compiler of compilers) {
      await run(scope, folder, "npm", "install", "--no-audit", "--no-fund", "--no-save", compiler);
      for (const [module, resolution, isExact] of [
        ["node16", "node16", true],
        ["esnext", "bundler", false],
      ] as const) {
        const options = `--noEmit --strict --target es2022 --lib es2022 --types node --skipLibCheck false
          --module ${module} --moduleResolution ${resolution} --exactOptionalPropertyTypes ${isExact} use.ts`;
        await run(scope, folder, process.execPath, "node_modules/typescript/bin/tsc", ...options.split(/\s+/));
      }
    }
  }),
);
