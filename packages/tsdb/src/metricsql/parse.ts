import type { Expr } from "./ast.ts";
import { parseRaw } from "./parser.ts";
import { expandTemplates } from "./templates.ts";

/**
 * Reads a MetricsQL query: templates expanded, constants folded, regexes checked. Names of functions are not checked:
 * which ones exist is the evaluator's to know.
 *
 * @example parse("sum(rate(m[5m])) by (job)").kind // "aggregate"
 * @throws InputError (400) with line and column.
 */
export function parse(query: string): Expr {
  return expandTemplates(query, parseRaw(query));
}
