import { InputError } from "../base/errors.ts";

/** Characters of the query shown before and after the offending place. */
const SHOWN_BEFORE = 24;
const SHOWN_AFTER = 24;

/** An error at offset `pos` of the query: where by line and column, and the place itself, marked with `▸`. */
export function syntaxError(query: string, pos: number, message: string): InputError {
  const lineStart = query.lastIndexOf("\n", pos - 1) + 1;
  let line = 1;
  for (let at = query.indexOf("\n"); at >= 0 && at < lineStart; at = query.indexOf("\n", at + 1)) line++;
  const column = pos - lineStart + 1;
  const nextLine = query.indexOf("\n", pos);
  const lineEnd = nextLine < 0 ? query.length : nextLine;
  const lo = Math.max(lineStart, pos - SHOWN_BEFORE);
  const hi = Math.min(lineEnd, pos + SHOWN_AFTER);
  const place = `${lo > lineStart ? "…" : ""}${query.slice(lo, pos)}▸${query.slice(pos, hi)}${hi < lineEnd ? "…" : ""}`;
  return new InputError(`query, line ${line}, column ${column}: ${message}, at: ${place}`, 400, line, column);
}

/** A piece of input in a message: quoted, and cut when it is long. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
