import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeManual, readComment, readEntryComments } from "./manual.ts";
import { projectRoot } from "./project.ts";

test("manual: docs/MetricsQL.md is what chapters and comments say now", async () => {
  const page = await makeManual();
  assert.ok(
    page === readFileSync(join(projectRoot, "docs/MetricsQL.md"), "utf8"),
    "the page is out of date: npm run manual",
  );
  for (const name of ["rate", "quantile", "label_replace", "limit_ratio", "info", "start_timestamp", "topk_avg"]) {
    assert.ok(page.includes(`\n#### ${name}\n`), name);
  }
});

test("manual: comments are those right before entries", () => {
  const source = `
/** Not two spaces in. */
const ENTRIES = {
  /** Of nothing: an entry must follow. */

  /** one(q): first. */
  one: entry(1),
  /**
   * two(q): on
   * two lines.
   */
  ["two", entry(2)],
  /** three(q): below. */
  [
    "three",
    { evaluate },
  ],
  silent: entry(4),
    /** inner(q): deeper. */
    inner: 5,
  /** + is no name: but an operator. */
  ["+", add],
};`;
  assert.deepEqual(readEntryComments(source), [
    ["one", "one(q): first."],
    ["two", "two(q): on two lines."],
    ["three", "three(q): below."],
    ["+", "+ is no name: but an operator."],
  ]);
});

test("manual: a comment says the arguments, then what comes of them", () => {
  assert.deepEqual(readComment("rate", "rate(m[d]): growth: per second.", "x.ts"), {
    signature: "rate(m[d])",
    text: "Growth: per second.",
  });
  assert.deepEqual(readComment("+", "a + b: sum.", "x.ts"), { signature: "a + b", text: "Sum." });
  for (const comment of ["Growth per second.", "irate(m): growth.", "rate(m): ", "rate: growth."]) {
    assert.throws(() => readComment("rate", comment, "x.ts"), /x\.ts: want "rate\(arguments\)/, comment);
  }
});
