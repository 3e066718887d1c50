/**
 * Garbage, queries, and queries with mistakes in them: each is a tree or an InputError with a place, in less than 50 ms;
 * a tree survives being printed and parsed.
 */
import assert from "node:assert/strict";
import { InputError } from "../base/errors.ts";
import { assertWithin } from "../base/patience.test.support.ts";
import { type Dice, diceOf } from "../base/random.ts";
import type { PromExpr } from "./ast.ts";
import { parsePromql } from "./parse.ts";
import { printPromql } from "./printer.ts";
import { randomQuery } from "./random-query.ts";

/** Default of `-search.maxQueryLen`. */
const LENGTH_MAX = 16 * 1024;

/** A query of that length must be parsed and laid out by then. */
const MS_MAX = 50;

export function fuzz(seed: number): void {
  const dice = diceOf(seed);
  const valid = randomQuery(dice);
  surviving(parsePromql(valid), valid);
  const query = hostileQuery(dice);
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
  assert.deepEqual(withoutPlaces(parsePromql(text, LONG)), withoutPlaces(tree), `${query}\n${text}`);
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

function withoutPlaces(tree: PromExpr): unknown {
  return JSON.parse(
    JSON.stringify(tree, (key, value) => (key === "pos" || key === "end" ? undefined : spelled(value))),
  );
}

/** JSON knows neither NaN, infinities nor negative zeros. */
function spelled(value: unknown): unknown {
  return typeof value === "number" ? (Object.is(value, -0) ? "-0" : String(value)) : value;
}

function hostileQuery(dice: Dice): string {
  switch (dice(4)) {
    case 0:
      return garbage(dice);
    case 1:
      return repeated(dice);
    default:
      return mutated(dice);
  }
}

const PIECES = [
  ..."{}[](),@+-*/%^<>=!~\"'`\\#$:.0159aemibx_é🜚\n\t \0\x7f\ud800",
  ...["sum", "by", "on", "or", "offset", "bool", "group_left", "inf", "nan", "fill", "start()", "step()", "anchored"],
  ...["1h", "5M", "1e", "0x", "\\x4", '"\\u', "=~", '"("', "a{2}", ".*", "__name__", "__proto__", "up", "[5m:]", "</"],
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
  return text.slice(0, LENGTH_MAX);
}

/** One or two pieces over and over: deep, wide, or long. */
function repeated(dice: Dice): string {
  const count = 1 << dice(15);
  const piece = `${PIECES[dice(PIECES.length)]}${dice(2) === 0 ? PIECES[dice(PIECES.length)] : ""}`;
  const around = dice(2) === 0 ? mutated(dice) : "";
  const text = around + piece.repeat(count) + (dice(2) === 0 ? mutated(dice) : "");
  return text.slice(0, LENGTH_MAX);
}
