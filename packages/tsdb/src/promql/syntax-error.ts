import { InputError } from "../base/errors.ts";

/** An error at offset `pos` of the query, in Prometheus' words: `1:5: parse error: …`. Columns count UTF-16 units from 1. */
export function syntaxError(query: string, pos: number, message: string): InputError {
  const { line, column } = placeOf(query, pos);
  return new InputError(`${line}:${column}: parse error: ${message}`, 400, line, column);
}

/** A piece of the query in a message: quoted, and cut when it is long. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

function placeOf(query: string, pos: number): { line: number; column: number } {
  const lineStart = query.lastIndexOf("\n", pos - 1) + 1;
  let line = 1;
  for (let at = query.indexOf("\n"); at >= 0 && at < lineStart; at = query.indexOf("\n", at + 1)) line++;
  return { line, column: pos - (pos === 0 ? 0 : lineStart) + 1 };
}
