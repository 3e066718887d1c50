/**
 * The database without a server: a short script stores a million samples in a thousand series, closes, opens and asks.
 * Less than two seconds and 200 MB, process start included.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { projectRoot } from "./support/nyanza.ts";
import { runCommand } from "./support/process.ts";
import { makeFolder, scoped } from "./support/scope.ts";

const script = fileURLToPath(new URL("./scripts/million.js", import.meta.url));
const source = join(projectRoot, "tests/system/scripts/million.ts");

/** Beside the script's own work: prints what it took. */
const probe = `process.on("exit", () => console.log(JSON.stringify(process.resourceUsage().maxRSS / 1000)));`;

test(
  "embedded: a million samples in a thousand series, written, reopened and asked for",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const lines = readFileSync(source, "utf8")
      .split("\n")
      .filter((line) => line.trim() !== "");
    assert.ok(lines.length <= 15, `the script has ${lines.length} lines`);
    const seconds: number[] = [];
    const megabytes: number[] = [];
    for (let run = 0; run < 3; run++) {
      const folder = makeFolder(scope, "embed");
      const startedMs = performance.now();
      const preload = `data:text/javascript,${encodeURIComponent(probe)}`;
      const { code, output } = await runCommand(scope, process.execPath, ["--import", preload, script, folder]);
      assert.equal(code, 0, output);
      seconds.push((performance.now() - startedMs) / 1000);
      const [sum, peak] = output.trim().split("\n").map(Number);
      // 1,000 × (0 + … + 999) of the series' numbers, and 1,000 × a quarter of the same of the samples'.
      assert.equal(sum, 1000 * 499_500 * 1.25);
      megabytes.push(peak as number);
    }
    console.log(
      `${seconds.map((s) => s.toFixed(2)).join(", ")} s; ${megabytes.map((m) => m.toFixed(0)).join(", ")} MB`,
    );
    assert.ok(Math.min(...seconds) < 2, `took ${seconds.join(", ")} s`);
    assert.ok(Math.min(...megabytes) < 200, `took ${megabytes.join(", ")} MB`);
  }),
);
