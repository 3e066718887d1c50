/**
 * Garbage, queries, and queries with mistakes in them: each is a tree or an InputError with a place, in less than 50 ms;
 * a tree survives being printed and parsed, and the query being prettified.
 */
import assert from "node:assert/strict";
import { InputError } from "../base/errors.ts";
import { COMMON_PIECES, type HostileLanguage, hostileQuery } from "../base/hostile-query.test.support.ts";
import { assertWithin } from "../base/patience.test.support.ts";
import { diceOf } from "../base/random.ts";
import { MAX_QUERY_BYTES } from "./limits.ts";
import { optimize } from "./optimize.ts";
import { parse } from "./parse.ts";
import { prettify } from "./prettify.ts";
import { printExpr } from "./printer.ts";
import { randomQuery } from "./random-query.ts";

const LANGUAGE: HostileLanguage = {
  pieces: [...COMMON_PIECES, "WITH", "keep_metric_names", "limit", "$__interval"],
  randomQuery,
  lengthMax: MAX_QUERY_BYTES,
};

/** A query of the default greatest length must be done by then. */
const MS_MAX = 50;

export function fuzz(seed: number): void {
  const query = hostileQuery(diceOf(seed), LANGUAGE);
  assertWithin(MS_MAX, () => isQuery(query), query);
  tryQuery(query);
}

function isQuery(query: string): boolean {
  try {
    parse(query);
    return true;
  } catch {
    return false;
  }
}

function tryQuery(query: string): void {
  try {
    const text = printExpr(parse(query));
    assert.equal(printExpr(parse(text)), text, query);
    printExpr(optimize(parse(query)));
    assert.equal(printExpr(parse(prettify(query))), text, query);
  } catch (error) {
    assert.ok(error instanceof InputError, `${query}\n${error instanceof Error ? error.stack : String(error)}`);
    assert.ok(error.status === 400 && error.line > 0 && error.column > 0, `no place: ${query}: ${error.message}`);
  }
}
