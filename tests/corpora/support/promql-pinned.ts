/**
 * A query whose selectors are all pinned by `@` to one time: it must answer the same whenever it is asked. Prometheus' own runner asks
 * every instant eval this way too.
 *
 * Works on our tree, so it is only as good as our parser; what the answer must be still comes from the script.
 */

/** What is used of promql/ast.ts. */
interface Node {
  readonly kind: string;
  readonly name?: string;
  readonly at?: unknown;
  readonly selector?: Node;
  readonly args?: readonly Node[];
  readonly expr?: Node;
  readonly param?: Node | null;
  readonly left?: Node;
  readonly right?: Node;
}

/** Their values depend on when they are asked, whatever their arguments. */
const timely: ReadonlySet<string> = new Set([
  ...["days_in_month", "day_of_month", "day_of_week", "day_of_year", "hour", "minute", "month", "year"],
  ...["predict_linear", "time", "timestamp", "start", "end", "range", "step"],
]);

/** `tree` with `@ timeMs` at every selector and subquery that has none; null if its answer would depend on the time still. */
export function pin(tree: Node, timeMs: number): Node | null {
  let isTimely = false;
  const visit = (node: Node): Node => {
    const at = node.at ?? { kind: "time", timeMs };
    switch (node.kind) {
      case "selector":
        return { ...node, at };
      case "matrix":
        return { ...node, selector: visit(node.selector as Node) };
      case "subquery":
        // What is in it is asked at the subquery's times.
        if (hasTimelyCall(node.expr as Node)) isTimely = true;
        return { ...node, at };
      case "call":
        if (timely.has(node.name as string)) isTimely = true;
        return { ...node, args: (node.args as readonly Node[]).map(visit) };
      case "aggregate":
        return { ...node, expr: visit(node.expr as Node), param: node.param ? visit(node.param) : null };
      case "binary":
        return { ...node, left: visit(node.left as Node), right: visit(node.right as Node) };
      case "unary":
      case "parens":
        return { ...node, expr: visit(node.expr as Node) };
      default:
        return node;
    }
  };
  const pinned = visit(tree);
  return isTimely ? null : pinned;
}

function hasTimelyCall(node: Node): boolean {
  if (node.kind === "call" && timely.has(node.name as string)) return true;
  const children = [node.selector, node.expr, node.param, node.left, node.right, ...(node.args ?? [])];
  return children.some((child) => child !== undefined && child !== null && hasTimelyCall(child));
}
