/**
 * Text → tokens. What a character starts is tried in this order: punctuation, identifier, string, operator (the
 * longest), duration, number; so `5m` is a duration, `5Mi` a number and `foo-bar` a subtraction.
 *
 * Words are not told apart here: any keyword may also name a metric or a label, and only the parser knows the place.
 */

import { type Duration, readDuration, scanDuration } from "../base/duration.ts";
import { InputError } from "../base/errors.ts";
import { readEscape, readString } from "./quoting.ts";
import { shown, syntaxError } from "./syntax-error.ts";

export type TokenKind = "word" | "string" | "number" | "duration" | "sign" | "end";

export interface Token {
  readonly kind: TokenKind;
  readonly pos: number;
  readonly end: number;
  /** As written. Keywords are recognised by it, so an escaped word (`\by`) is never a keyword. */
  readonly text: string;
  /** A word without its escapes, the contents of a string. */
  readonly value: string;
  readonly number: number;
  readonly duration: Duration | null;
}

/** @throws InputError at the first place that is no token. */
export function tokenize(query: string): Token[] {
  const tokens: Token[] = [];
  let at = skipBlank(query, 0);
  // Inside `[…]` a colon separates window and step; elsewhere it is part of a word.
  let isInBrackets = false;
  while (at < query.length) {
    const token = isInBrackets && query[at] === ":" ? sign(query, at, at + 1) : readToken(query, at, isInBrackets);
    if (token.text === "[") isInBrackets = true;
    else if (token.text === "]") isInBrackets = false;
    tokens.push(token);
    at = skipBlank(query, token.end);
  }
  tokens.push({ kind: "end", pos: query.length, end: query.length, text: "", value: "", number: 0, duration: null });
  return tokens;
}

/** True if the text, as it is, is one word for the lexer. */
export function isPlainWord(text: string): boolean {
  if (text === "" || !isWordStart(text, 0)) return false;
  for (let at = 0; at < text.length; at += charLength(text, at)) if (!isWordPart(text, at)) return false;
  return true;
}

/** A word as it must be written to be read back as `text`: `foo\-bar`. */
export function escapeWord(text: string): string {
  let out = "";
  for (let at = 0; at < text.length; ) {
    const length = charLength(text, at);
    const char = text.slice(at, at + length);
    if (at === 0 ? isWordStart(text, at) : isWordPart(text, at)) out += char;
    else if (isPrintableSign(char)) out += `\\${char}`;
    else for (let i = 0; i < length; i++) out += `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`;
    at += length;
  }
  return out;
}

/** `$__interval` and `$__rate_interval` are Grafana's; one that reaches us unreplaced is one step. */
const INTERVAL_VARIABLES = ["$__interval", "$__rate_interval"] as const;

const ONE_STEP: Duration = { ms: 0, steps: 1 };

const SIGNS_OF_TWO: ReadonlySet<string> = new Set(["==", "!=", "=~", "!~", ">=", "<="]);
const SIGNS_OF_ONE = "{}[](),@+-*/%^<>=";

function readToken(query: string, at: number, isInBrackets: boolean): Token {
  const char = query[at] as string;
  if (char === "\\" || isWordStart(query, at)) return readWord(query, at, isInBrackets);
  if (char === '"' || char === "'" || char === "`") {
    const { value, end } = readString(query, at);
    return { kind: "string", pos: at, end, text: query.slice(at, end), value, number: 0, duration: null };
  }
  if (char === "$") {
    for (const variable of INTERVAL_VARIABLES) {
      const end = at + variable.length;
      if (query.startsWith(variable, at) && !(end < query.length && isWordPart(query, end) && query[end] !== ":")) {
        return { kind: "duration", pos: at, end, text: variable, value: "", number: 0, duration: ONE_STEP };
      }
    }
  }
  if (SIGNS_OF_TWO.has(query.slice(at, at + 2))) return sign(query, at, at + 2);
  if (SIGNS_OF_ONE.includes(char)) return sign(query, at, at + 1);
  const durationEnd = scanDuration(query, at);
  if (durationEnd >= 0) return readDurationToken(query, at, durationEnd);
  if (isDigit(query, at) || (char === "." && isDigit(query, at + 1))) return readNumber(query, at);
  throw syntaxError(
    query,
    at,
    `want an expression or an operator, got ${shown(String.fromCodePoint(query.codePointAt(at) as number))}`,
  );
}

function sign(query: string, pos: number, end: number): Token {
  return { kind: "sign", pos, end, text: query.slice(pos, end), value: "", number: 0, duration: null };
}

function readDurationToken(query: string, pos: number, end: number): Token {
  const text = query.slice(pos, end);
  try {
    return { kind: "duration", pos, end, text, value: "", number: 0, duration: readDuration(query, pos, end) };
  } catch (error) {
    if (error instanceof InputError) throw syntaxError(query, pos, error.message);
    throw error;
  }
}

function readWord(query: string, pos: number, isInBrackets: boolean): Token {
  let value = "";
  let at = pos;
  while (at < query.length) {
    if (query[at] === "\\") {
      const escaped = readEscape(query, at);
      value += escaped.value;
      at = escaped.end;
    } else if (isWordPart(query, at) && !(isInBrackets && query[at] === ":")) {
      const length = charLength(query, at);
      value += length === 1 ? query[at] : query.slice(at, at + length);
      at += length;
    } else {
      break;
    }
  }
  return { kind: "word", pos, end: at, text: query.slice(pos, at), value, number: 0, duration: null };
}

