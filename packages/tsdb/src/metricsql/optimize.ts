/**
 * Pushes label filters to where they save reading: in `a{job="x"} / b` only series of `b` with that job can match, so
 * `b` is read as `b{job="x"}`.
 *
 * Two questions are asked of every expression. Which filters do all its results fulfil (`commonFilters`, from the leaves
 * up)? And which filters may be put into it, given that only results that fulfil them will be used (`pushed`, from the
 * root down)? Between them stand operators, whose matching lets labels through or not, and functions and aggregates,
 * which keep labels or not. What is not known to keep labels stops a filter; that is always right, only slower.
 *
 * One difference is VictoriaMetrics' own: a side that consists of a single series without labels is combined with every
 * series of the other side, and a filter pushed into it makes it vanish, there as here.
 */
import {
  type AggregateExpr,
  type BinaryExpr,
  chainOf,
  type Expr,
  type FunctionExpr,
  type LabelFilter,
  type SelectorExpr,
} from "./ast.ts";

/** The same query, reading less. Pure: shares the parts of `expr` that need no change. */
export function optimize(expr: Expr): Expr {
  return new Optimizer().pushed(expr, NONE);
}

/**
 * `expr` with `filters` in its selectors, so that none of its results that fulfil them changes; others may be missing. Unlike `optimize`
 * it enters no binary operators, so there are no exceptions to that.
 */
export function pushFilters(expr: Expr, filters: Filters): Expr {
  return new Optimizer(false).pushed(expr, filters.slice(0, FILTERS_MAX));
}

type Filters = readonly LabelFilter[];

const NONE: Filters = [];

/** More filters than this are not carried along: leaving one out is always right. */
const FILTERS_MAX = 32;

/** `q == (a, b)` compares with all of a union, whatever its series' labels are. */
export function comparesWithUnion({ op, left, right }: BinaryExpr): boolean {
  return (op === "==" || op === "!=") && (isUnion(left) || isUnion(right));
}

export function isUnion(expr: Expr): boolean {
  return expr.kind === "function" && expr.name === "union";
}

class Optimizer {
  private readonly common = new Map<Expr, Filters>();
  private readonly entersBinaries: boolean;

  constructor(entersBinaries = true) {
    this.entersBinaries = entersBinaries;
  }

  /** Filters that the labels of every result of `expr` fulfil; never on `__name__`. */
  private commonFilters(expr: Expr): Filters {
    let filters = this.common.get(expr);
    if (filters === undefined) {
      filters = this.findCommonFilters(expr).slice(0, FILTERS_MAX);
      this.common.set(expr, filters);
    }
    return filters;
  }

  private findCommonFilters(expr: Expr): Filters {
    switch (expr.kind) {
      case "selector":
        return intersectAll(expr.groups.map((group) => group.filter(isOnLabel)));
      case "rollup":
        return this.commonFilters(expr.expr);
      case "function": {
        if (expr.name === "union") return intersectAll(expr.args.map((arg) => this.commonFilters(arg)));
        const arg = keptArgument(expr);
        return arg === null ? NONE : throughFunction(expr, this.commonFilters(arg));
      }
      case "aggregate": {
        const args = seriesArguments(expr);
        const filters = intersectAll(args.map((arg) => this.commonFilters(arg)));
        return KEEPING_AGGREGATES.has(expr.name) && args.length > 0 ? filters : throughAggregate(expr, filters);
      }
      case "binary":
        // From the first link up, so that each finds its left side known: a chain costs no stack.
        if (expr.left.kind === "binary" && !this.common.has(expr.left)) {
          for (const link of chainOf(expr.left).reverse()) this.commonFilters(link);
        }
        return this.commonOfBinary(expr);
      default:
        return NONE;
    }
  }

