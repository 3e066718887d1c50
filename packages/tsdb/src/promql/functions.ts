/**
 * The functions of Prometheus 3 and the types of their arguments. What they compute is not known here.
 *
 * Source: Prometheus' documentation of its query functions, version 3.
 */
import type { PromType } from "./ast.ts";

export interface PromSignature {
  readonly args: readonly PromType[];
  /** How many of `args` may be left out or repeated: 0 none; n > 0: the last may be left out or occur up to n times; -1: any number of times. */
  readonly variadic: number;
  readonly returns: PromType;
  /** Prometheus answers it only with `--enable-feature=promql-experimental-functions`. */
  readonly isExperimental: boolean;
}

function takes(args: readonly PromType[], rest: Partial<PromSignature> = {}): PromSignature {
  return { args, variadic: 0, returns: "vector", isExperimental: false, ...rest };
}

const VECTOR = takes(["vector"]);
const MATRIX = takes(["matrix"]);
const EXPERIMENTAL_MATRIX = takes(["matrix"], { isExperimental: true });
/** Of the vector, or of the evaluation time if there is none. */
const CALENDAR = takes(["vector"], { variadic: 1 });
const EXPERIMENTAL_SCALAR = takes([], { returns: "scalar", isExperimental: true });
const TWO_SCALARS = takes(["scalar", "scalar"], { returns: "scalar", isExperimental: true });
const SORT_BY_LABEL = takes(["vector", "string"], { variadic: -1, isExperimental: true });

const each = (names: string, signature: PromSignature): [string, PromSignature][] =>
  names.split(" ").map((name) => [name, signature]);

/** By name; names are case-sensitive. */
export const promFunctions: ReadonlyMap<string, PromSignature> = new Map<string, PromSignature>([
  ...each("abs ceil exp floor ln log10 log2 sgn sqrt", VECTOR),
  ...each("acos acosh asin asinh atan atanh cos cosh deg rad sin sinh tan tanh", VECTOR),
  ...each("absent sort sort_desc timestamp", VECTOR),
  ["clamp", takes(["vector", "scalar", "scalar"])],
  ...each("clamp_max clamp_min", takes(["vector", "scalar"])),
  ["round", takes(["vector", "scalar"], { variadic: 1 })],
  ["scalar", takes(["vector"], { returns: "scalar" })],
  ["vector", takes(["scalar"])],
  ...each("pi time", takes([], { returns: "scalar" })),
  ...each("start end range step", EXPERIMENTAL_SCALAR),
  ...each("max_of min_of", TWO_SCALARS),

  ...each("days_in_month day_of_month day_of_week day_of_year hour minute month year", CALENDAR),

  ["label_replace", takes(["vector", "string", "string", "string", "string"])],
  ["label_join", takes(["vector", "string", "string", "string"], { variadic: -1 })],
  ...each("sort_by_label sort_by_label_desc", SORT_BY_LABEL),
  /**
   * info(v [, {filters}]): gives each series the labels of the info metrics with its `instance` and `job`: those of `target_info` if the
   * filters name no other, only the labels that the filters name if they name any. Keeps the name; query/prom/info.ts.
   */
  ["info", takes(["vector", "vector"], { variadic: 1, isExperimental: true })],

  ...each("absent_over_time present_over_time count_over_time", MATRIX),
  ...each("avg_over_time sum_over_time min_over_time max_over_time stddev_over_time stdvar_over_time", MATRIX),
  ...each("first_over_time last_over_time changes resets", MATRIX),
  ...each("rate increase delta irate idelta deriv", MATRIX),
  ["quantile_over_time", takes(["scalar", "matrix"])],
  ["predict_linear", takes(["matrix", "scalar"])],
  ["double_exponential_smoothing", takes(["matrix", "scalar", "scalar"], { isExperimental: true })],
  ...each("mad_over_time ts_of_first_over_time ts_of_last_over_time", EXPERIMENTAL_MATRIX),
  ...each("ts_of_min_over_time ts_of_max_over_time", EXPERIMENTAL_MATRIX),

  ["histogram_quantile", takes(["scalar", "vector"])],
  ["histogram_fraction", takes(["scalar", "scalar", "vector"])],
  ["histogram_quantiles", takes(["vector", "string", "scalar", "scalar"], { variadic: 9, isExperimental: true })],

  // Of native histograms and of start timestamps, which are not stored: known by name, so that a query can be parsed and printed.
  ...each("histogram_avg histogram_count histogram_sum histogram_stddev histogram_stdvar", VECTOR),
  ["start_timestamp", takes(["vector"], { isExperimental: true })],
]);
