/**
 * What a PromQL query is made of, so that a run can say that every function was asked for and answered. Works on our tree, so it is
 * only as good as our parser; the answers come from elsewhere.
 */

import { childrenOf, type PromNode } from "./promql-tree.ts";

interface Room {
  readonly parsePromql: (text: string) => PromNode;
  readonly promFunctions: ReadonlyMap<string, unknown>;
  readonly AGGREGATE_PARAMS: ReadonlyMap<string, unknown>;
}

async function room<T>(path: string): Promise<T> {
  return (await import(new URL(`../../../../packages/tsdb/dist/promql/${path}`, import.meta.url).href)) as T;
}

const { parsePromql } = await room<Room>("parse.js");
const { promFunctions } = await room<Room>("functions.js");
const { AGGREGATE_PARAMS } = await room<Room>("operators.js");

export const FUNCTIONS: readonly string[] = [...promFunctions.keys()];
export const AGGREGATES: readonly string[] = [...AGGREGATE_PARAMS.keys()];
export const OPERATORS: readonly string[] = [
  ...["+", "-", "*", "/", "%", "^", "atan2", "==", "!=", "<", ">", "<=", ">=", "and", "or", "unless"],
];
export const FORMS: readonly string[] = [
  ...["offset", "offset back", "@ time", "@ start", "@ end", "subquery", "sign", "bool", "on", "ignoring"],
  ...["many-to-one", "one-to-many", "fill", "by", "without"],
  ...["=", "!=", "=~", "!~"].map((op) => `filter ${op}`),
];

/** null for what we do not read. */
export function readTree(query: string): PromNode | null {
  try {
    return parsePromql(query);
  } catch {
    return null;
  }
}

/**
 * What must have worked if the answer is not empty: not what stands beside `or` or behind `unless`, and nothing below functions that
 * answer for the absence of their arguments.
 */
export function* featuresOf(node: PromNode): Generator<string> {
  yield* featuresOfNode(node);
  const { kind, name, op, left } = node;
  if (kind === "binary" && op === "or") return;
  if (kind === "binary" && op === "unless") yield* featuresOf(left as PromNode);
  else if (kind === "binary" && (node.matching?.fillLeft ?? node.matching?.fillRight) != null) return;
  else if (kind === "call" && SWALLOWING.has(name as string)) return;
  else for (const child of childrenOf(node)) yield* featuresOf(child);
}

const SWALLOWING: ReadonlySet<string> = new Set(["absent", "absent_over_time", "scalar"]);

function* featuresOfNode(node: PromNode): Generator<string> {
  const { kind, name, op, matching, offset, at } = node;
  if (kind === "call") yield name as string;
  if (kind === "unary") yield "sign";
  if (kind === "subquery") yield "subquery";
  if (kind === "aggregate") {
    yield op as string;
    if (node.isWithout) yield "without";
    else if (node.grouping?.length !== 0) yield "by";
  }
  if (kind === "binary") {
    yield op as string;
    if (node.isBool) yield "bool";
    if (matching?.isOn) yield "on";
    else if (matching != null && matching.labels.length > 0) yield "ignoring";
    if (matching != null) yield matching.card;
    if ((matching?.fillLeft ?? matching?.fillRight) != null) yield "fill";
  }
  for (const filter of node.filters ?? []) yield `filter ${filter.op}`;
  if (offset != null) yield offset.ms !== undefined && offset.ms < 0 ? "offset back" : "offset";
  if (at != null) yield `@ ${at.kind}`;
}