  private commonOfBinary(expr: BinaryExpr): Filters {
    if (expr.fillLeft !== null || expr.fillRight !== null || comparesWithUnion(expr)) return NONE;
    const left = this.commonFilters(expr.left);
    const right = this.commonFilters(expr.right);
    switch (expr.op) {
      case "or":
      case "default":
        return intersect(left, right);
      case "unless":
      case "ifnot":
      case "if":
        return left;
      case "and":
        return unite(left, throughMatching(expr, right));
      default:
        return unite(throughMatching(expr, left), throughMatching(expr, right));
    }
  }

  /** `expr` with filters in its selectors, so that no result that fulfils `filters` changes; others may be missing. */
  pushed(expr: Expr, filters: Filters): Expr {
    switch (expr.kind) {
      case "selector":
        return withFilters(expr, filters);
      case "rollup": {
        const inner = this.pushed(expr.expr, filters);
        const at = expr.at === null ? null : this.pushed(expr.at, NONE);
        return inner === expr.expr && at === expr.at ? expr : { ...expr, expr: inner, at };
      }
      case "function": {
        const kept = keptArgument(expr);
        const inside = throughFunction(expr, filters);
        const forAll = isUnion(expr) && !expr.args.some((arg) => mayLackLabels(arg, filters)) ? filters : NONE;
        return this.withArgs(expr, (arg) => (isUnion(expr) ? forAll : arg === kept ? inside : NONE));
      }
      case "aggregate": {
        // Which groups a limit lets through depends on all of them.
        const inside = expr.limit === 0 ? throughAggregate(expr, filters) : NONE;
        const series = new Set(seriesArguments(expr));
        return this.withArgs(expr, (arg) => (series.has(arg) ? inside : NONE));
      }
      case "binary":
        return this.entersBinaries ? this.pushedChain(expr, filters) : expr;
      default:
        return expr;
    }
  }

  private withArgs<T extends FunctionExpr | AggregateExpr>(expr: T, filtersOf: (arg: Expr) => Filters): T {
    const args = expr.args.map((arg) => this.pushed(arg, filtersOf(arg)));
    return args.some((arg, i) => arg !== expr.args[i]) ? { ...expr, args } : expr;
  }

  /** Down the chain with what its links let through, then up again. */
  private pushedChain(top: BinaryExpr, filters: Filters): Expr {
    const links = chainOf(top);
    const forRights: Filters[] = [];
    let inside = filters;
    for (const link of links) {
      const sides = this.filtersOfSides(link, inside);
      forRights.push(sides.forRight);
      inside = sides.forLeft;
    }
    let result = this.pushed((links.at(-1) as BinaryExpr).left, inside);
    for (let i = links.length - 1; i >= 0; i--) {
      const link = links[i] as BinaryExpr;
      const right = this.pushed(link.right, forRights[i] as Filters);
      result = result === link.left && right === link.right ? link : { ...link, left: result, right };
    }
    return result;
  }

  private filtersOfSides(expr: BinaryExpr, filters: Filters): { forLeft: Filters; forRight: Filters } {
    let forLeft = NONE;
    let forRight = NONE;
    const asked = throughMatching(expr, filters);
    const ofLeft = () => throughMatching(expr, this.commonFilters(expr.left));
    const ofRight = () => throughMatching(expr, this.commonFilters(expr.right));
    if (expr.fillLeft !== null || expr.fillRight !== null || comparesWithUnion(expr)) {
      // A missing side is filled in, or a value is looked for in all series of a list: then nothing may go missing because of a filter.
    } else if (expr.op === "or" && [expr.left, expr.right].some((side) => mayLackLabels(side, filters))) {
      // As of a list.
    } else if (expr.op === "or") {
      // A series of the left side hides those of the right with its key, whatever its other labels are.
      forLeft = asked;
      forRight = filters;
    } else if (expr.op === "and") {
      forLeft = unite(filters, ofRight());
      forRight = unite(asked, ofLeft());
    } else if (expr.op === "unless") {
      forLeft = filters;
      forRight = unite(asked, ofLeft());
    } else if (expr.op === "if" || expr.op === "ifnot") {
      forLeft = filters;
      // Without `on` or `ignoring` a right side without labels counts for every key.
      if (expr.matching !== null) forRight = unite(asked, ofLeft());
    } else if (expr.op !== "default") {
      // Not for `default`: it answers its right side when the left one is empty.
      forLeft = unite(asked, ofRight());
      forRight = unite(asked, ofLeft());
    }
    return { forLeft, forRight };
  }
}

