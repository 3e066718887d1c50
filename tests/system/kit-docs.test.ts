/** Every snippet of README and of the kit's documents compiles, runs, and prints what it says. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { projectRoot, startNyanza } from "./support/nyanza.ts";
import { Scope } from "./support/scope.ts";
import { type CompiledSnippets, compileSnippets, readSnippets, wantedOutput } from "./support/snippets.ts";

const pages = ["README.md", "packages/metrics/README.md"];
for (const name of readdirSync(join(projectRoot, "docs/kit")).sort()) {
  if (name.endsWith(".md")) pages.push(`docs/kit/${name}`);
}
const snippets = pages.flatMap(readSnippets);
const scope = new Scope();
let compiled: CompiledSnippets;

before(async () => {
  const { url } = await startNyanza(scope);
  compiled = await compileSnippets(scope, snippets, url);
});
after(() => scope.end());

test("the kit's documents have snippets", () => {
  assert.ok(snippets.length > 0);
});

for (const snippet of snippets) {
  test(`${snippet.place} runs`, { timeout: 60_000 }, async () => {
    const { code, output } = await compiled.run(snippet);
    assert.equal(code, 0, output);
    let from = 0;
    for (const wanted of wantedOutput(snippet)) {
      const found = output.indexOf(wanted, from);
      assert.ok(found >= 0, `want ${JSON.stringify(wanted)} in what it printed after ${from} characters:\n${output}`);
      from = found + wanted.length;
    }
  });
}
