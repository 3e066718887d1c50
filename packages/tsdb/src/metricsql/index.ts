/** Door `@nyanza/tsdb/metricsql`: text ⇄ AST. */
export type * from "./ast.ts";
