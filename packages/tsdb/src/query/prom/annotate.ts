/** Warnings and infos in Prometheus' words, with the place in the query: `PromQL info: … (1:7)`. */
import type { PromContext } from "./context.ts";

/** `pos` is the offset, in the query's text, of the expression the message is about. */
export function warn(context: PromContext, message: string, pos: number): void {
  context.annotations.warnings.add(`PromQL warning: ${message} (${placeOf(context, pos)})`);
}

export function inform(context: PromContext, message: string, pos: number): void {
  context.annotations.infos.add(`PromQL info: ${message} (${placeOf(context, pos)})`);
}

/** `line:column`, both from 1. */
function placeOf(context: PromContext, pos: number): string {
  const before = context.grid.run.text.slice(0, pos);
  if (before.length < pos) return "unknown position";
  let line = 1;
  let lineStart = 0;
  for (let at = before.indexOf("\n"); at >= 0; at = before.indexOf("\n", lineStart)) {
    line++;
    lineStart = at + 1;
  }
  return `${line}:${pos - lineStart + 1}`;
}
