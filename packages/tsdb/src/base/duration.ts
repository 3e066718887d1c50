/**
 * Durations as VictoriaMetrics writes them: one or more `<decimal><unit>` without spaces, `1h30m`, `1.5d`, `2h-5m`.
 *
 * Units: `ms s m h d w y i`; d = 24h, w = 7d, y = 365d, and `i` is one step of the query. Upper case is accepted except for
 * minutes: `5M` is five million, a number. Every part after the first may carry a minus; once one does, the rest are
 * negative too, so `2h-5m30s` is 1h54m30s.
 */
import { InputError } from "./errors.ts";

/** `ms + steps × step`. `ms` is a whole number of milliseconds. */
export interface Duration {
  readonly ms: number;
  /** Multiples of the query's step; 0 for durations without `i`. */
  readonly steps: number;
}

/**
 * Parses a whole text as a duration, with an optional leading minus for all of it.
 * @throws InputError if it is none, or does not fit into 2^53 ms.
 */
export function parseDuration(text: string): Duration {
  const isNegative = text.startsWith("-");
  const start = isNegative ? 1 : 0;
  const end = scanDuration(text, start);
  if (end < 0 || end !== text.length) {
    const column = end < 0 ? start : end;
    throw new InputError(
      `duration ${quote(text)}: want parts such as 1h30m or 1.5d, units ms s m h d w y i, got ${quote(text.slice(column))}`,
      400,
      1,
      column + 1,
    );
  }
  const duration = readDuration(text, start, end);
  return isNegative ? { ms: 0 - duration.ms, steps: 0 - duration.steps } : duration;
}

/**
 * A duration of fixed length, for flags and query arguments. Milliseconds.
 * A bare number is refused: what it would mean is for the caller to know. So is `i`: there is no step to multiply.
 * @throws InputError
 */
export function parseDurationMs(text: string): number {
  const duration = parseDuration(text);
  if (duration.steps !== 0) {
    throw new InputError(
      `duration ${quote(text)}: want a fixed length, got the unit i, which depends on the query's step`,
    );
  }
  return duration.ms;
}

/** End of the longest duration that starts at `start`, or -1 if none does. A leading minus is not part of it. */
export function scanDuration(text: string, start: number): number {
  let end = scanPart(text, start);
  if (end < 0) return -1;
  for (;;) {
    const next = scanPart(text, text[end] === "-" ? end + 1 : end);
    if (next < 0) return end;
    end = next;
  }
}

/**
 * Reads what `scanDuration` found in `text[start, end)`. Fractions of a millisecond are cut off.
 * @throws InputError if it does not fit into 2^53 ms.
 */
export function readDuration(text: string, start: number, end: number): Duration {
  let ms = 0;
  let steps = 0;
  let sign = 1;
  let at = start;
  while (at < end) {
    if (text[at] === "-") {
      sign = -1;
      at++;
    }
    let unitAt = at;
    while (isDigit(text.charCodeAt(unitAt)) || text[unitAt] === ".") unitAt++;
    const count = sign * Number(text.slice(at, unitAt));
    const unitEnd = scanUnit(text, unitAt);
    const unit = text.slice(unitAt, unitEnd).toLowerCase();
    if (unit === "i") steps += count;
    else ms += count * (UNIT_MS.get(unit) as number);
    at = unitEnd;
  }
  ms = truncateMs(ms);
  if (!(Math.abs(ms) <= Number.MAX_SAFE_INTEGER && Math.abs(steps) <= Number.MAX_SAFE_INTEGER)) {
    throw new InputError(
      `duration ${quote(text.slice(start, end))}: want at most 2^53 milliseconds`,
      400,
      1,
      start + 1,
    );
  }
  return { ms, steps };
}

/**
 * Cuts off fractions of a millisecond, but not a millisecond that was lost to binary fractions: 1.001 s
 * times 1000 is 1000.9999999999999 and means 1001.
 */
export function truncateMs(ms: number): number {
  const rounded = Math.round(ms);
  const whole = Math.abs(ms - rounded) < 1e-6 ? rounded : Math.trunc(ms);
  return whole === 0 ? 0 : whole;
}

/** Text of a duration that `parseDuration` reads back to the same. */
export function formatDuration(duration: Duration): string {
  const { ms, steps } = duration;
  if (ms < 0 && steps > 0) return `${formatParts(0, steps)}-${formatParts(-ms, 0)}`;
  if (ms > 0 && steps < 0) return `${formatParts(ms, 0)}-${formatParts(0, -steps)}`;
  return ms < 0 || steps < 0 ? `-${formatParts(-ms, -steps)}` : formatParts(ms, steps);
}

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["y", 365 * 86_400_000],
  ["w", 7 * 86_400_000],
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
]);

/** Units that `formatDuration` writes; years and weeks are left to people. */
const PRINTED_UNITS = ["d", "h", "m", "s", "ms"] as const;

function formatParts(ms: number, steps: number): string {
  let text = "";
  let rest = ms;
  for (const unit of PRINTED_UNITS) {
    const size = UNIT_MS.get(unit) as number;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  if (steps !== 0) text += `${formatSteps(steps)}i`;
  return text === "" ? "0s" : text;
}

/** A positive count of steps as a plain decimal: an exponent could not be read back. */
function formatSteps(steps: number): string {
  const text = String(steps);
  const exponentAt = text.indexOf("e-");
  if (exponentAt < 0) return text;
  const digits = text.slice(0, exponentAt).replace(".", "");
  return `0.${"0".repeat(Number(text.slice(exponentAt + 2)) - 1)}${digits}`;
}

/** End of one `<decimal><unit>` at `start`, or -1. */
function scanPart(text: string, start: number): number {
  let at = start;
  while (isDigit(text.charCodeAt(at))) at++;
  if (at === start) return -1;
  if (text[at] === ".") {
    at++;
    while (isDigit(text.charCodeAt(at))) at++;
  }
  return scanUnit(text, at);
}

function scanUnit(text: string, at: number): number {
  switch (text[at]) {
    case "m":
    case "M": {
      const next = text[at + 1];
      if (next === "s" || next === "S") return at + 2;
      // `5Mi`, `5mb` are numbers with a suffix, and so is `5M`: minutes are lower case.
      if (text[at] === "M" || next === "i" || next === "I" || next === "b" || next === "B") return -1;
      return at + 1;
    }
    case "s":
    case "S":
    case "h":
    case "H":
    case "d":
    case "D":
    case "w":
    case "W":
    case "y":
    case "Y":
    case "i":
    case "I":
      return at + 1;
    default:
      return -1;
  }
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
