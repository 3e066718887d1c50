/** README's first command, on a fresh clone with nothing beside it: installs, builds, starts, and has something to show. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { http } from "./support/http.ts";
import { projectRoot } from "./support/nyanza.ts";
import { eventually, freePort, runCommand, startProcess } from "./support/process.ts";
import { queryInstant } from "./support/query.ts";
import { makeFolder, scoped } from "./support/scope.ts";

const readme = readFileSync(join(projectRoot, "README.md"), "utf8");
const startCommand = "npm ci && npm start";
const testCommand = "npm ci && npm test";

test("README: names its two commands, and every npm script it names exists", () => {
  assert.ok(readme.includes(startCommand), startCommand);
  assert.ok(readme.includes(testCommand), testCommand);
  const manifest = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as { scripts: object };
  const named = [...readme.matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1] as string);
  assert.deepEqual(
    named.filter((name) => !(name in manifest.scripts)),
    [],
  );
  const ci = readFileSync(join(projectRoot, ".ci/run"), "utf8");
  assert.ok(ci.includes("npm ci") && ci.includes("npm test"), ".ci/run calls README's test command");
});

test(
  "README: the first command works on a fresh clone",
  { timeout: 240_000 },
  scoped(async (scope) => {
    const clone = join(makeFolder(scope, "clone"), "nyanza");
    const cloned = await runCommand(scope, "git", ["clone", "--quiet", projectRoot, clone]);
    assert.equal(cloned.code, 0, cloned.output);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const startedMs = performance.now();
    const npm = await startProcess(scope, {
      command: "sh",
      args: ["-c", `${startCommand} -- -httpListenAddr=127.0.0.1:${port} -selfScrapeInterval=1s`],
      cwd: clone,
      group: true,
      ready: async () => (await http(`${url}/health`)).status === 200,
      readyMsMax: 200_000,
    });
    console.log(`fresh clone to a running server: ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
    const found = await eventually("own metrics", async () => {
      const series = await queryInstant(url, '{__name__=~"process_resident_memory_bytes|vm_rows"}', "");
      return series.length > 0 ? series : null;
    });
    assert.ok(Number(found[0]?.value?.[1]) >= 0);
    await eventually("its address in its output", async () => npm.output.includes(`127.0.0.1:${port}`), 5000);
    const page = await http(`${url}/vmui/`);
    assert.equal(page.status, 200);
    assert.match(page.text, /<html/i);
  }),
);