/**
 * Whether `expr` may answer a series without labels that filters do not take away. Left alone of a list, it would be a number for the operator
 * around, which matches every series; beside others it matches one without labels only. So what is beside it must not go missing.
 */
function mayLackLabels(expr: Expr, filters: Filters): boolean {
  switch (expr.kind) {
    case "selector":
      return false;
    case "rollup":
      return mayLackLabels(expr.expr, filters);
    case "function": {
      if (isUnion(expr)) return expr.args.some((arg) => mayLackLabels(arg, filters));
      const kept = keptArgument(expr);
      return kept === null || mayLackLabels(kept, throughFunction(expr, filters));
    }
    case "aggregate":
      if (expr.limit === 0 && throughAggregate(expr, filters).length > 0) return false;
      return !KEEPING_AGGREGATES.has(expr.name) || seriesArguments(expr).some((arg) => mayLackLabels(arg, filters));
    default:
      return true;
  }
}

function isOnLabel(filter: LabelFilter): boolean {
  return filter.label !== "__name__";
}

function withFilters(expr: SelectorExpr, filters: Filters): SelectorExpr {
  if (filters.length === 0 || expr.groups.length === 0) return expr;
  let isChanged = false;
  const groups = expr.groups.map((group) => {
    const united = unite(group, filters);
    if (united !== group) isChanged = true;
    return united;
  });
  return isChanged ? { ...expr, groups } : expr;
}

/** Those on labels by which the two sides are matched: equal on both sides, and in the result. */
export function throughMatching(expr: BinaryExpr, filters: Filters): Filters {
  const { matching } = expr;
  if (matching === null || filters.length === 0) return filters;
  const labels = new Set(matching.labels);
  const isOn = matching.op === "on";
  return filters.filter(({ label }) => labels.has(label) === isOn);
}

/** Those on labels that say which group a series belongs to: they let whole groups through or none of it. */
function throughAggregate(expr: AggregateExpr, filters: Filters): Filters {
  const { modifier } = expr;
  if (modifier === null || filters.length === 0) return NONE;
  const labels = new Set(modifier.labels);
  const isBy = modifier.op === "by";
  return filters.filter(({ label }) => labels.has(label) === isBy);
}

/** Aggregates that answer some of the series they were given, with all their labels. */
const KEEPING_AGGREGATES: ReadonlySet<string> = new Set([
  ...["any", "limitk", "share", "zscore", "outliersk", "outliers_mad", "outliers_iqr"],
  ...["topk", "topk_avg", "topk_last", "topk_max", "topk_median", "topk_min"],
  ...["bottomk", "bottomk_avg", "bottomk_last", "bottomk_max", "bottomk_median", "bottomk_min"],
]);

/** Aggregates whose first argument is a number. */
const NUMBER_FIRST: ReadonlySet<string> = new Set([
  ...["quantile", "limitk", "outliersk", "outliers_mad"],
  ...[...KEEPING_AGGREGATES].filter((name) => /^(top|bottom)k/.test(name)),
]);

/** None for aggregates that make up labels of their own: those take a string, or are `histogram`. */
function seriesArguments(expr: AggregateExpr): readonly Expr[] {
  if (expr.name === "histogram" || expr.name === "count_values" || expr.name === "quantiles") return [];
  if (expr.args.some(({ kind }) => kind === "string")) return [];
  return NUMBER_FIRST.has(expr.name) ? expr.args.slice(1) : expr.args;
}

