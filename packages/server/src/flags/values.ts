/**
 * Texts of flags turned into values: durations, sizes, retention, lists.
 * Every function throws a FlagValueError whose message says what was wanted; the parser adds which flag it was.
 */

/** What a text should have looked like. */
export class FlagValueError extends Error {}

const MS_PER_UNIT: ReadonlyMap<string, number> = new Map([
  ["ns", 1e-6],
  ["us", 1e-3],
  ["µs", 1e-3],
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
  ["w", 7 * 86_400_000],
  ["y", 365 * 86_400_000],
]);

/** A month of retention is 31 days, as in VictoriaMetrics. */
const MS_PER_MONTH = 31 * 86_400_000;
const MS_PER_DAY = 86_400_000;
const RETENTION_MAX_MS = 100 * 365 * MS_PER_DAY;

/** `1h5m`, `1.5s`, `300ms`, `0`, also with d, w and y; milliseconds. A number without a unit is refused, except 0. */
export function parseFlagDuration(text: string): number {
  const wanted = `want a duration such as 30s, 5m, 1h30m or 7d, got ${JSON.stringify(text)}`;
  if (text === "0") return 0;
  const sign = text.startsWith("-") ? -1 : 1;
  let rest = text.replace(/^[+-]/, "");
  if (rest === "") throw new FlagValueError(wanted);
  let ms = 0;
  while (rest !== "") {
    const match = /^(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h|d|w|y)/.exec(rest);
    if (match === null) throw new FlagValueError(wanted);
    ms += Number(match[1]) * (MS_PER_UNIT.get(match[2] as string) as number);
    rest = rest.slice(match[0].length);
  }
  return sign * ms;
}

/** `1` (months of 31 days), `12h`, `90d`, `8w`, `6M`, `2y`; milliseconds. At least a day, at most 100 years. */
export function parseRetention(text: string): number {
  const wanted = `want a retention such as 1 (months), 90d, 8w, 6M or 2y, got ${JSON.stringify(text)}`;
  const match = /^(\d+\.?\d*|\.\d+)(h|d|w|M|y)?$/.exec(text);
  if (match === null) throw new FlagValueError(wanted);
  const unit = match[2] ?? "M";
  const ms = Number(match[1]) * (unit === "M" ? MS_PER_MONTH : (MS_PER_UNIT.get(unit) as number));
  if (ms < MS_PER_DAY) throw new FlagValueError(`want a retention of at least 1d, got ${JSON.stringify(text)}`);
  if (ms > RETENTION_MAX_MS) throw new FlagValueError(`want a retention of at most 100y, got ${JSON.stringify(text)}`);
  return ms;
}

/** An age: `0`, `1` (months of 31 days), `6M`, and what parseFlagDuration takes; milliseconds, 0 or more. */
export function parseAge(text: string): number {
  const months = /^(\d+\.?\d*|\.\d+)M?$/.exec(text);
  const ms = months === null ? parseFlagDuration(text) : Number(months[1]) * MS_PER_MONTH;
  if (ms < 0) throw new FlagValueError(`want an age such as 12h, 3d or 1 (months), got ${JSON.stringify(text)}`);
  return ms;
}

const BYTES_PER_UNIT: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["KB", 1e3],
  ["MB", 1e6],
  ["GB", 1e9],
  ["TB", 1e12],
  ["KIB", 2 ** 10],
  ["MIB", 2 ** 20],
  ["GIB", 2 ** 30],
  ["TIB", 2 ** 40],
]);

/** `33554432`, `32MiB`, `1.5GB`; suffixes in any case; whole bytes. */
export function parseSize(text: string): number {
  const match = /^(\d+\.?\d*|\.\d+)([A-Za-z]*)$/.exec(text);
  const factor = match === null ? undefined : BYTES_PER_UNIT.get((match[2] as string).toUpperCase());
  if (match === null || factor === undefined) {
    throw new FlagValueError(`want a size such as 1048576, 32MiB or 2GB, got ${JSON.stringify(text)}`);
  }
  return Math.trunc(Number(match[1]) * factor);
}

/** The words VictoriaMetrics' flags take for truth: those of Go's strconv.ParseBool. */
export function parseBool(text: string): boolean {
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(text)) return false;
  throw new FlagValueError(`want true or false, got ${JSON.stringify(text)}`);
}

export function parseInteger(text: string): number {
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new FlagValueError(`want a whole number, got ${JSON.stringify(text)}`);
  return value;
}

export function parseFloatText(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new FlagValueError(`want a number, got ${JSON.stringify(text)}`);
  return value;
}

const CLOSING: ReadonlyMap<string, string> = new Map([
  ["{", "}"],
  ["[", "]"],
  ["(", ")"],
]);

/** Where an item that is not quoted as a whole ends: at a comma outside of brackets, and of quotes within them. */
function endOfItem(text: string, start: number): number {
  const open: string[] = [];
  for (let at = start; at < text.length; at++) {
    const char = text[at] as string;
    if (open.length === 0) {
      if (char === ",") return at;
    } else if (char === '"' || char === "'" || char === "`") {
      for (at++; at < text.length && text[at] !== char; at++) if (text[at] === "\\" && char !== "`") at++;
      continue;
    } else if (char === open[open.length - 1]) {
      open.pop();
      continue;
    }
    const closing = CLOSING.get(char);
    if (closing !== undefined) open.push(closing);
  }
  if (open.length === 0) return text.length;
  // A bracket that nothing closes is a character like any other.
  const comma = text.indexOf(",", start);
  return comma < 0 ? text.length : comma;
}

/** `a,b`, with items that hold commas in double or single quotes or in brackets: `"a,b",c,{d="e",f="g"}:1d`. */
export function parseList(text: string): string[] {
  const items: string[] = [];
  let at = 0;
  while (at <= text.length) {
    const quote = text[at];
    if (quote === '"' || quote === "'") {
      const close = text.indexOf(quote, at + 1);
      if (close < 0) throw new FlagValueError(`want a closing ${quote}, got ${JSON.stringify(text)}`);
      items.push(text.slice(at + 1, close));
      at = close + 1;
      if (at < text.length && text[at] !== ",") {
        throw new FlagValueError(`want a comma after ${quote}, got ${JSON.stringify(text.slice(at))}`);
      }
    } else {
      const end = endOfItem(text, at);
      items.push(text.slice(at, end));
      at = end;
    }
    if (at >= text.length) break;
    at += 1;
  }
  return items;
}
