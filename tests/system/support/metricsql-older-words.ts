/**
 * What a query means in the words of VictoriaMetrics 1.79.5: functions and forms that came later, each from its formula. The whole
 * forms are those of tests/corpora/metricsql-newer.ts, where they stand in a query as they are there.
 */
import {
  type BinaryExpr,
  type Expr,
  type FunctionExpr,
  parse,
  printExpr,
  type SelectorExpr,
} from "@nyanza/tsdb/metricsql";
import { NEWER_FORMS } from "../../corpora/metricsql-newer.ts";
import { ROLLUPS } from "./metricsql-tables.ts";
import { callOf, changeTree, nameOf, selectorOf } from "./metricsql-tree.ts";
import type { Kind } from "./random-queries.ts";

/** Text of the same in older words; a range of one point may need other words. */
type Older = (
  args: readonly string[],
  call: { readonly args: readonly Expr[]; readonly kind: Kind; readonly suffix: string },
) => string;

/** With the name of the selector it is about. */
function named(text: string, arg: Expr): string {
  return `label_set(${text}, "__name__", ${JSON.stringify(nameOf(arg) ?? "")})`;
}

/** Seconds of `[d]`. */
function windowSeconds(arg: Expr): number {
  const ms = arg.kind === "rollup" ? (arg.window?.ms ?? 0) : 0;
  if (ms === 0) throw new Error(`want a window: ${printExpr(arg)}`);
  return ms / 1000;
}

/** m[d] as the samples of m that satisfy `condition`, which are every 30 seconds. */
function samplesThat(samples: Expr, condition: string): string {
  return `(${printExpr(selectorOf(samples) as SelectorExpr)} ${condition})[${windowSeconds(samples)}s:30s]`;
}

/** Σ of such samples: 0 where there are others only. */
function sumOfSamples(samples: Expr, condition: string): string {
  return `(sum_over_time(${samplesThat(samples, condition)}) default 0 * count_over_time(${printExpr(samples)}))`;
}

const center = (q: string): string => `(${q} - range_avg(${q}))`;
const variance = (q: string): string => `range_avg(${center(q)} ^ 2)`;
const deviation = (q: string): string => `abs(${q} - range_median(${q}))`;

/** Days of the year before its months, in a year that is no leap year. */
const DAYS_BEFORE = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30];

const STATUS_CODES = [200, 301, 404, 500];

