/** Our tree of a PromQL query, as far as tests look at it. */

/** What is used of promql/ast.ts. */
export interface PromNode {
  readonly kind: string;
  readonly name?: string;
  readonly op?: string;
  readonly value?: number | string;
  readonly isBool?: boolean;
  readonly isWithout?: boolean;
  readonly isDuration?: boolean;
  readonly grouping?: readonly string[];
  readonly matching?: {
    readonly card: string;
    readonly isOn: boolean;
    readonly labels: readonly string[];
    readonly fillLeft: number | null;
    readonly fillRight: number | null;
  } | null;
  readonly filters?: readonly { readonly label: string; readonly op: string; readonly value: string }[];
  readonly offset?: { readonly ms?: number } | null;
  readonly at?: { readonly kind: string } | null;
  readonly range?: { readonly written?: unknown };
  readonly selector?: PromNode;
  readonly args?: readonly PromNode[];
  readonly expr?: PromNode;
  readonly param?: PromNode | null;
  readonly left?: PromNode;
  readonly right?: PromNode;
}

/** The nodes of a tree, the root first. */
export function* nodesOf(node: PromNode): Generator<PromNode> {
  yield node;
  for (const child of childrenOf(node)) yield* nodesOf(child);
}

export function childrenOf({ selector, args = [], expr, param, left, right }: PromNode): PromNode[] {
  return [selector, ...args, param ?? undefined, expr, left, right].filter((child) => child !== undefined);
}

/** True if one of the nodes is such. */
export function has(tree: PromNode, isSuch: (node: PromNode) => boolean): boolean {
  for (const node of nodesOf(tree)) if (isSuch(node)) return true;
  return false;
}
