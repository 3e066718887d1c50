/** What an evaluation says besides its values: annotations and failures, in Prometheus' words and with its places. */
import { InputError } from "../../base/errors.ts";
import type { PromContext } from "./context.ts";

/** A node of the tree, or whatever else has a place in the query. */
interface Placed {
  readonly pos: number;
}

/** `PromQL warning: <message> (<line>:<column>)`; something is most likely wrong with the query or its data. */
export function warn(context: PromContext, node: Placed, message: string): void {
  context.annotations.warnings.add(`PromQL warning: ${message}${placeOf(context, node)}`);
}

/** `PromQL info: <message> (<line>:<column>)`; something may be wrong. */
export function inform(context: PromContext, node: Placed, message: string): void {
  context.annotations.infos.add(`PromQL info: ${message}${placeOf(context, node)}`);
}

/** The error of an evaluation that cannot be carried out. Its text is Prometheus', its place is in `line` and `column`. */
export function failure(context: PromContext, node: Placed, message: string): InputError {
  const { text } = context.grid.run;
  if (text === "") return new InputError(message, 422);
  const { line, column } = lineAndColumn(text, node.pos);
  return new InputError(message, 422, line, column);
}

/** Two series of one vector would have the same labels. */
export function sameLabelset(context: PromContext, node: Placed): InputError {
  return failure(context, node, "vector cannot contain metrics with the same labelset");
}

function placeOf(context: PromContext, node: Placed): string {
  const { text } = context.grid.run;
  if (text === "") return "";
  const { line, column } = lineAndColumn(text, node.pos);
  return ` (${line}:${column})`;
}

function lineAndColumn(text: string, pos: number): { line: number; column: number } {
  const before = text.slice(0, pos);
  return { line: before.split("\n").length, column: pos - before.lastIndexOf("\n") };
}