const OLDER: ReadonlyMap<string, Older> = new Map<string, Older>([
  ["share_eq_over_time", ([q, x]) => `count_eq_over_time(${q}, ${x}) / count_over_time(${q})`],
  ["sum_eq_over_time", ([q, x]) => `(${x}) * count_eq_over_time(${q}, ${x})`],
  ["sum_gt_over_time", ([, x], { args }) => sumOfSamples(args[0] as Expr, `> ${x}`)],
  ["sum_le_over_time", ([, x], { args }) => sumOfSamples(args[0] as Expr, `<= ${x}`)],
  ["rate_prometheus", ([q], { args }) => `increase_prometheus(${q}) / ${windowSeconds(args[0] as Expr)}`],
  /** count_values_over_time("label", status_code[d]) */
  [
    "count_values_over_time",
    ([label, q]) =>
      `union(${STATUS_CODES.map((value) => `label_set(count_eq_over_time(${q}, ${value}) > 0, ${label}, "${value}")`).join(", ")})`,
  ],
  /** Only at a time that `@` says: the median is that of this time, not of the subquery's. */
  [
    "mad_over_time",
    ([q], { args }) => {
      const arg = args[0] as Expr;
      const at = arg.kind === "rollup" && arg.at !== null ? printExpr(arg.at) : "";
      const samples = printExpr(selectorOf(arg) as SelectorExpr);
      return `median_over_time(abs(${samples} - median_over_time(${q}))[${windowSeconds(arg)}s:30s] @ ${at})`;
    },
  ],
  [
    "outlier_iqr_over_time",
    ([q]) => {
      const [low, high] = [`quantile_over_time(0.25, ${q})`, `quantile_over_time(0.75, ${q})`];
      const last = `last_over_time(${q})`;
      const fence = `1.5 * (${high} - ${low})`;
      return `label_set((${last} > ${high} + ${fence}) or (${last} < ${low} - ${fence}), "__name__", "")`;
    },
  ],
  [
    "day_of_year",
    ([q = "time()"]) => {
      const months = DAYS_BEFORE.map((days, i) => `${days} * (month(${q}) > bool ${i + 1})`);
      return `day_of_month(${q}) + ${months.join(" + ")} + (month(${q}) > bool 2) * (year(${q}) % 4 == bool 0)`;
    },
  ],
  ["drop_empty_series", ([q]) => `label_set(${q})`],
  ["histogram_fraction", ([low, high, q]) => `histogram_share(${high}, ${q}) - histogram_share(${low}, ${q})`],
  /** Of a label that label_set has just written. */
  [
    "labels_equal",
    ([q, ...labels], { args }) => {
      const set = args[0] as FunctionExpr;
      const texts = set.args.slice(1).map((text) => (text.kind === "string" ? text.value : ""));
      const first = JSON.parse(labels[0] as string) as string;
      const value = JSON.stringify(texts[texts.indexOf(first) + 1]);
      return labels.slice(1).reduce((inner, label) => `label_match(${inner}, ${label}, ${value})`, q as string);
    },
  ],
  [
    "range_linear_regression",
    ([q], { args, kind }) => {
      if (kind === "instant") return `label_set(${q})`;
      const along = "(time() - range_avg(time()))";
      const slope = `range_avg(${center(q as string)} * ${along}) / range_avg(${along} ^ 2)`;
      return named(`range_avg(${q}) + ${slope} * ${along}`, args[0] as Expr);
    },
  ],
  ["range_stdvar", ([q], { args }) => named(variance(q as string), args[0] as Expr)],
  ["range_stddev", ([q], { args }) => named(`sqrt(${variance(q as string)})`, args[0] as Expr)],
  [
    "range_zscore",
    ([q], { args }) => named(`${center(q as string)} / sqrt(${variance(q as string)})`, args[0] as Expr),
  ],
  ["range_mad", ([q], { args }) => named(`range_median(${deviation(q as string)})`, args[0] as Expr)],
  [
    "range_normalize",
    ([q], { args }) => named(`(${q} - range_min(${q})) / (range_max(${q}) - range_min(${q}))`, args[0] as Expr),
  ],
  [
    "range_trim_outliers",
    ([k, q]) => `${q} if (${deviation(q as string)} <= ${k} * range_median(${deviation(q as string)}))`,
  ],
  ["range_trim_zscore", ([z, q]) => `${q} if (abs${center(q as string)} <= ${z} * sqrt(${variance(q as string)}))`],
  [
    "range_trim_spikes",
    ([phi, q]) =>
      `${q} if (${q} >= range_quantile(${phi} / 2, ${q})) if (${q} <= range_quantile(1 - ${phi} / 2, ${q}))`,
  ],
  ["sort_by_label_numeric", ([q]) => `label_set(${q})`],
  ["sort_by_label_numeric_desc", ([q]) => `label_set(${q})`],
  /** It keeps names by now. */
  ["zscore", ([q], { args, suffix }) => named(`zscore(${q})${suffix}`, args[0] as Expr)],
  /** Nothing before the first and after the last value since v1.87.4. */
  ["interpolate", ([q]) => `interpolate(${q}) if (keep_last_value(${q}) + keep_next_value(${q}))`],
  /** 1.79.5 answers another time with an offset. */
  [
    "absent_over_time",
    ([q], { args }) => {
      const filters = selectorOf(args[0] as Expr)?.groups[0] ?? [];
      const labels = filters.filter(({ label, op }) => label !== "__name__" && op === "=");
      const pairs = labels.map(({ label, value }) => `, ${JSON.stringify(label)}, ${JSON.stringify(value)}`);
      return `label_set(absent(count_over_time(${q}))${pairs.join("")})`;
    },
  ],
  /** Of a gauge that is never below 0. */
  ["share", ([q], { args, suffix }) => named(`${q} / ${besideGroups(`sum(${q})${suffix}`, suffix)}`, args[0] as Expr)],
  /** Whole series that are outside the fences somewhere. */
  [
    "outliers_iqr",
    ([q], { suffix }) => {
      const [low, high] = [`quantile(0.25, ${q})${suffix}`, `quantile(0.75, ${q})${suffix}`];
      const fence = `1.5 * (${high} - ${low})`;
      const isAbove = `${q} > bool ${besideGroups(`(${high} + ${fence})`, suffix)}`;
      const isBelow = `${q} < bool ${besideGroups(`(${low} - ${fence})`, suffix)}`;
      return `${q} if (range_max((${isAbove}) + (${isBelow})) > 0)`;
    },
  ],
]);

