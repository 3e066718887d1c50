import type { PromExpr } from "./ast.ts";
import { DEFAULT_PROM_LIMITS, type PromLimits } from "./limits.ts";
import { parseTokens } from "./parser.ts";
import { syntaxError } from "./syntax-error.ts";

/**
 * Reads a PromQL query: names of functions known, types checked, constant durations folded, regexes compiled.
 *
 * @example parsePromql("sum by (job) (rate(m[5m]))").kind // "aggregate"
 * @throws InputError (400) with line and column, in Prometheus' words.
 */
export function parsePromql(query: string, options: { readonly limits?: Partial<PromLimits> } = {}): PromExpr {
  const limits = { ...DEFAULT_PROM_LIMITS, ...options.limits };
  if (query.length > limits.lengthMax) {
    throw syntaxError("", 0, `query of ${query.length} characters is too long: want at most ${limits.lengthMax}`);
  }
  return parseTokens(query, limits);
}
