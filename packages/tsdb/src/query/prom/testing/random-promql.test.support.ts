/**
 * Random PromQL that has something to answer, over the metrics a, b and c of `randomSource`: all operators, aggregations and functions but for
 * `info` and what asks for the query's own times (`start`, `end`, `range`, `step`). START and END stand where a time is pinned to the query's.
 */
import fc from "fast-check";
import type { PromType } from "../../../promql/ast.ts";
import { type PromSignature, promFunctions } from "../../../promql/functions.ts";
import { AGGREGATE_PARAMS } from "../../../promql/operators.ts";
import { ZERO_MS } from "../../testing/harness.ts";
import { selector } from "../../testing/random-queries.test.support.ts";

/** Of the query, of stored starts, of native histograms. */
const LEFT_OUT = /^(info|start|end|range|step|start_timestamp|histogram_(avg|count|sum|stddev|stdvar))$/;

/** String arguments that are right for their function. */
const WITH_STRINGS: Readonly<Record<string, string>> = {
  ...{ label_replace: 'V, "y", "p$1", "x", "(.*)"', label_join: 'V, "y", "-", "x", "z"', sort_by_label: 'V, "x"' },
  ...{ sort_by_label_desc: 'V, "x"', histogram_quantiles: 'V, "phi", 0.5, 0.9' },
  double_exponential_smoothing: "M, 0.5, 0.3",
};

const shift = fc.constantFrom(
  ...["", "", "", "", " offset 15s", " offset -40s", ` @ ${ZERO_MS / 1000 + 60}`, " @ START", " @ END offset 20s"],
);
const arithmetic = fc.constantFrom("+", "-", "*", "/", "%", "^", "atan2");
const comparison = fc.constantFrom("==", "!=", "<", ">", "<=", ">=");

/** Texts of expressions of one type, `depth` nodes deep at most. */
export function randomPromql(type: PromType, depth: number): fc.Arbitrary<string> {
  if (type === "string") return fc.constant('"z"');
  if (type === "matrix") return matrix(depth);
  if (depth === 0) {
    return type === "scalar"
      ? fc.constantFrom("2", "0.5", "-1", "time()", "NaN")
      : fc.tuple(selector, shift).map((parts) => parts.join(""));
  }
  const inner = randomPromql(type, depth - 1);
  const signed = fc.tuple(fc.constantFrom("-", "+", ""), inner).map(([sign, text]) => `${sign}(${text})`);
  const choices = [inner, signed, call(type, depth), call(type, depth), binary(type, depth), binary(type, depth)];
  if (type === "vector") choices.push(aggregate(depth), aggregate(depth));
  return fc.oneof(...choices);
}

function matrix(depth: number): fc.Arbitrary<string> {
  const plain = fc.tuple(selector, fc.constantFrom("[15s]", "[40s]", "[1m]", "[3m]"), shift);
  if (depth === 0) return plain.map((parts) => parts.join(""));
  const nested = randomPromql("vector", depth - 1).map((text) => `(${text})`);
  const sub = fc.tuple(nested, fc.constantFrom("[1m:15s]", "[2m:]", "[50s:7s]"), shift);
  return fc.oneof(plain, plain, sub).map((parts) => parts.join(""));
}

function call(returns: PromType, depth: number): fc.Arbitrary<string> {
  const names = [...promFunctions].filter(([name, signature]) => signature.returns === returns && !LEFT_OUT.test(name));
  return fc.constantFrom(...names).chain(([name, { args, variadic }]: [string, PromSignature]) => {
    const template = WITH_STRINGS[name];
    if (template !== undefined) {
      const kind = template.startsWith("M") ? "matrix" : "vector";
      return randomPromql(kind, depth - 1).map((text) => `${name}(${text}${template.slice(1)})`);
    }
    const least = args.length - (variadic === 0 ? 0 : 1);
    return fc
      .tuple(
        fc.integer({ min: least, max: args.length }),
        fc.tuple(...args.map((type) => randomPromql(type, depth - 1))),
      )
      .map(([count, texts]) => `${name}(${texts.slice(0, count).join(", ")})`);
  });
}

function aggregate(depth: number): fc.Arbitrary<string> {
  const grouping = fc.constantFrom("by (x)", "by (x, y)", "by (z)", "by ()", "without (y)", "without (x, z)", "");
  return fc
    .tuple(
      fc.constantFrom(...AGGREGATE_PARAMS),
      grouping,
      randomPromql("vector", depth - 1),
      fc.constantFrom("1", "2", "0.5"),
    )
    .map(([[op, param], group, text, number]) => {
      const first =
        param === null
          ? ""
          : param === "string"
            ? '"z", '
            : `${op === "limitk" || op.endsWith("k") ? number : "0.4"}, `;
      return `${op} ${group} (${first}${text})`;
    });
}

function binary(type: PromType, depth: number): fc.Arbitrary<string> {
  const [vector, scalar] = [randomPromql("vector", depth - 1), randomPromql("scalar", depth - 1)];
  const compared = comparison.map((op) => `${op} bool`);
  if (type === "scalar") {
    return fc.tuple(scalar, fc.oneof(arithmetic, compared), scalar).map(([a, op, b]) => `(${a}) ${op} (${b})`);
  }
  const op = fc.oneof(arithmetic, comparison, compared);
  const mixed = fc
    .tuple(vector, op, scalar, fc.boolean())
    .map(([a, sign, b, isFirst]) => (isFirst ? `(${a}) ${sign} (${b})` : `(${b}) ${sign} (${a})`));
  const set = fc.tuple(
    vector,
    fc.constantFrom("and", "or", "unless", "and on (x)", "or on (x, y)", "unless ignoring (z)"),
    vector,
  );
  const matching = fc.constantFrom(
    ...["", "", "on (x)", "on (x, y)", "ignoring (z)", "on (x) group_left ()", "on (x) group_right (z)"],
    ...["ignoring (y, z) group_left (z)", "on (x, y)"],
  );
  const joined = fc.tuple(
    vector,
    fc.tuple(op, matching).map((parts) => parts.join(" ")),
    vector,
  );
  return fc.oneof(mixed, set.map(spaced), joined.map(spaced), joined.map(spaced));
}

function spaced([a, op, b]: readonly string[]): string {
  return `(${a}) ${op} (${b})`;
}
