/** Door `@nyanza/tsdb/metricsql`: text ⇄ AST, and the texts that go with it: durations, numbers, regexes. */
export { type Duration, formatDuration, parseDuration, parseDurationMs } from "../base/duration.ts";
export { InputError } from "../base/errors.ts";
export { formatFloat } from "../base/number-format.ts";
export { compileRegex, compileSearchRegex, type SearchRegex, type StringMatcher } from "../base/regex.ts";
export { AGGREGATE_NAMES } from "./aggregates.ts";
export type * from "./ast.ts";
export { MAX_DEPTH, MAX_QUERY_BYTES } from "./limits.ts";
export { optimize } from "./optimize.ts";
export { parse } from "./parse.ts";
export { prettify } from "./prettify.ts";
export { printExpr, printSelector } from "./printer.ts";
export { constantOf, evalConstant, setMembersOf } from "./simplify.ts";
