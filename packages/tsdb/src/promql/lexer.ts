/**
 * Text → tokens. Words are not told apart here: any keyword may also name a metric or a label, and only the parser knows the place.
 *
 * What a colon and `=~` mean depends on the place: inside `[…]` a colon separates range and step, elsewhere it is part of a word;
 * regex matchers exist only inside `{…}`, so that `a=~b` outside says what is wrong.
 */
import { isDigit, isWordChar, isWordStart, readNumber } from "./literals.ts";
import { readString } from "./strings.ts";
import { syntaxError } from "./syntax-error.ts";

export type TokenKind = "word" | "string" | "number" | "duration" | "sign" | "end";

export interface Token {
  readonly kind: TokenKind;
  readonly pos: number;
  readonly end: number;
  /** As written. */
  readonly text: string;
  /** A keyword is compared in lower case; "" unless it is a word. */
  readonly keyword: string;
  /** The contents of a string. */
  readonly value: string;
  /** Of numbers and durations, those in seconds. */
  readonly number: number;
}

/** @throws InputError at the first place that is no token. */
export function tokenize(query: string): Token[] {
  const tokens: Token[] = [];
  let isInBrackets = false;
  let isInBraces = false;
  let at = skipBlank(query, 0);
  while (at < query.length) {
    const token = readToken(query, at, isInBrackets, isInBraces);
    if (token.kind === "sign") {
      if (token.text === "[" || token.text === "]") isInBrackets = token.text === "[";
      else if (token.text === "{" || token.text === "}") isInBraces = token.text === "{";
    }
    tokens.push(token);
    at = skipBlank(query, token.end);
  }
  if (isInBraces) throw syntaxError(query, query.length, "unexpected end of input inside braces");
  tokens.push({ kind: "end", pos: query.length, end: query.length, text: "", keyword: "", value: "", number: 0 });
  return tokens;
}

/** A name that needs no quotes in front of braces: letters, digits, `_` and `:`. */
export function isPlainName(text: string): boolean {
  if (!isNameStart(text[0] ?? "")) return false;
  for (let at = 1; at < text.length; at++) if (!isNamePart(text[at] as string)) return false;
  return true;
}

/** A label that needs no quotes: a plain name without colons. */
export function isPlainLabel(text: string): boolean {
  return isPlainName(text) && !text.includes(":");
}

const SIGNS_OF_TWO: ReadonlySet<string> = new Set(["==", "!=", "<=", ">=", "</", ">/"]);
const SIGNS_IN_BRACES: ReadonlySet<string> = new Set(["!=", "=~", "!~"]);
const SIGNS_OF_ONE = "{}[](),@+-*/%^<>=";

function readToken(query: string, at: number, isInBrackets: boolean, isInBraces: boolean): Token {
  const char = query[at] as string;
  if (isInBrackets && char === ":") return sign(query, at, 1);
  if (isWordStart(char) || (char === ":" && !isInBraces)) return readWord(query, at, isInBrackets || isInBraces);
  if (char === '"' || char === "'" || char === "`") {
    const { value, end } = readString(query, at);
    return { kind: "string", pos: at, end, text: query.slice(at, end), keyword: "", value, number: 0 };
  }
  if (isDigit(char) || (char === "." && isDigit(query[at + 1] ?? ""))) {
    const { end, value, isDuration } = readNumber(query, at);
    const kind = isDuration ? "duration" : "number";
    return { kind, pos: at, end, text: query.slice(at, end), keyword: "", value: "", number: value };
  }
  const two = query.slice(at, at + 2);
  if ((isInBraces ? SIGNS_IN_BRACES : SIGNS_OF_TWO).has(two)) return sign(query, at, 2);
  if (SIGNS_OF_ONE.includes(char)) {
    if (two === "=~") throw syntaxError(query, at, `unexpected character after '=': '~'`);
    return sign(query, at, 1);
  }
  const shownChar = `'${String.fromCodePoint(query.codePointAt(at) as number)}'`;
  throw syntaxError(query, at, `unexpected character${isInBraces ? " inside braces" : ""}: ${shownChar}`);
}

function sign(query: string, pos: number, length: number): Token {
  const text = query.slice(pos, pos + length);
  return { kind: "sign", pos, end: pos + length, text, keyword: "", value: "", number: 0 };
}

function readWord(query: string, pos: number, endsAtColon: boolean): Token {
  let end = pos + 1;
  while (isWordChar(query[end] ?? "") || (query[end] === ":" && !endsAtColon)) end++;
  const text = query.slice(pos, end);
  return { kind: "word", pos, end, text, keyword: text.toLowerCase(), value: "", number: 0 };
}

function isNameStart(char: string): boolean {
  return isWordStart(char) || char === ":";
}

function isNamePart(char: string): boolean {
  return isWordChar(char) || char === ":";
}

/** Behind white space and comments, which run from `#` to the end of the line. */
function skipBlank(query: string, pos: number): number {
  let at = pos;
  for (;;) {
    const char = query[at];
    if (char === " " || char === "\t" || char === "\n" || char === "\r") at++;
    else if (char === "#") while (at < query.length && query[at] !== "\n" && query[at] !== "\r") at++;
    else return at;
  }
}
