/**
 * Garbage, queries, and queries with mistakes in them: each is a tree or an InputError with a place, in less than 50 ms;
 * a tree survives being printed and parsed.
 */
import assert from "node:assert/strict";
import { InputError } from "../base/errors.ts";
import { COMMON_PIECES, type HostileLanguage, hostileQuery } from "../base/hostile-query.test.support.ts";
import { assertWithin } from "../base/patience.test.support.ts";
import { diceOf } from "../base/random.ts";
import type { PromExpr } from "./ast.ts";
import { parsePromql } from "./parse.ts";
import { printPromql } from "./printer.ts";
import { randomQuery } from "./random-query.ts";

/** Default of `-search.maxQueryLen`. */
const LENGTH_MAX = 16 * 1024;

const LANGUAGE: HostileLanguage = {
  pieces: [...COMMON_PIECES, "nan", "start()", "step()", "anchored", "[5m:]", "</"],
  randomQuery,
  lengthMax: LENGTH_MAX,
};

/** A query of that length must be parsed and laid out by then. */
const MS_MAX = 50;

export function fuzz(seed: number): void {
  const dice = diceOf(seed);
  const valid = randomQuery(dice);
  surviving(parsePromql(valid), valid);
  const query = hostileQuery(dice, LANGUAGE);
  let tree: PromExpr | null = null;
  assertWithin(
    MS_MAX,
    () => {
      tree = tryQuery(query);
      if (tree !== null) printPromql(tree, { pretty: true });
    },
    query,
  );
  if (tree !== null) surviving(tree, query);
}

/** Printed and parsed it is the same tree; laid out and parsed it is laid out the same. */
export function surviving(tree: PromExpr, query: string): void {
  const text = printPromql(tree);
  assert.ok(isSame(parsePromql(text, LONG), tree), `another tree: ${query}\n${text}`);
  const pretty = printPromql(tree, { pretty: true });
  assert.equal(printPromql(parsePromql(pretty, LONG), { pretty: true }), pretty, query);
}

/** Printed text may be longer than what was written. */
const LONG = { limits: { lengthMax: 4 * 1024 * 1024 } };

function tryQuery(query: string): PromExpr | null {
  try {
    return parsePromql(query);
  } catch (error) {
    assert.ok(error instanceof InputError, `${query}\n${error instanceof Error ? error.stack : String(error)}`);
    assert.ok(error.status === 400 && error.line > 0 && error.column > 0, `no place: ${query}: ${error.message}`);
    assert.ok(error.message.length < 500, `long message: ${error.message}`);
    return null;
  }
}

/** Equal but for where things stand in the text. In a loop: a chain of operators is thousands of levels high. */
function isSame(left: unknown, right: unknown): boolean {
  const pairs: [unknown, unknown][] = [[left, right]];
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [a, b] = pair;
    if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
      if (!Object.is(a, b)) return false;
      continue;
    }
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      if (key !== "pos" && key !== "end") pairs.push([a[key as keyof typeof a], b[key as keyof typeof b]]);
    }
  }
  return true;
}
