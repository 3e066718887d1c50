/**
 * Quoted strings and the escapes inside strings and words.
 *
 * `"…"` and `'…'` know Go's escapes and end before the line does; back-ticks keep everything as it is.
 */
import { decodeLabelBytes } from "../base/label-bytes.ts";
import { shown, syntaxError } from "./syntax-error.ts";

/**
 * Reads the string that starts with the quote at `pos`; `end` is behind its closing quote.
 * @throws InputError if it is not closed or an escape is unknown.
 */
export function readString(query: string, pos: number): { value: string; end: number } {
  const quote = query[pos] as string;
  if (quote === "`") {
    const close = query.indexOf("`", pos + 1);
    if (close < 0) throw syntaxError(query, pos, "string: want its closing `, got the end of the query");
    return { value: query.slice(pos + 1, close), end: close + 1 };
  }
  let value = "";
  let at = pos + 1;
  let plainAt = at;
  for (;;) {
    const char = query[at];
    if (char === quote) return { value: value + query.slice(plainAt, at), end: at + 1 };
    if (char === undefined || char === "\n") {
      throw syntaxError(
        query,
        pos,
        `string: want its closing ${quote}, got the end of the ${char === "\n" ? "line" : "query"}`,
      );
    }
    if (char === "\\") {
      value += query.slice(plainAt, at);
      const escaped = readStringEscape(query, at);
      value += escaped.value;
      at = plainAt = escaped.end;
    } else {
      at++;
    }
  }
}

/** A string in double quotes that `readString` reads back to the same. */
export function quoteString(text: string): string {
  let out = '"';
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string;
    const code = text.charCodeAt(i);
    if (char === '"' || char === "\\") out += `\\${char}`;
    else if (char === "\n") out += "\\n";
    else if (char === "\t") out += "\\t";
    else if (code < 32 || code === 127 || isLoneSurrogate(text, i)) out += `\\u${code.toString(16).padStart(4, "0")}`;
    else out += char;
  }
  return `${out}"`;
}

/**
 * Reads the escape at the backslash at `pos` inside a word: `\-` is that character, `\xXX` and `\uXXXX` are code points.
 * @throws InputError if nothing printable follows.
 */
export function readEscape(query: string, pos: number): { value: string; end: number } {
  const kind = query[pos + 1];
  if (kind === "x" || kind === "u") {
    const code = readHex(query, pos + 2, kind === "x" ? 2 : 4);
    if (code >= 0) return { value: String.fromCharCode(code), end: pos + (kind === "x" ? 4 : 6) };
  }
  const codePoint = query.codePointAt(pos + 1);
  if (codePoint === undefined || codePoint < 32 || codePoint === 127) {
    throw syntaxError(query, pos, "want a printable character after a backslash");
  }
  const value = String.fromCodePoint(codePoint);
  return { value, end: pos + 1 + value.length };
}

const SIMPLE_ESCAPES: ReadonlyMap<string, string> = new Map([
  ["a", "\x07"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
  ["\\", "\\"],
  ['"', '"'],
  ["'", "'"],
]);

function readStringEscape(query: string, pos: number): { value: string; end: number } {
  const kind = query[pos + 1] ?? "";
  const simple = SIMPLE_ESCAPES.get(kind);
  if (simple !== undefined) return { value: simple, end: pos + 2 };
  if (kind === "u" || kind === "U") {
    const digits = kind === "u" ? 4 : 8;
    const code = readHex(query, pos + 2, digits);
    if (code >= 0 && code <= 0x10ffff) return { value: String.fromCodePoint(code), end: pos + 2 + digits };
  } else if (byteAt(query, pos) >= 0) {
    return readBytes(query, pos);
  }
  throw syntaxError(
    query,
    pos,
    `want an escape such as \\n, \\\\, \\", \\x41 or \\u0041, got ${shown(query.slice(pos, pos + 2))}`,
  );
}

/** `\xNN` and `\NNN` are bytes; a run of them may spell a character, or be bytes that are no UTF-8 (label-bytes.ts). */
function readBytes(query: string, pos: number): { value: string; end: number } {
  const bytes: number[] = [];
  let end = pos;
  for (let byte = byteAt(query, end); byte >= 0; byte = byteAt(query, end)) {
    bytes.push(byte);
    end += 4;
  }
  return { value: decodeLabelBytes(Uint8Array.from(bytes), 0, bytes.length), end };
}

/** The byte that `\xNN` or `\NNN` (octal) at `pos` stands for, or -1. Both are four characters long. */
function byteAt(query: string, pos: number): number {
  if (query[pos] !== "\\") return -1;
  if (query[pos + 1] === "x") return readHex(query, pos + 2, 2);
  const digits = query.slice(pos + 1, pos + 4);
  return /^[0-3][0-7]{2}$/.test(digits) ? Number.parseInt(digits, 8) : -1;
}

/** Value of exactly `count` hexadecimal digits at `pos`, or -1. */
function readHex(query: string, pos: number, count: number): number {
  const digits = query.slice(pos, pos + count);
  return digits.length === count && /^[0-9a-fA-F]+$/.test(digits) ? Number.parseInt(digits, 16) : -1;
}

function isLoneSurrogate(text: string, i: number): boolean {
  const code = text.charCodeAt(i);
  if (code < 0xd800 || code > 0xdfff) return false;
  const isPair = (high: number, low: number) => high >= 0xd800 && high <= 0xdbff && low >= 0xdc00 && low <= 0xdfff;
  return !isPair(code, text.charCodeAt(i + 1)) && !isPair(text.charCodeAt(i - 1), code);
}
