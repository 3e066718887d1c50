/**
 * Quoted strings with Go's escapes. `"…"` and `'…'` end before the line does; back-ticks keep everything as it is.
 *
 * `\xNN` and `\NNN` are bytes. A run of them may spell a character, or be bytes that are no UTF-8 and stay what they are
 * (base/label-bytes.ts).
 */
import { decodeLabelBytes } from "../base/label-bytes.ts";
import { shown, syntaxError } from "./syntax-error.ts";

const LONE_SURROGATE = /\p{Cs}/u;

/**
 * Reads the string that starts with the quote at `pos`; `end` is behind its closing quote.
 * @throws InputError if it is not closed or an escape is unknown.
 */
export function readString(query: string, pos: number): { value: string; end: number } {
  const string = readQuoted(query, pos);
  // Bytes that are no UTF-8 can be written as escapes, not as themselves.
  if (LONE_SURROGATE.test(query.slice(pos, string.end))) throw syntaxError(query, pos, "invalid UTF-8 rune");
  return string;
}

function readQuoted(query: string, pos: number): { value: string; end: number } {
  const quote = query[pos] as string;
  if (quote === "`") {
    const close = query.indexOf("`", pos + 1);
    if (close < 0) throw syntaxError(query, pos, "unterminated raw string");
    return { value: query.slice(pos + 1, close), end: close + 1 };
  }
  let value = "";
  let at = pos + 1;
  let plainAt = at;
  for (;;) {
    const char = query[at];
    if (char === quote) return { value: value + query.slice(plainAt, at), end: at + 1 };
    if (char === undefined || char === "\n") throw syntaxError(query, pos, "unterminated quoted string");
    if (char !== "\\") {
      at++;
      continue;
    }
    value += query.slice(plainAt, at);
    const escaped = readEscape(query, at, quote);
    value += escaped.value;
    at = plainAt = escaped.end;
  }
}

/** A string in double quotes that `readString` reads back to the same; the spelling is Go's. */
export function quoteString(text: string): string {
  let out = '"';
  for (let at = 0; at < text.length; ) {
    const code = text.codePointAt(at) as number;
    const char = String.fromCodePoint(code);
    const letter = LETTER_OF.get(char);
    if (letter !== undefined) out += `\\${letter}`;
    else if (code < 32 || code === 127) out += `\\x${hex(code, 2)}`;
    else if (code >= 0xdc80 && code <= 0xdcff) out += `\\x${hex(code - 0xdc00, 2)}`;
    else if (code < 127 || !isUnprintable(char)) out += char;
    else out += code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
    at += char.length;
  }
  return `${out}"`;
}

const CHAR_OF: ReadonlyMap<string, string> = new Map([
  ["a", "\x07"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
  ["\\", "\\"],
]);

const LETTER_OF: ReadonlyMap<string, string> = new Map([
  ...Array.from(CHAR_OF, ([letter, char]) => [char, letter] as const),
  ['"', '"'],
]);

/** Reads the escape at the backslash at `pos`. Only the quote that opened the string may be escaped. */
function readEscape(query: string, pos: number, quote: string): { value: string; end: number } {
  const kind = query[pos + 1];
  if (kind === undefined) throw syntaxError(query, pos, "escape sequence not terminated");
  if (kind === quote) return { value: quote, end: pos + 2 };
  const simple = CHAR_OF.get(kind);
  if (simple !== undefined) return { value: simple, end: pos + 2 };
  if (kind === "x" || (kind >= "0" && kind <= "7")) return readBytes(query, pos);
  if (kind !== "u" && kind !== "U") {
    throw syntaxError(query, pos, `unknown escape sequence ${shown(query.slice(pos, pos + 2))}`);
  }
  const count = kind === "u" ? 4 : 8;
  const code = readDigits(query, pos + 2, count, 16);
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
    throw syntaxError(query, pos, "escape sequence is an invalid Unicode code point");
  }
  return { value: String.fromCodePoint(code), end: pos + 2 + count };
}

function readBytes(query: string, pos: number): { value: string; end: number } {
  const bytes: number[] = [];
  let end = pos;
  while (query[end] === "\\") {
    const kind = query[end + 1] ?? "";
    const isHex = kind === "x";
    if (!isHex && !(kind >= "0" && kind <= "7")) break;
    const byte = isHex ? readDigits(query, end + 2, 2, 16) : readDigits(query, end + 1, 3, 8);
    if (byte > 255) throw syntaxError(query, end, "escape sequence is an invalid Unicode code point");
    bytes.push(byte);
    end += 4;
  }
  return { value: decodeLabelBytes(Uint8Array.from(bytes), 0, bytes.length), end };
}

/** Value of exactly `count` digits at `pos`. */
function readDigits(query: string, pos: number, count: number, radix: number): number {
  let value = 0;
  for (let at = pos; at < pos + count; at++) {
    const char = query[at];
    if (char === undefined) throw syntaxError(query, pos, "escape sequence not terminated");
    const digit = Number.parseInt(char, radix);
    if (Number.isNaN(digit)) throw syntaxError(query, at, `illegal character ${shown(char)} in escape sequence`);
    value = value * radix + digit;
  }
  return value;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}

/** One character that would not be seen. The pattern is ours and looks at one character: it cannot be slow. */
function isUnprintable(char: string): boolean {
  return /[\p{C}\p{Z}]/u.test(char);
}
