/**
 * Numbers and durations as Prometheus writes them.
 *
 * Numbers: `5`, `.5`, `5.`, `1e-3`, `0x1F`, `017` (octal), `1_000`; `Inf` and `NaN` are words and known to the parser.
 * Durations: `1h30m`, each unit of y w d h m s ms at most once and in this order, whole numbers only; y = 365d.
 */
import { shown, syntaxError } from "./syntax-error.ts";

export interface NumberLiteral {
  readonly end: number;
  /** Seconds if it is a duration. */
  readonly value: number;
  readonly isDuration: boolean;
}

/** Largest duration, seconds: 2^63 nanoseconds, 292 years. */
export const DURATION_SECONDS_MAX: number = 2 ** 63 / 1e9;

/**
 * Reads the literal that starts at the digit, or the dot before one, at `pos`.
 * @throws InputError if it is neither number nor duration, or too large for one.
 */
export function readNumber(query: string, pos: number): NumberLiteral {
  let end = pos;
  while (isNumberPart(query, end, pos)) end++;
  const text = query.slice(pos, end);
  const value = numberOf(text);
  if (value !== null) {
    if (Number.isFinite(value)) return { end, value, isDuration: false };
    throw syntaxError(query, pos, `error parsing number: ${shown(text)}: value out of range`);
  }
  const seconds = durationSecondsOf(text);
  if (seconds === null) throw syntaxError(query, pos, `bad number or duration syntax: ${shown(text)}`);
  if (seconds > DURATION_SECONDS_MAX) throw syntaxError(query, pos, "duration out of range");
  return { end, value: seconds, isDuration: true };
}

/** Letters, digits, dots, and a sign behind the `e` of a decimal: everything that would glue to the number. */
function isNumberPart(query: string, at: number, pos: number): boolean {
  const char = query[at] ?? "";
  if (isWordChar(char) || char === ".") return true;
  if (char !== "+" && char !== "-") return false;
  const before = query[at - 1];
  return (before === "e" || before === "E") && at > pos && !(query[pos] === "0" && isX(query[pos + 1]));
}

/** null if the text is no number. */
function numberOf(text: string): number | null {
  if (!hasProperUnderscores(text)) return null;
  const digits = text.replaceAll("_", "");
  if (isX(digits[1])) return digits[0] === "0" && allOf(digits, 2, isHexDigit) ? Number(digits) : null;
  if (digits.length > 1 && digits[0] === "0" && allOf(digits, 1, isOctalDigit)) return Number.parseInt(digits, 8);
  // Number() knows more spellings than decimals: 0b1, 0o7, Infinity and the empty text.
  let at = skipDigits(digits, 0);
  let digitCount = at;
  if (digits[at] === ".") {
    const fractionAt = at + 1;
    at = skipDigits(digits, fractionAt);
    digitCount += at - fractionAt;
  }
  if (digitCount === 0) return null;
  if (digits[at] === "e" || digits[at] === "E") {
    at++;
    if (digits[at] === "+" || digits[at] === "-") at++;
    const exponentAt = at;
    at = skipDigits(digits, at);
    if (at === exponentAt) return null;
  }
  return at === digits.length ? Number(digits) : null;
}

/** Underscores stand between digits, or behind `0x`. */
function hasProperUnderscores(text: string): boolean {
  for (let at = text.indexOf("_"); at >= 0; at = text.indexOf("_", at + 1)) {
    const before = text[at - 1] ?? "";
    const isBehindPrefix = at === 2 && isX(before);
    if (!(isHexDigit(before) || isBehindPrefix) || !isHexDigit(text[at + 1] ?? "")) return false;
  }
  return true;
}

const UNITS: readonly { readonly unit: string; readonly ms: number; readonly isPrintedIfWhole: boolean }[] = [
  // 90d reads better than 12w6d: years and weeks are printed if nothing remains.
  { unit: "y", ms: 365 * 86_400_000, isPrintedIfWhole: true },
  { unit: "w", ms: 7 * 86_400_000, isPrintedIfWhole: true },
  { unit: "d", ms: 86_400_000, isPrintedIfWhole: false },
  { unit: "h", ms: 3_600_000, isPrintedIfWhole: false },
  { unit: "m", ms: 60_000, isPrintedIfWhole: false },
  { unit: "s", ms: 1000, isPrintedIfWhole: false },
  { unit: "ms", ms: 1, isPrintedIfWhole: false },
];

/** null if the text is no duration. */
function durationSecondsOf(text: string): number | null {
  let ms = 0;
  let at = 0;
  let nextUnit = 0;
  while (at < text.length) {
    const unitAt = skipDigits(text, at);
    if (unitAt === at) return null;
    const unitEnd = text.startsWith("ms", unitAt) ? unitAt + 2 : unitAt + 1;
    const unit = text.slice(unitAt, unitEnd);
    const index = UNITS.findIndex((one, i) => i >= nextUnit && one.unit === unit);
    const found = UNITS[index];
    if (found === undefined) return null;
    ms += Number(text.slice(at, unitAt)) * found.ms;
    nextUnit = index + 1;
    at = unitEnd;
  }
  return ms / 1000;
}

/** `90000` → `1m30s`: what `readNumber` reads back to the same. Whole milliseconds. */
export function formatPromDuration(ms: number): string {
  if (ms < 0) return `-${formatPromDuration(-ms)}`;
  if (ms === 0) return "0s";
  let text = "";
  let rest = ms;
  for (const { unit, ms: size, isPrintedIfWhole } of UNITS) {
    if (rest < size || (isPrintedIfWhole && rest % size !== 0)) continue;
    const count = Math.floor(rest / size);
    text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}

function skipDigits(text: string, at: number): number {
  let end = at;
  while (isDigit(text[end] ?? "")) end++;
  return end;
}

function allOf(text: string, start: number, isWanted: (char: string) => boolean): boolean {
  for (let at = start; at < text.length; at++) if (!isWanted(text[at] as string)) return false;
  return text.length > start;
}

export function isDigit(char: string): boolean {
  return char >= "0" && char <= "9";
}

/** A letter, digit or underscore; false for "", the end of the text. */
export function isWordChar(char: string): boolean {
  return isDigit(char) || isWordStart(char);
}

export function isWordStart(char: string): boolean {
  return (char >= "a" && char <= "z") || (char >= "A" && char <= "Z") || char === "_";
}

function isHexDigit(char: string): boolean {
  return isDigit(char) || (char >= "a" && char <= "f") || (char >= "A" && char <= "F");
}

function isOctalDigit(char: string): boolean {
  return char >= "0" && char <= "7";
}

function isX(char: string | undefined): boolean {
  return char === "x" || char === "X";
}
