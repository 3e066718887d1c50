/**
 * Garbage, queries, and queries with mistakes in them: each is a tree or an InputError with a place, in less than 50 ms;
 * a tree survives being printed and parsed, and the query being prettified.
 */
import assert from "node:assert/strict";
import { InputError } from "../base/errors.ts";
import { assertWithin } from "../base/patience.test.support.ts";
import { type Dice, diceOf } from "../base/random.ts";
import { MAX_QUERY_BYTES } from "./limits.ts";
import { optimize } from "./optimize.ts";
import { parse } from "./parse.ts";
import { prettify } from "./prettify.ts";
import { printExpr } from "./printer.ts";
import { randomQuery } from "./random-query.ts";

/** A query of the default greatest length must be done by then. */
const MS_MAX = 50;

export function fuzz(seed: number): void {
  const query = hostileQuery(diceOf(seed)).slice(0, MAX_QUERY_BYTES);
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

function hostileQuery(dice: Dice): string {
  switch (dice(6)) {
    case 0:
      return garbage(dice);
    case 1:
      return randomQuery(dice, 5);
    case 2:
      return repeated(dice);
    default:
      return mutated(dice);
  }
}

const PIECES = [
  ..."{}[](),@+-*/%^<>=!~\"'`\\#$:.0159aemibx_é🜚\n\t \0\x7f\ud800",
  ...["sum", "by", "on", "or", "offset", "bool", "WITH", "group_left", "keep_metric_names", "inf", "limit", "fill"],
  ...["1h", "5M", "1e", "0x", "$__interval", "\\x4", '"\\u', "=~", '"("', "a{2}", ".*", "__name__", "__proto__", "up"],
];

function garbage(dice: Dice): string {
  let text = "";
  for (let count = dice(60); count > 0; count--) text += PIECES[dice(PIECES.length)];
  return text;
}

function mutated(dice: Dice): string {
  let text = randomQuery(dice);
  for (let count = 1 + dice(4); count > 0; count--) {
    const at = dice(text.length + 1);
    const end = Math.min(text.length, at + dice(12));
    const kind = dice(4);
    if (kind === 0) text = text.slice(0, at) + text.slice(end);
    else if (kind === 1) text = text.slice(0, at) + PIECES[dice(PIECES.length)] + text.slice(at);
    else if (kind === 2) text = text.slice(0, end) + text.slice(at);
    else text = text.slice(0, at) + randomQuery(dice, 2);
  }
  return text;
}

/** One or two pieces over and over: deep, wide, or long. */
function repeated(dice: Dice): string {
  const count = 1 << dice(15);
  const piece = `${PIECES[dice(PIECES.length)]}${dice(2) === 0 ? PIECES[dice(PIECES.length)] : ""}`;
  const around = dice(2) === 0 ? mutated(dice) : "";
  return (around + piece.repeat(count) + (dice(2) === 0 ? mutated(dice) : "")).slice(0, MAX_QUERY_BYTES);
}