/** One number a group, as the right side of series of these groups. */
function besideGroups(groups: string, suffix: string): string {
  return suffix === "" ? `scalar(${groups})` : `${suffix.replace(/^ by/, "on")} group_left () ${groups}`;
}

const FORMS: ReadonlyMap<string, Expr> = new Map(
  NEWER_FORMS.map(([newer, older]) => [printExpr(parse(newer)), parse(older)]),
);

/** Whether 1.79.5 has no such function, or answers otherwise. */
export function isNewer(name: string): boolean {
  return OLDER.has(name);
}

/** The tree in older words: itself, if it has no newer ones. */
export function inOlderWords(root: Expr, kind: Kind): Expr {
  const whole = (expr: Expr): Expr | null => {
    const form = FORMS.get(printExpr(expr));
    if (form !== undefined) return form;
    const split = splitGroups(expr);
    return split === null ? null : inOlderWords(split, kind);
  };
  return changeTree(root, (expr) => changeNode(expr, kind), whole);
}

/** m{a or b}, alone or as samples of a function: the union over both. */
function splitGroups(expr: Expr): Expr | null {
  const places = expr.kind === "function" && ROLLUPS.has(expr.name) ? expr.args : [expr];
  const groups = places.map((place) => selectorOf(place)?.groups ?? []).find(({ length }) => length > 1);
  if (groups === undefined) return null;
  const only = (group: (typeof groups)[number]): Expr =>
    changeTree(expr, (node) =>
      node.kind === "selector" && node.groups.length > 1 ? { ...node, groups: [group] } : node,
    );
  return callOf("union", ...groups.map(only));
}

function changeNode(expr: Expr, kind: Kind): Expr {
  if (expr.kind === "function" || expr.kind === "aggregate") {
    const suffix =
      expr.kind === "aggregate" && expr.modifier !== null
        ? ` ${expr.modifier.op} (${expr.modifier.labels.join(", ")})`
        : "";
    const older = OLDER.get(expr.name)?.(expr.args.map(printOperand), { args: expr.args, kind, suffix });
    return older === undefined ? changeTag(expr) : parse(`(${older})`);
  }
  return expr.kind === "binary" ? changeSet(expr) : expr;
}

function printOperand(expr: Expr): string {
  return expr.kind === "binary" ? `(${printExpr(expr)})` : printExpr(expr);
}

/** rollup_rate(m[d], "max"): one of the series it makes. */
function changeTag(expr: Expr): Expr {
  const tag = expr.kind === "function" && expr.name.startsWith("rollup") ? expr.args[1] : undefined;
  if (expr.kind !== "function" || tag?.kind !== "string") return expr;
  const all = printExpr({ ...expr, args: expr.args.slice(0, 1) });
  const one = `label_match(${all}, "rollup", ${printExpr(tag)})`;
  return parse(expr.name === "rollup_candlestick" ? one : `label_del(${one}, "rollup")`);
}

/** q == (1, 2), q != (1, 2) */
function changeSet(expr: BinaryExpr): Expr {
  const list = expr.right;
  if (list.kind !== "function" || list.name !== "union") return expr;
  if ((expr.op !== "==" && expr.op !== "!=") || !list.args.every(({ kind }) => kind === "number")) return expr;
  const [left, members] = [printOperand(expr.left), list.args.map(printExpr)];
  if (expr.op === "!=") return parse(members.reduce((inner, one) => `(${inner} != ${one})`, left));
  return parse(members.map((one) => `(${left} == ${one})`).join(" or "));
}
