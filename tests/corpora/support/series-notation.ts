/**
 * One line of a script's `load`, or of what an `eval` expects: a series and its values.
 *
 *   http_requests_total{job="a", "odd name"="b"}  0+10x3  _x2  stale  {{schema:0 sum:1 count:2}}x2
 *   └ metric and labels                           └ items, each one or more steps
 *
 * Written apart from the parsers it tests: nothing here comes from the packages.
 */

/** A step of a series: a sample, none, a staleness marker, or a native histogram, whose content nobody here reads. */
export type Step = number | "gap" | "stale" | "native";

export type LabelPair = readonly [name: string, value: string];

export interface NotedSeries {
  /** `__name__` among them, empty values left out. */
  readonly labels: readonly LabelPair[];
  /** True for a line `series@st …`, whose steps are start timestamps of the next line's samples: they are not read. */
  readonly isStartTimes: boolean;
  readonly steps: readonly Step[];
}

/** @throws Error saying what was wanted */
export function parseSeriesLine(line: string): NotedSeries {
  const { labels, end } = parseLabels(line);
  const isStartTimes = line.startsWith("@st", end);
  const rest = line.slice(isStartTimes ? end + 3 : end);
  if (rest !== "" && !/^\s/.test(rest)) throw new Error(`want a space after the series, got ${rest}`);
  return { labels, isStartTimes, steps: isStartTimes ? [] : parseSteps(rest) };
}

const STEP = /(?:[-+]?\{\{.*?\}\})+(?:x\d+)?|\S+/g;
const NUMBER = String.raw`[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|inf|nan)`;
const REPEATED_NUMBER = new RegExp(`^(${NUMBER})([-+](?:${NUMBER.slice("[-+]?".length)}))?x(\\d+)$`, "i");

/** `5x3` is four steps, the first and three more; `_x3` is three. */
export function parseSteps(text: string): Step[] {
  const steps: Step[] = [];
  const repeat = (step: Step, count: number): void => {
    for (let i = 0; i < count; i++) steps.push(step);
  };
  for (const [item] of text.matchAll(STEP)) {
    const repeated = REPEATED_NUMBER.exec(item);
    if (repeated !== null) {
      let value = parseNumber(repeated[1] as string) as number;
      const increment = repeated[2] === undefined ? 0 : (parseNumber(repeated[2]) as number);
      for (let i = 0; i <= Number(repeated[3]); i++, value += increment) steps.push(value);
      continue;
    }
    const times = /x(\d+)$/.exec(item)?.[1];
    if (item.includes("{{")) repeat("native", times === undefined ? 1 : Number(times) + 1);
    else if (/^_(x\d+)?$/.test(item)) repeat("gap", Number(times ?? 1));
    else if (/^stale(x\d+)?$/.test(item)) repeat("stale", times === undefined ? 1 : Number(times) + 1);
    else {
      const value = parseNumber(item);
      if (value === null) throw new Error(`want a value, got ${item}`);
      steps.push(value);
    }
  }
  return steps;
}

/** As Go's strconv reads it: decimal, hexadecimal, Inf, NaN. null if it is none of them. */
export function parseNumber(text: string): number | null {
  const [, sign, digits] = /^([-+]?)(.*)$/.exec(text) as unknown as [string, string, string];
  const factor = sign === "-" ? -1 : 1;
  if (/^inf(inity)?$/i.test(digits)) return factor * Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(digits)) return Number.NaN;
  return /^(\d|\.\d)/.test(digits) && !Number.isNaN(Number(digits)) ? factor * Number(digits) : null;
}

function parseLabels(line: string): { labels: LabelPair[]; end: number } {
  const found = new Map<string, string>();
  let at = 0;
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const hit = pattern.exec(line);
    if (hit === null) return null;
    at += hit[0].length;
    return hit[0];
  };
  const quoted = (): string | null => {
    const text = match(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/y);
    return text === null ? null : unquote(text);
  };
  const name = match(/[A-Za-z_:][\w:]*/y);
  if (name !== null) found.set("__name__", name);
  if (match(/\{\s*/y) !== null) {
    while (match(/\}/y) === null) {
      const text = quoted();
      const label = text ?? match(/[A-Za-z_][\w]*/y);
      if (label === null) throw new Error(`want a label or } at ${at} of ${line}`);
      if (match(/\s*=\s*/y) === null) {
        if (text === null) throw new Error(`want = at ${at} of ${line}`);
        found.set("__name__", text);
      } else {
        const value = quoted();
        if (value === null) throw new Error(`want a quoted value at ${at} of ${line}`);
        found.set(label, value);
      }
      if (match(/\s*,\s*/y) === null && match(/\s*(?=\})/y) === null) {
        throw new Error(`want , or } at ${at} of ${line}`);
      }
    }
  } else if (name === null) throw new Error(`want a series, got ${line}`);
  return { labels: [...found].filter(([, value]) => value !== ""), end: at };
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["a", "\x07"],
  ["b", "\b"],
  ["f", "\f"],
  ["v", "\v"],
]);

/** The text between quotes, escapes as Go has them; between backquotes there are none. */
export function unquote(text: string): string {
  const inner = text.slice(1, -1);
  if (text.startsWith("`")) return inner;
  return inner.replace(/\\(?:x([\da-f]{2})|u([\da-f]{4})|U([\da-f]{8})|(.))/gi, (_, x, u, long, other: string) => {
    const hex = (x ?? u ?? long) as string | undefined;
    return hex !== undefined ? String.fromCodePoint(Number.parseInt(hex, 16)) : (ESCAPES.get(other) ?? other);
  });
}
