/**
 * docs/MetricsQL.md says what is so: each query in it can be read in its dialect and be carried out over the page's own data, and answers
 * what stands behind it. That the page is up to date is tested in tools/manual.test.ts.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { openManual } from "./support/manual-engine.ts";
import { callAsSigned, isSameLine, readExamples, readFunctions, readStored } from "./support/manual-examples.ts";

const page = readFileSync(new URL("../../../docs/MetricsQL.md", import.meta.url), "utf8");

test("the manual: every query is one, and answers what the page says", async () => {
  const ask = await openManual(readStored(page));
  const wrong: string[] = [];
  const examples = readExamples(page);
  for (const { dialect, line, query, answer } of examples) {
    const got = await ask(dialect, query);
    if (answer === null) {
      if (got[0]?.startsWith("refused")) wrong.push(`line ${line}: ${query}: ${got[0]}`);
      continue;
    }
    const isRefused = answer.length === 1 && answer[0] === "refused" && got[0]?.startsWith("refused");
    const isSame = got.length === answer.length && answer.every((want, i) => isSameLine(got[i] as string, want));
    if (!isSame && !isRefused) {
      wrong.push(`line ${line}: ${query}\n${got.map((one) => `  # → ${one}`).join("\n")}`);
    }
  }
  const answered = examples.filter(({ answer }) => answer !== null).length;
  console.log(`manual: ${examples.length} queries, ${answered} with their answers`);
  assert.ok(answered >= 60, `saw only ${answered} answers`);
  assert.deepEqual(wrong, []);
});

test("the manual: a wrong answer would be seen", () => {
  const [example] = readExamples('```metricsql\nsum(m)\n# → {a="b"} 2\n```\n');
  assert.deepEqual(example, { dialect: "metricsql", line: 2, query: "sum(m)", answer: ['{a="b"} 2'] });
  assert.ok(isSameLine('{a="b"} 2.0000001', '{a="b"} 2'));
  assert.ok(!isSameLine('{a="b"} 2.1', '{a="b"} 2'));
  assert.ok(!isSameLine('{a="c"} 2', '{a="b"} 2'));
  assert.ok(!isSameLine("nothing", "2"));
});

test("the manual: every function takes what its signature says, and does with the name what its text says", async () => {
  const ask = await openManual(readStored(page));
  const wrong: string[] = [];
  const functions = readFunctions(page);
  for (const { name, dialect, signature, text } of functions) {
    const query = callAsSigned(signature, 'http_request_duration_seconds_bucket{service="api",le="0.5"}');
    const answer = await ask(dialect, query);
    const isRefused = answer[0]?.startsWith("refused") === true;
    if (isRefused !== text.startsWith("Refused")) wrong.push(`${dialect}: ${query}: ${answer[0]}`);
    if (isRefused || answer[0] === "nothing") continue;
    const isKept = answer.every((line) => line.startsWith("http_request") || line.startsWith("name"));
    const isSaid = /(^Names|[Nn]ame (stays|kept|becomes)|Keeps the name|names? and labels)/i.test(text);
    if (isKept !== isSaid) wrong.push(`${dialect}: ${name}: the name is ${isKept ? "kept" : "gone"}: ${text}`);
  }
  console.log(`manual: ${functions.length} functions called`);
  assert.ok(functions.length > 300, `saw only ${functions.length} functions`);
  assert.deepEqual(wrong, []);
});
