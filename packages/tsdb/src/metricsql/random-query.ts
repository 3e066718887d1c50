/**
 * Random queries by seed, for property tests: all of the grammar, nested a few levels, spelled in different ways.
 * What they say need not make sense, only parse.
 */
import type { Dice } from "../base/random.ts";

export function randomQuery(dice: Dice, depth = 4): string {
  return expression({ dice, depth });
}

interface Place {
  readonly dice: Dice;
  readonly depth: number;
}

const NAMES = ["up", "node_load1", "foo\\-bar", "температура", "a:b", "sum", "offset", "x.y", "\\or", "\\inf"];
const LABELS = ["job", "instance", "le", "a\\-b", '"quoted label"', "or", "__name__"];
const VALUES = ['"web"', "'it\\'s'", "`raw\\n`", '"\\u00e9\\x41"', '""', '"a\\"b"', '"ж"'];
const REGEXES = ['".*"', '"4..|5.."', '"web-.+"', '""', '"[a-c]+x?"'];
const NUMBERS = ["0", "5", ".5", "5.", "1e3", "0x1f", "017", "1_000", "2Ki", "1.5MB", "Inf", "NaN", "1e-300", "8k"];
const DURATIONS = ["5m", "1h30m", "1.5d", "100ms", "2h-5m", "1i", "0.5i", "$__interval", "5S"];
const COMPARISONS = ["==", "!=", "<", ">", "<=", ">="];
const ARITHMETIC = ["+", "-", "*", "/", "%", "^", "atan2", "ATAN2"];
const SETS = ["and", "or", "unless", "OR"];
const OTHERS = ["if", "ifnot", "default"];
const FUNCTIONS = ["rate", "abs", "label_set", "Time", "histogram_quantile", "union", "by"];
const AGGREGATES = ["sum", "topk", "COUNT_VALUES", "quantile"];

function pick(dice: Dice, choices: readonly string[]): string {
  return choices[dice(choices.length)] as string;
}

function deeper(place: Place): Place {
  return { dice: place.dice, depth: place.depth - 1 };
}

