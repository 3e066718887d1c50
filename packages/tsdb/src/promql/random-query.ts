/**
 * Random queries by seed, for property tests: all of the grammar, nested a few levels, spelled in different ways, and of the right types.
 */

import type { Dice } from "../base/random.ts";
import type { PromType } from "./ast.ts";
import { promFunctions } from "./functions.ts";
import { AGGREGATE_PARAMS } from "./operators.ts";

export function randomQuery(dice: Dice, depth = 4): string {
  const types: readonly PromType[] = ["vector", "vector", "vector", "scalar", "matrix", "string"];
  return expression(dice, pick(dice, types), depth);
}

const NAMES = ["up", "node:cpu:rate5m", ":a", "sum", "offset", "and", "BY", "step", "fill", "x_total", "without"];
const LABELS = ["job", "le", "on", '"my label"', '"ж"', "`raw`", "__name__x", "bool", "inf"];
const STRINGS = ['"web"', "'it\\'s'", "`raw\\n`", '"\\u00e9\\x41\\351"', '"a\\"b\\t"', '"ж\\xff"', '"\\U0001F600"'];
const REGEXES = ['"4..|5.."', '"web-.+"', '"[a-c]+x?"', "'a'"];
const NUMBERS = ["0", "5", ".5", "5.", "1e3", "0x1F", "017", "1_000", "Inf", "nan", "1e-300", "5m", "1h30m", "10ms"];
const DURATIONS = ["5m", "1h30m", "1d", "100ms", "300", "1.5", "60*30", "1m + step()", "min_of(step(), 1m)", "(2h)"];
const OFFSETS = ["5m", "-1h", "300", "-0.5", "step()", "-range()", "(1h - 5m)", "+max(1s, 2)", "(step()) * 2", "0s"];
const COMPARISONS = ["==", "!=", "<", ">", "<=", ">="];
const ARITHMETIC = ["+", "-", "*", "/", "%", "^", "atan2", "ATAN2"];
const SETS = ["and", "or", "unless", "OR"];

function pick<T>(dice: Dice, choices: readonly T[]): T {
  return choices[dice(choices.length)] as T;
}

function expression(dice: Dice, type: PromType, depth: number): string {
  if (dice(8) === 0) return `( ${expression(dice, type, depth - 1)} )${dice(9) === 0 ? " # ) comment\n" : ""}`;
  if (type === "string") return pick(dice, STRINGS);
  if (type === "matrix") return shifted(dice, matrix(dice, depth));
  if (depth <= 0) return type === "scalar" ? pick(dice, NUMBERS) : shifted(dice, selector(dice));
  if (dice(4) === 0) return `${pick(dice, ["-", "+", "- "])}${expression(dice, type, depth - 1)}`;
  if (dice(3) === 0) return binary(dice, type, depth - 1);
  if (type === "vector" && dice(3) === 0) return aggregate(dice, depth - 1);
  if (dice(3) === 0) return type === "scalar" ? pick(dice, NUMBERS) : shifted(dice, selector(dice));
  return call(dice, type, depth - 1);
}

function matrix(dice: Dice, depth: number): string {
  const duration = pick(dice, DURATIONS);
  if (dice(2) === 0) return `${selector(dice)}[${duration}]`;
  const step = dice(2) === 0 ? "" : pick(dice, DURATIONS);
  return `${dice(2) === 0 ? selector(dice) : call(dice, "vector", depth - 1)}[${duration}:${step}]`;
}

function selector(dice: Dice): string {
  const filters: string[] = [];
  for (let count = dice(3); count > 0; count--) {
    const value = dice(2) === 0 ? `=~${pick(dice, REGEXES)}` : `${pick(dice, ["=", "!="])} ${pick(dice, STRINGS)}`;
    filters.push(`${pick(dice, LABELS)}${value}`);
  }
  if (dice(4) > 0) return `${pick(dice, NAMES)}${filters.length === 0 ? "" : `{${filters.join(", ")}}`}`;
  filters.push(pick(dice, ['"my.metric"', "__name__=~`a.+`", '__name__ = "b"']));
  return `{${filters.join(",")}${dice(3) === 0 ? "," : ""}}`;
}

/** With `offset` and `@`, in either order. */
function shifted(dice: Dice, text: string): string {
  const offset = dice(3) === 0 ? ` offset ${pick(dice, OFFSETS)}` : "";
  const at = dice(3) === 0 ? ` @ ${pick(dice, ["start()", "end ( )", "1609746000", "-5.001", "1h"])}` : "";
  return text + (dice(2) === 0 ? offset + at : at + offset);
}

function call(dice: Dice, type: PromType, depth: number): string {
  const names = [...promFunctions].filter(([name, { returns }]) => returns === type && name !== "info");
  const [name, { args, variadic }] = pick(dice, names);
  const repeated = variadic === 0 ? 0 : dice(variadic === 1 ? 2 : 3) - 1;
  const types = [...args.slice(0, args.length + Math.min(repeated, 0))];
  if (repeated > 0) types.push(args.at(-1) as PromType);
  return `${name}(${types.map((one) => expression(dice, one, depth)).join(dice(3) === 0 ? "," : ", ")})`;
}

function aggregate(dice: Dice, depth: number): string {
  const [op, param] = pick(dice, [...AGGREGATE_PARAMS]);
  const first = param === null ? "" : `${expression(dice, param, depth)}, `;
  const body = `(${first}${expression(dice, "vector", depth)})`;
  const by = `${pick(dice, ["by", "without", "BY"])} (${labels(dice)})`;
  return pick(dice, [`${op}${body}`, `${op} ${by} ${body}`, `${op.toUpperCase()} ${body} ${by}`]);
}

function labels(dice: Dice): string {
  const list = LABELS.slice(dice(3), dice(LABELS.length));
  return list.join(", ") + (list.length > 0 && dice(4) === 0 ? "," : "");
}

function binary(dice: Dice, type: "scalar" | "vector", depth: number): string {
  if (type === "scalar") {
    const op = dice(3) === 0 ? `${pick(dice, COMPARISONS)} bool` : pick(dice, ARITHMETIC);
    return `${expression(dice, "scalar", depth)} ${op} ${expression(dice, "scalar", depth)}`;
  }
  // In parentheses: a set operator inside could otherwise get a scalar for a neighbour.
  const left = `(${expression(dice, "vector", depth)})`;
  const right = `(${expression(dice, "vector", depth)})`;
  if (dice(4) === 0) return `${left} ${pick(dice, SETS)}${dice(2) === 0 ? ` on (${labels(dice)})` : ""} ${right}`;
  const op = pick(dice, [...ARITHMETIC, ...COMPARISONS, "== bool", "> BOOL"]);
  if (dice(5) === 0) return `${left} ${op} ${expression(dice, "scalar", 0)}`;
  let text = `${left} ${op}`;
  if (dice(2) === 0) {
    text += ` ${pick(dice, ["on", "ignoring"])} (${dice(2) === 0 ? "job" : ""})`;
    if (dice(2) === 0) text += ` ${pick(dice, ["group_left", "group_right"])} (${dice(2) === 0 ? "" : "le, `ж`"})`;
  }
  if (dice(4) === 0) text += pick(dice, [" fill (0)", " fill_left(-1) fill_right (inf)", " fill_right(5m)"]);
  return `${text} ${right}`;
}
