/** docs/kit/API.md is what the doc comments say now, and every export of the kit has one. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { projectRoot } from "./support/nyanza.ts";
import { runCommand } from "./support/process.ts";
import { Scope } from "./support/scope.ts";

const scope = new Scope();
after(() => scope.end());

test("the kit's API reference is up to date and says something of every export", { timeout: 60_000 }, async () => {
  const tool = join(projectRoot, "tools/dist/api-reference.js");
  const { code, output } = await runCommand(scope, process.execPath, [tool, "--check"]);
  assert.equal(code, 0, output);
});