function expression(place: Place): string {
  const { dice } = place;
  if (place.depth <= 0 || dice(3) === 0) return signed(place);
  let text = signed(deeper(place));
  for (let count = dice(3); count >= 0; count--) {
    text += ` ${operator(dice)} ${signed(deeper(place))}`;
    // Behind a call of a template it would have to suit what the template turns out to be.
    if (dice(8) === 0 && !/keep_metric_names$|f\(\(a, b\)\)$|alias\(|ru\(/.test(text)) text += " keep_metric_names";
  }
  return text;
}

function operator(dice: Dice): string {
  const kind = dice(4);
  if (kind === 0) return `${pick(dice, SETS)}${dice(3) === 0 ? ` on(${labels(dice)})` : ""}`;
  let text = pick(dice, kind === 1 ? COMPARISONS : kind === 2 ? ARITHMETIC : OTHERS);
  if (kind === 1 && dice(3) === 0) text += " bool";
  if (dice(3) === 0) text += ` ${pick(dice, ["on", "ignoring", "ON"])} (${labels(dice)})`;
  if (dice(5) === 0) {
    text += ` ${pick(dice, ["group_left", "group_right"])}${pick(dice, ["()", "(*)", `(${labels(dice)})`])}`;
    if (dice(3) === 0) text += ' prefix "p_"';
  }
  if (dice(6) === 0)
    text += pick(dice, [" fill(0)", " fill_left(-1)", " fill_right(2.5) fill_left(NaN)", " fill(-Inf)"]);
  return text;
}

function signed(place: Place): string {
  const { dice } = place;
  return `${pick(dice, ["", "", "", "", "-", "+", "- -"])}${suffixed(place)}`;
}

function suffixed(place: Place): string {
  const { dice } = place;
  if (place.depth > 0 && dice(12) === 0) return withTemplates(deeper(place));
  let text = atom(place);
  if (dice(4) === 0)
    text += pick(dice, [`[${duration(dice)}]`, "[5m:1m]", "[1h:]", "[:30s]", "[300]", "[$__interval]", "[:]"]);
  const at = dice(8) === 0 ? ` @ ${atom(deeper(place))}` : "";
  const offset =
    dice(8) === 0 ? ` ${pick(dice, ["offset", "OFFSET"])} ${dice(2) === 0 ? "-" : ""}${duration(dice)}` : "";
  return dice(2) === 0 ? text + at + offset : text + offset + at;
}

function duration(dice: Dice): string {
  return pick(dice, DURATIONS);
}

function atom(place: Place): string {
  const { dice } = place;
  switch (place.depth <= 0 ? dice(4) : dice(9)) {
    case 0:
      return pick(dice, NUMBERS);
    case 1:
      return duration(dice);
    case 2:
      return dice(3) === 0 ? pick(dice, VALUES) : pick(dice, NAMES);
    case 3:
    case 4:
      return selector(dice);
    case 5:
      return `${pick(dice, FUNCTIONS)}(${list(place)})${dice(5) === 0 ? " keep_metric_names" : ""}`;
    case 6:
      return aggregate(place);
    case 7:
      return `(${list(place)})`;
    default:
      return `(${expression(deeper(place))})`;
  }
}

function aggregate(place: Place): string {
  const { dice } = place;
  const modifier = dice(2) === 0 ? "" : ` ${pick(dice, ["by", "without", "BY"])} (${labels(dice)})`;
  const args = `(${list(place)})`;
  const limit = dice(5) === 0 ? ` limit ${dice(10)}` : "";
  return `${pick(dice, AGGREGATES)}${dice(2) === 0 ? modifier + args : args + modifier}${limit}`;
}

function list(place: Place): string {
  const { dice } = place;
  const items: string[] = [];
  for (let count = dice(3); count > 0; count--) items.push(expression(deeper(place)));
  return items.join(", ") + (items.length > 0 && dice(4) === 0 ? "," : "");
}

function labels(dice: Dice): string {
  const names: string[] = [];
  for (let count = dice(3); count > 0; count--) names.push(pick(dice, LABELS));
  return names.join(", ");
}

function selector(dice: Dice): string {
  const groups: string[] = [];
  for (let count = dice(3); count > 0; count--) {
    const filters: string[] = [];
    for (let filterCount = 1 + dice(3); filterCount > 0; filterCount--) filters.push(filter(dice));
    groups.push(filters.join(dice(2) === 0 ? "," : " , "));
  }
  return `${pick(dice, ["", ...NAMES])}{${groups.join(dice(2) === 0 ? " or " : ", OR ")}}`;
}

function filter(dice: Dice): string {
  // Two names in one selector are an error, so this label takes part in inequalities only.
  const label = pick(dice, LABELS);
  if (dice(3) === 0) return `${label}${pick(dice, ["=~", "!~", " !~ "])}${pick(dice, REGEXES)}`;
  const op = label === "__name__" ? "!=" : pick(dice, ["=", "!=", " = "]);
  return `${label}${op}${pick(dice, VALUES)}${dice(6) === 0 ? '+"tail"' : ""}`;
}

function withTemplates(place: Place): string {
  const { dice } = place;
  const body = expression(deeper(place));
  const uses = [
    "WITH (x = up) x{a='b'}",
    `WITH (x = ${body}, y = x) y + x`,
    `with (f(a, b) = a + b,) f(${body}, 2)`,
    'WITH (cf = {a="b" or c="d"}) {job="x", cf}',
    "WITH (w = 5m) up[w:w] offset w",
    "WITH (f(g) = sum(up) by (g)) f((a, b))",
    'WITH (p = "a" + "b") {job=p+"c"}',
    `ru(${body}, 5)`,
    'alias(up, "y")',
    `WITH () ${body}`,
  ];
  return pick(dice, uses);
}
