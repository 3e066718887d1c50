/** Door `@nyanza/tsdb/promql`: text ⇄ tree of Prometheus' language. */

export { InputError } from "../base/errors.ts";
export type * from "./ast.ts";
export { type PromSignature, promFunctions } from "./functions.ts";
export type { PromLimits } from "./limits.ts";
export { parsePromql } from "./parse.ts";
export { printPromql } from "./printer.ts";
