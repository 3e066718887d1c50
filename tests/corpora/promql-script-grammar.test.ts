/**
 * The scripts' parser by itself: every script beside the repository is understood, and has as many evals as its README says. Without
 * the corpora this test fails.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scriptsFolder } from "./support/promql-corpus.ts";
import { parseDurationMs, parseScript } from "./support/promql-script.ts";
import { parseSeriesLine, parseSteps } from "./support/series-notation.ts";

test("every command of every script is understood", () => {
  const readme = readFileSync(join(scriptsFolder, "README.md"), "utf8");
  const promised = [...readme.matchAll(/^\| `(\S+\.test)` \| (\d+) \|/gm)].map(([, file, count]) => [
    file as string,
    Number(count),
  ]);
  const found = readdirSync(scriptsFolder)
    .filter((file) => file.endsWith(".test"))
    .sort()
    .map((file) => {
      const commands = parseScript(readFileSync(join(scriptsFolder, file), "utf8"), file);
      return [file, commands.filter(({ kind }) => kind === "eval").length];
    });
  assert.deepEqual(found, promised.sort());
});

test("items of a series", () => {
  const same = (text: string, ...steps: unknown[]): void => assert.deepEqual(parseSteps(text), steps, text);
  same("");
  same("5 -1.5e3 .5 0x1f", 5, -1500, 0.5, 31);
  same("Inf -Inf +inf NaN", Infinity, -Infinity, Infinity, Number.NaN);
  same("_ _x3", "gap", "gap", "gap", "gap");
  same("stale", "stale");
  same("5x3", 5, 5, 5, 5);
  same("0x3", 0, 0, 0, 0);
  same("0+10x3", 0, 10, 20, 30);
  same("10-2x3", 10, 8, 6, 4);
  same("-2-.5x2", -2, -2.5, -3);
  same("{{schema:1 sum:3 buckets:[5 10]}} {{}}x2", "native", "native", "native", "native");
  same("{{count:0 sum:1}}+{{count:1 sum:2}}x1 7", "native", "native", 7);
  assert.throws(() => parseSteps("5 five"), /want a value, got five/);
});

test("labels of a series", () => {
  const same = (text: string, ...labels: [string, string][]): void =>
    assert.deepEqual(parseSeriesLine(text).labels, labels, text);
  same("up 1", ["__name__", "up"]);
  same("{} 1");
  same("up{a=\"1\", b='two' , c=`\\n`,} 1", ["__name__", "up"], ["a", "1"], ["b", "two"], ["c", "\\n"]);
  same('{"a metric", "my label"="x\\ty", empty=""} 1', ["__name__", "a metric"], ["my label", "x\ty"]);
  assert.equal(parseSeriesLine('up{a="1"}@st _ -1m').isStartTimes, true);
  assert.throws(() => parseSeriesLine("up{a=1} 1"), /want a quoted value/);
  assert.throws(() => parseSeriesLine('up{a="1"}1'), /want a space/);
});

test("durations", () => {
  assert.equal(parseDurationMs("1h30m"), 5_400_000);
  assert.equal(parseDurationMs("10s53ms"), 10_053);
  assert.equal(parseDurationMs("25"), 25_000);
  assert.throws(() => parseDurationMs("1 m"));
});

test("what is not in the grammar is refused with its place", () => {
  const refuses = (text: string, message: RegExp): void =>
    assert.throws(() => parseScript(text, "x.test"), message, text);
  refuses("\n\nevaluate 1", /^Error: x\.test:3: no command/);
  refuses("eval instant at 0 1\n expect nothing", /x\.test:1: no expectation/);
  refuses("eval instant at 0 up\n up 1 2", /want one value a series/);
  refuses("eval instant at 0 up\n 1\n up 1", /want a scalar or series/);
});