/** Factor of a suffix by its lower-case letters. `m` alone is not here: after a number it is minutes, or `M`. */
const SUFFIX_FACTORS: ReadonlyMap<string, number> = new Map([
  ["k", 1e3],
  ["m", 1e6],
  ["g", 1e9],
  ["t", 1e12],
  ["ki", 1024],
  ["mi", 1024 ** 2],
  ["gi", 1024 ** 3],
  ["ti", 1024 ** 4],
]);

function readNumber(query: string, pos: number): Token {
  const radix = radixAt(query, pos);
  if (radix !== 0) return readInteger(query, pos, radix);
  let at = scanDigits(query, pos);
  if (query[at] === ".") at = scanDigits(query, at + 1);
  if (query[at] === "e" || query[at] === "E") {
    let digitsAt = at + 1;
    if (query[digitsAt] === "+" || query[digitsAt] === "-") digitsAt++;
    at = scanDigits(query, digitsAt);
    if (at === digitsAt) {
      throw syntaxError(query, pos, `number ${shown(query.slice(pos, at))}: want digits after its exponent sign`);
    }
  }
  let number = Number(query.slice(pos, at).replaceAll("_", ""));
  const suffixEnd = scanSuffix(query, at);
  if (suffixEnd > at) number *= suffixFactor(query.slice(at, suffixEnd));
  if (!Number.isFinite(number)) {
    throw syntaxError(query, pos, `number ${shown(query.slice(pos, suffixEnd))}: want at most 1.8e308`);
  }
  return numberToken(query, pos, suffixEnd, number);
}

function numberToken(query: string, pos: number, end: number, number: number): Token {
  return { kind: "number", pos, end, text: query.slice(pos, end), value: "", number, duration: null };
}

/** 16, 2 or 8 for `0x…`, `0b…`, `0o…` and `017`; 0 for decimals. */
function radixAt(query: string, pos: number): number {
  if (query[pos] !== "0") return 0;
  switch (query[pos + 1]) {
    case "x":
    case "X":
      return 16;
    case "b":
    case "B":
      return 2;
    case "o":
    case "O":
      return 8;
    default:
      return isDigit(query, pos + 1) ? 8 : 0;
  }
}

function readInteger(query: string, pos: number, radix: number): Token {
  const digitsAt = isDigit(query, pos + 1) ? pos + 1 : pos + 2;
  let end = digitsAt;
  while (isAlphanumeric(query, end) || (query[end] === "_" && end > digitsAt && isAlphanumeric(query, end + 1))) end++;
  let number = 0;
  for (let at = digitsAt; at < end; at++) {
    if (query[at] === "_") continue;
    const digit = Number.parseInt(query[at] as string, 36);
    if (digit >= radix) end = digitsAt;
    number = number * radix + digit;
  }
  if (end === digitsAt) {
    throw syntaxError(query, pos, `number ${shown(query.slice(pos, digitsAt + 1))}: want digits of base ${radix}`);
  }
  if (!(number < 2 ** 63)) {
    throw syntaxError(query, pos, `number ${shown(query.slice(pos, end))}: want less than 2^63`);
  }
  return numberToken(query, pos, end, number);
}

/** Digits, with single underscores between them. */
function scanDigits(query: string, pos: number): number {
  let at = pos;
  while (isDigit(query, at) || (query[at] === "_" && at > pos && isDigit(query, at + 1))) at++;
  return at;
}

/** End of a suffix such as `K`, `Ki`, `KB` or `KiB` at `at`, or `at`. */
function scanSuffix(query: string, at: number): number {
  if (!isOneOf(query, at, "kKmMgGtT")) return at;
  let end = at + 1;
  if (isOneOf(query, end, "iI")) end++;
  if (isOneOf(query, end, "bB")) end++;
  return end;
}

function suffixFactor(suffix: string): number {
  const key = suffix.toLowerCase();
  return SUFFIX_FACTORS.get(key.endsWith("b") ? key.slice(0, -1) : key) as number;
}

function skipBlank(query: string, pos: number): number {
  let at = pos;
  for (;;) {
    if (isOneOf(query, at, " \t\n\v\f\r")) {
      at++;
    } else if (query[at] === "#") {
      const newline = query.indexOf("\n", at);
      at = newline < 0 ? query.length : newline + 1;
    } else {
      return at;
    }
  }
}

function isOneOf(query: string, at: number, chars: string): boolean {
  return at < query.length && chars.includes(query[at] as string);
}

function isDigit(query: string, at: number): boolean {
  const code = query.charCodeAt(at);
  return code >= 48 && code <= 57;
}

function isAlphanumeric(query: string, at: number): boolean {
  const code = query.charCodeAt(at);
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}

const LETTER = /^\p{L}$/u;

function isWordStart(query: string, at: number): boolean {
  const code = query.charCodeAt(at);
  if (code < 128) return (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95 || code === 58;
  return LETTER.test(String.fromCodePoint(query.codePointAt(at) as number));
}

function isWordPart(query: string, at: number): boolean {
  const code = query.charCodeAt(at);
  return (code >= 48 && code <= 57) || code === 46 || isWordStart(query, at);
}

/** Characters that may follow a backslash as they are: visible, and no letter that would start `\xXX` or `\uXXXX`. */
function isPrintableSign(char: string): boolean {
  return /^[\p{N}\p{P}\p{S} ]$/u.test(char);
}

function charLength(query: string, at: number): number {
  return (query.codePointAt(at) as number) > 0xffff ? 2 : 1;
}
