/**
 * Times and durations in requests, in all the forms VictoriaMetrics takes.
 *
 *   1700000000  1700000000.5  1.7e9      seconds; whole numbers too large for seconds are ms, µs or ns
 *   2024-05-06T07:08:09.5Z  2024-05-06T07:08+02:00  2024-05  2024     RFC 3339, whole or in part
 *   now  now-5m  -1h30m  5m              before now
 *
 * Results are milliseconds. Times without a zone are in the zone of the process.
 */
import { InputError } from "@nyanza/tsdb";
import { quote, type RequestArguments } from "../http/arguments.ts";

/** The storage engine's end of time: what an int64 of nanoseconds can say. */
export const TIME_MAX_MS = 9_223_372_036_854;
const DURATION_MAX_MS = 100 * 365 * 86_400_000;

/** What Prometheus' client libraries send for "since ever" and "for ever". */
const PROMETHEUS_TIME_MIN = "-292273086-05-16T16:47:06Z";
const PROMETHEUS_TIME_MAX = "292277025-08-18T07:12:54.999999999Z";

/** Milliseconds, not before 1970. @throws InputError */
export function getTime(args: RequestArguments, name: string, absentMs: number, nowMs: number): number {
  const text = args.get(name);
  if (text === "") return absentMs;
  if (text === PROMETHEUS_TIME_MIN) return 0;
  if (text === PROMETHEUS_TIME_MAX) return TIME_MAX_MS;
  const timeMs = parseTime(text, nowMs);
  if (timeMs === null) {
    throw new InputError(
      `argument ${name}: want a time such as 1700000000, 2024-05-06T07:08:09Z, now-5m or -1h, got ${quote(text)}`,
    );
  }
  return Math.min(Math.max(timeMs, 0), TIME_MAX_MS);
}

/**
 * As `getTime`, but a number is always one of seconds since 1970, as in Prometheus: `2024` is no year, and `-60` is before 1970. Null for
 * what is no time.
 */
export function parsePromTime(text: string, nowMs: number): number | null {
  if (text === PROMETHEUS_TIME_MIN) return 0;
  if (text === PROMETHEUS_TIME_MAX) return TIME_MAX_MS;
  const timeMs = parseUnixTime(text) ?? parseTime(text, nowMs);
  return timeMs === null ? null : Math.min(Math.max(timeMs, -TIME_MAX_MS), TIME_MAX_MS);
}

/** Positive milliseconds of `5m`, `1.5`, `1h30m`; `undefined` (which Grafana may send) counts as absent. @throws InputError */
export function getDuration(args: RequestArguments, name: string, absentMs: number): number {
  const text = args.get(name);
  if (text === "" || text === "undefined") return absentMs;
  const seconds = parseNumber(text);
  const ms = Math.trunc(seconds === null ? (parseDuration(text) ?? Number.NaN) : seconds * 1000);
  if (Number.isNaN(ms)) {
    throw new InputError(
      `argument ${name}: want a duration such as 15s, 1h30m or a number of seconds, got ${quote(text)}`,
    );
  }
  if (ms <= 0 || ms > DURATION_MAX_MS) {
    throw new InputError(`argument ${name}: want a duration from 1ms to 100y, got ${quote(text)}`);
  }
  return ms;
}

/** Milliseconds, not clamped; null for what is no time. */
export function parseTime(text: string, nowMs: number): number | null {
  if (text === "now") return nowMs;
  const relative = text.startsWith("now") ? text.slice(3) : text;
  if (relative !== text || text.startsWith("-") || /[a-zA-Z]$/.test(text.replace(/Z$/, ""))) {
    const ms = parseDuration(relative);
    return ms === null ? null : nowMs - Math.abs(ms);
  }
  if (/^\d{4}Z?$/.test(text) || text.includes("-")) return parseDate(text);
  return parseUnixTime(text);
}

/** Years may be whole dates: the parts given say the rest are at their beginning. */
function parseDate(text: string): number | null {
  const match =
    /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(\.\d+)?)?)?)?)?)?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  if (match === null) return null;
  const part = (index: number, absent: number): number => (match[index] === undefined ? absent : Number(match[index]));
  const [year, month, day] = [part(1, 0), part(2, 1), part(3, 1)];
  const [hour, minute, second] = [part(4, 0), part(5, 0), part(6, 0)];
  const fractionMs = part(7, 0) * 1000;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  // The 31st of February would roll over into March.
  const isReal =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!isReal) return null;
  const zone = match[8];
  const wallMs = date.getTime() + Math.round(fractionMs);
  if (zone === "Z" || (zone === undefined && match[2] === undefined)) return wallMs;
  if (zone === undefined) return wallMs + new Date(wallMs).getTimezoneOffset() * 60_000;
  const offsetMinutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4));
  return wallMs - (zone.startsWith("+") ? 1 : -1) * offsetMinutes * 60_000;
}

/** Seconds, or a finer unit when the number is too large for seconds in an int64 of nanoseconds. */
function parseUnixTime(text: string): number | null {
  const value = parseNumber(text);
  if (value === null) return null;
  const size = Math.abs(value);
  if (size >= 2 ** 63) return null;
  if (size <= 9_223_372_036) return Math.round(value * 1000);
  if (size <= 9_223_372_036_854) return Math.round(value);
  if (size <= 9.223e15) return Math.round(value / 1e3);
  return Math.round(value / 1e6);
}

/** Decimal numbers only: no hexadecimal, no Infinity, no white space. */
function parseNumber(text: string): number | null {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

const MS_PER_UNIT: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
  ["w", 7 * 86_400_000],
  ["y", 365 * 86_400_000],
]);

/**
 * MetricsQL's durations: `1h5m`, `1.5d`, `-30s`, `1h-5m`, a number of seconds; milliseconds, or null. A minus holds for all parts
 * behind it. Units in any case, except that a large M is a million.
 */
export function parseDuration(text: string): number | null {
  const seconds = parseNumber(text);
  if (seconds !== null) return seconds * 1000;
  let rest = text;
  let sign = 1;
  let ms = 0;
  if (rest === "") return null;
  while (rest !== "") {
    const match = /^(-?)(\d+\.?\d*)([mM][sS]|[sShHdDwWyY]|m)/.exec(rest);
    if (match === null) return null;
    if (match[1] === "-") sign = -1;
    ms += sign * Number(match[2]) * (MS_PER_UNIT.get((match[3] as string).toLowerCase()) as number);
    rest = rest.slice(match[0].length);
  }
  return ms;
}
