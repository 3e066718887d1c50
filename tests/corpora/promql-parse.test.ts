/**
 * The PromQL parser against Prometheus' own scripts and the compliance queries: what Prometheus 3 understands becomes a tree that survives
 * being printed, what it does not is refused in its words. The corpora lie beside the repository, in ../shared
 * (or where NYANZA_SHARED says); without them this test fails.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { InputError, type PromExpr, parsePromql, printPromql } from "@nyanza/tsdb/promql";

const projectRoot = join(import.meta.dirname, "../../..");
const corpora = join(process.env["NYANZA_SHARED"] ?? join(projectRoot, "../shared"), "corpora");

const isExtended = (query: string) => query.includes(" anchored") || query.includes(" smoothed");

test("Prometheus' own test scripts", () => {
  const folder = join(corpora, "promql");
  const seen = { understood: 0, extended: 0 };
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".test"))) {
    const lines = readFileSync(join(folder, file), "utf8").split("\n");
    for (const [index, line] of lines.entries()) {
      const where = `${file}:${index + 1}`;
      const command = line.trim();
      if (!command.startsWith("eval")) continue;
      // No query of the scripts fails for how it is written: `expect fail` is about data, or about modifiers that we refuse.
      const query = /^eval(?:_\w+)? (?:instant at \S+|range from \S+ to \S+ step \S+)\s+(.*)$/.exec(command)?.[1];
      assert.ok(query !== undefined, `${where}: ${command}`);
      if (isExtended(query)) {
        assert.throws(
          () => parsePromql(query),
          /modifier "(anchored|smoothed)" is not supported/,
          `${where}: ${query}`,
        );
        seen.extended++;
      } else {
        survives(query, where);
        seen.understood++;
      }
    }
  }
  assert.deepEqual(seen, { understood: 942, extended: 74 });
});

test("PromQL compliance queries", () => {
  const { queries } = JSON.parse(readFileSync(join(corpora, "promql-compliance-queries.json"), "utf8")) as {
    queries: { id: number; query: string; should_fail: boolean; diff?: string }[];
  };
  for (const { id, query, should_fail: fails, diff } of queries) {
    if (!fails || !diff?.includes("parse error")) {
      survives(query, id);
      continue;
    }
    assert.throws(
      () => parsePromql(query),
      (error: unknown) => error instanceof InputError && error.message === diff,
      `${id}: ${query}`,
    );
  }
  assert.equal(queries.length, 323);
});

/** Printed and parsed it is the same tree; laid out and parsed it is laid out the same. */
function survives(query: string, where: string | number): void {
  try {
    const tree = parsePromql(query);
    assert.deepEqual(withoutPlaces(parsePromql(printPromql(tree))), withoutPlaces(tree));
    const pretty = printPromql(tree, { pretty: true });
    assert.equal(printPromql(parsePromql(pretty), { pretty: true }), pretty);
  } catch (error) {
    throw new Error(`${where}: ${query}`, { cause: error });
  }
}

function withoutPlaces(tree: PromExpr): unknown {
  return JSON.parse(
    JSON.stringify(tree, (key, value: unknown) => {
      if (key === "pos" || key === "end") return undefined;
      return typeof value === "number" ? String(value) : value;
    }),
  );
}