/** Functions of which every result has the labels of one series of their argument (perhaps without its name). */
const KEEPING_FUNCTIONS: ReadonlySet<string> = new Set([
  // rollups of one series
  ...["ascent_over_time", "avg_over_time", "changes", "changes_prometheus", "count_over_time", "decreases_over_time"],
  ...["default_rollup", "delta", "delta_prometheus", "deriv", "deriv_fast", "descent_over_time", "distinct_over_time"],
  ...["first_over_time", "geomean_over_time", "idelta", "ideriv", "increase", "increase_prometheus", "increase_pure"],
  ...["increases_over_time", "integrate", "irate", "lag", "last_over_time", "lifetime", "mad_over_time"],
  ...["max_over_time", "median_over_time", "min_over_time", "mode_over_time", "present_over_time", "range_over_time"],
  ...["rate", "rate_over_sum", "rate_prometheus", "resets", "scrape_interval", "stale_samples_over_time"],
  ...["stddev_over_time", "stdvar_over_time", "sum2_over_time", "sum_over_time", "tfirst_over_time", "timestamp"],
  ...["timestamp_with_name", "tlast_change_over_time", "tlast_over_time", "tmax_over_time", "tmin_over_time"],
  ...["zscore_over_time", "predict_linear", "holt_winters"],
  // transforms of one series
  ...["abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "clamp", "clamp_max", "clamp_min", "cos"],
  ...["cosh", "day_of_month", "day_of_week", "day_of_year", "days_in_month", "deg", "exp", "floor", "hour"],
  ...["interpolate", "keep_last_value", "keep_next_value", "ln", "log10", "log2", "minute", "month", "rad"],
  ...["range_avg", "range_first", "range_last", "range_max", "range_median", "range_min", "range_sum"],
  ...["remove_resets", "round", "running_avg", "running_max", "running_min", "running_sum", "sgn", "sin", "sinh"],
  ...["smooth_exponential", "sort", "sort_desc", "sqrt", "tan", "tanh", "year"],
]);

/** Functions that answer one series for several buckets, whose `le` or `vmrange` is gone. */
const BUCKET_FUNCTIONS: ReadonlyMap<string, number> = new Map([
  ["histogram_avg", 0],
  ["histogram_quantile", 1],
  ["histogram_stddev", 0],
  ["histogram_stdvar", 0],
]);

/** Functions that keep labels and take numbers before their series. */
const NUMBER_FIRST_FUNCTIONS: ReadonlySet<string> = new Set([
  ...["quantile_over_time", "hoeffding_bound_lower", "hoeffding_bound_upper", "range_quantile"],
]);

/** The argument whose labels the results have; null if there is none. */
function keptArgument(expr: FunctionExpr): Expr | null {
  const { name, args } = expr;
  // `histogram_quantile(phi, q, "bound")` adds series with a label of that name.
  if (args.some(({ kind }) => kind === "string")) return null;
  if (KEEPING_FUNCTIONS.has(name)) return args[0] ?? null;
  if (NUMBER_FIRST_FUNCTIONS.has(name)) return args[1] ?? null;
  return args[BUCKET_FUNCTIONS.get(name) ?? -1] ?? null;
}

function throughFunction(expr: FunctionExpr, filters: Filters): Filters {
  if (!BUCKET_FUNCTIONS.has(expr.name)) return filters;
  return filters.filter(({ label }) => label !== "le" && label !== "vmrange");
}

function keyOf({ label, op, value }: LabelFilter): string {
  return `${op}${label.length}:${label}${value}`;
}

/** `a`, then what is in `b` only; `a` itself if that is nothing. */
function unite(a: Filters, b: Filters): Filters {
  if (b.length === 0) return a;
  const seen = new Set(a.map(keyOf));
  const added = b.filter((filter) => !seen.has(keyOf(filter)));
  return added.length === 0 ? a : [...a, ...added];
}

function intersect(a: Filters, b: Filters): Filters {
  if (a.length === 0 || b.length === 0) return NONE;
  const seen = new Set(b.map(keyOf));
  return a.filter((filter) => seen.has(keyOf(filter)));
}

function intersectAll(sets: readonly Filters[]): Filters {
  let common = sets[0] ?? NONE;
  for (let i = 1; i < sets.length; i++) common = intersect(common, sets[i] as Filters);
  return common;
}
