/**
 * The functions of MetricsQL as random queries write them: each with arguments that give an answer over the corpus' data set, and what
 * may be put into it.
 *
 * What decides by last digits (counts different values, compares, rounds) takes exact input only: samples as they are stored, or what
 * is computed of them without rounding. Otherwise two servers that add in different orders would differ.
 */
import { AGGREGATES, ROLLUPS, TRANSFORMS } from "./metricsql-tables.ts";

/**
 * What a template's `@` is. `samples`: m[d] or a subquery. `vector`: anything; `exact`: anything exact. `named`: a plain selector
 * of one name with unequal values, `^` being the label that tells them apart. `labelled`: with the labels job and instance. `unit`: between -1 and 1. `whole`: whole numbers.
 * `times`: Unix times. `buckets`: with `le`.
 */
export type Input =
  | "samples"
  | "vector"
  | "exact"
  | "named"
  | "labelled"
  | "unit"
  | "whole"
  | "times"
  | "buckets"
  | "none";

/** `#` is a number. */
export interface Template {
  readonly text: string;
  readonly over: Input;
  /** Exact input gives an exact answer. */
  readonly isExact: boolean;
  /** The input may be rounded, too. */
  readonly isSmooth: boolean;
}

export const COUNTERS: readonly string[] = [
  "http_requests_total",
  'http_requests_total{job="web",status=~"5.."}',
  "http_request_duration_seconds_count",
  'node_cpu_seconds_total{cpu="0"}',
  'node_cpu_seconds_total{mode!="idle"}',
  'node_network_receive_bytes_total{device="eth0"}',
  "late_counter_total",
  'http_requests_total{method="GET" or status="500"}',
];

export const GAUGES: readonly string[] = [
  "up",
  "node_load1",
  "node_memory_MemFree_bytes",
  "temperature_celsius",
  "status_code",
  "negative_gauge",
  "series_a",
  "series_b",
  "series_c",
  "late_gauge",
  "process_resident_memory_bytes",
  'node_filesystem_avail_bytes{mountpoint="/"}',
  '{__name__=~"series_.*",k="1"}',
  '{job="node",__name__!~"node_.*"}',
];

/** What counters' functions may have besides: whole numbers that are not negative. */
export const COUNTABLE: readonly string[] = [
  "up",
  "status_code",
  "late_gauge",
  "series_a",
  "node_memory_MemFree_bytes",
];

/** With gaps, which 1.79.5 takes for what they are by another rule. */
export const IRREGULAR: readonly string[] = ["irregular_total", "flapping_gauge", "slow_gauge", "short_lived_gauge"];

export const NAMED: readonly (readonly [selector: string, label: string])[] = [
  ["node_memory_MemFree_bytes", "instance"],
  ["process_resident_memory_bytes", "instance"],
  ["node_load1", "instance"],
  ["temperature_celsius", "room"],
];

/** Of these there is none. */
export const NOTHING: readonly string[] = [
  "nothing",
  'nothing{job="web"}',
  'up{job="none",instance="x"}',
  'up{job=~"none"}',
];

export const LABELLED: readonly string[] = [
  "http_requests_total",
  "node_load1",
  "rate(node_cpu_seconds_total[5m])",
  "up offset 5m",
  'status_code{instance=~"web-[12].*"}',
  "max_over_time(late_gauge[10m])",
  "count(http_requests_total) by (job, instance)",
];

export const UNITS: readonly string[] = ["up", "negative_gauge / 64", "build_info", "late_gauge / 16"];

export const WHOLES: readonly string[] = ["status_code", "up", "series_b", "node_memory_MemFree_bytes"];

export const TIMES: readonly string[] = [
  "timestamp(up)",
  "time()",
  "time() + 86400 * 59",
  "process_start_time_seconds",
  "last_success_timestamp_seconds * 0.9",
  "node_boot_time_seconds - 31536000",
];

/** Enough of them that there is a quantile at every point. */
export const BUCKETS: readonly string[] = [
  "increase(http_request_duration_seconds_bucket[30m])",
  "rate(http_request_duration_seconds_bucket[20m])",
  'increase(http_request_duration_seconds_bucket{job="web"}[1h])',
  "sum(http_request_duration_seconds_bucket) by (le)",
  "sum(increase(http_request_duration_seconds_bucket[20m])) by (le)",
  "prometheus_buckets(increase(request_size_bucket[30m]))",
];

const SMOOTH_ROLLUPS: ReadonlySet<string> = new Set([
  ...["absent_over_time", "avg_over_time", "count_over_time", "default_rollup", "first_over_time", "last_over_time"],
  ...["lifetime", "lag", "max_over_time", "median_over_time", "min_over_time", "present_over_time", "range_over_time"],
  ...["rate_over_sum", "rollup", "rollup_candlestick", "scrape_interval", "rollup_scrape_interval", "sum_over_time"],
  ...[
    "stale_samples_over_time",
    "tfirst_over_time",
    "timestamp",
    "timestamp_with_name",
    "tlast_over_time",
    "integrate",
  ],
]);

const EXACT_ROLLUPS: ReadonlySet<string> = new Set([
  ...["changes", "changes_prometheus", "count_over_time", "decreases_over_time", "increases_over_time", "resets"],
  ...["default_rollup", "distinct_over_time", "first_over_time", "last_over_time", "max_over_time", "min_over_time"],
  ...["present_over_time", "tfirst_over_time", "timestamp", "timestamp_with_name", "tlast_change_over_time"],
  ...["tlast_over_time", "tmax_over_time", "tmin_over_time", "stale_samples_over_time"],
]);

/** Below, with samples that suit them. */
const CHOSEN_ROLLUPS: ReadonlySet<string> = new Set([
  ...[
    "absent_over_time",
    "holt_winters",
    "mode_over_time",
    "mad_over_time",
    "outlier_iqr_over_time",
    "rate_prometheus",
  ],
]);

/** f(m[d]), as the table says, and some with more arguments. */
export const ROLLUP_TEMPLATES: readonly Template[] = [
  ...[...ROLLUPS]
    .filter(([name, { args }]) => args[0] === "series" && (args[1] ?? "tag") === "tag" && !CHOSEN_ROLLUPS.has(name))
    .map(([name]) => rollup(`${name}(@)`, SMOOTH_ROLLUPS.has(name), EXACT_ROLLUPS.has(name))),
  rollup("count_eq_over_time(@, 1)", false, true),
  rollup("count_ne_over_time(@, 200)", false, true),
  rollup("count_gt_over_time(@, #)", false, true),
  rollup("count_le_over_time(@, #)", false, true),
  rollup("share_gt_over_time(@, #)", false, false),
  rollup("share_le_over_time(@, #)", false, false),
  rollup("sum_eq_over_time(@, 1)", false, false),
  rollup("duration_over_time(@, 40)", true, false),
  rollup("quantile_over_time(0.9, @)", true, false),
  rollup("quantile_over_time(#, @)", true, false),
  rollup('quantiles_over_time("phi", 0.1, 0.5, 1, @)', true, false),
  rollup("hoeffding_bound_lower(0.5, @)", false, false),
  rollup("hoeffding_bound_upper(0.9, @)", false, false),
  rollup("predict_linear(@, 3600)", true, false),
  rollup('aggr_over_time(("min_over_time", "max_over_time"), @)', true, true),
  rollup('aggr_over_time("avg_over_time", @)', true, false),
];

/** Rollups of samples that suit them. */
export const CHOSEN_TEMPLATES: readonly Template[] = [
  // 1.79.5 reads samples before the first window here, we do not: there are none before the data's begin.
  ...both(["holt_winters(@, 0.3, 0.7)", "mode_over_time(@)"], ["late_gauge[1h]", "status_code[2h]", "node_load1[2h]"]),
  ...both(
    ['count_values_over_time("code", @)', "share_eq_over_time(@, 404)", "sum_eq_over_time(@, 301)"],
    ["status_code[10m]", 'status_code{instance=~"web-[12].*"}[25m]'],
  ),
  ...both(
    ["absent_over_time(@[10m])", "absent_over_time(@[7m] offset 5m)", "absent_over_time(@)"],
    [...NOTHING, "late_gauge", "short_lived_gauge"],
  ),
  ...both(["outlier_iqr_over_time(@)"], ["temperature_celsius[15m]", "node_load1[5m]", "up[20m]"]),
  ...both(["sum_gt_over_time(@, 21.5)", "sum_le_over_time(@, 22)"], ["temperature_celsius[10m]", "node_load1[20m]"]),
  ...both(["mad_over_time(@ @ 1704070080)", "mad_over_time(@ @ 1704069000)"], ["temperature_celsius[10m]", "up[9m]"]),
  ...both(["rate_prometheus(@)"], ["irregular_total[10m]", "http_requests_total[5m]", "node_cpu_seconds_total[7m]"]),
  ...both(
    ['rollup(@, "avg")', 'rollup_rate(@, "max")', 'rollup_candlestick(@, "high")', 'rollup_delta(@, "min")'],
    ["node_load1[10m]", "http_requests_total[5m]"],
  ),
  ...both(
    [
      "avg_over_time(@)",
      "count_over_time(@)",
      "last_over_time(@)",
      "quantile_over_time(0.3, @)",
      "stddev_over_time(@)",
    ],
    IRREGULAR.map((selector) => `${selector}[45m]`),
  ),
];

const SMOOTH_TRANSFORMS: ReadonlySet<string> = new Set([
  ...["abs", "absent", "asinh", "atan", "deg", "drop_common_labels", "drop_empty_series", "exp"],
  ...["keep_last_value", "keep_next_value", "rad", "range_avg", "range_first", "range_last", "range_max"],
  ...["range_min", "range_sum", "running_avg", "running_max", "running_min", "running_sum", "scalar"],
  ...["sort", "sort_desc", "tanh", "vector"],
]);

const EXACT_TRANSFORMS: ReadonlySet<string> = new Set([
  ...[
    "abs",
    "absent",
    "ceil",
    "floor",
    "drop_common_labels",
    "drop_empty_series",
    "keep_last_value",
    "keep_next_value",
  ],
  ...["range_first", "range_last", "range_max", "range_min", "round", "running_max", "running_min", "sgn", "sort"],
  ...["sort_desc", "vector", "scalar"],
]);

/** Inputs of f(q) that are not anything, and of functions without arguments. */
const TRANSFORM_INPUTS: ReadonlyMap<string, Input> = new Map<string, Input>([
  // Go's cosh and sinh reach infinity somewhat early.
  ...["acos", "asin", "atanh", "cos", "cosh", "sin", "sinh", "tan"].map((name) => [name, "unit"] as const),
  ...["day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year"].map(
    (name) => [name, "times"] as const,
  ),
  ...["histogram_avg", "histogram_stddev", "histogram_stdvar"].map((name) => [name, "buckets"] as const),
  ...[
    "range_linear_regression",
    "range_mad",
    "range_normalize",
    "interpolate",
    "range_stddev",
    "range_stdvar",
    "range_zscore",
  ].map((name) => [name, "named"] as const),
]);

/** Those below instead. */
const CHOSEN_TRANSFORMS: ReadonlySet<string> = new Set([
  ...["union", "now", "prometheus_buckets", "label_del", "label_keep", "label_copy", "label_move", "label_set"],
  ...[
    "rand",
    "rand_exponential",
    "rand_normal",
    "absent",
    "scalar",
    "timezone_offset",
    "acosh",
    "alias",
    "drop_empty_series",
  ],
]);

/** f(q), as the table says, and those with more arguments. */
export const TRANSFORM_TEMPLATES: readonly Template[] = [
  ...[...TRANSFORMS]
    .filter(([name, { min, max }]) => min <= 1 && max >= 1 && !CHOSEN_TRANSFORMS.has(name))
    .map(([name]) =>
      transform(
        `${name}(@)`,
        TRANSFORM_INPUTS.get(name) ?? inputOf(SMOOTH_TRANSFORMS.has(name)),
        EXACT_TRANSFORMS.has(name),
      ),
    ),
  ...both(["absent(@)", "absent(rate(@[5m]))"], [...NOTHING, "late_gauge", "short_lived_gauge"]),
  ...["clamp(@, #, 100)", "clamp_max(@, #)", "clamp_min(@, #)"].map((text) => transform(text, "vector", true)),
  ...["smooth_exponential(@, 0.3)", "ru(@, 100)", "scalar(sum(@))"].map((text) => transform(text, "vector")),
  ...["range_quantile(0.3, @)", "round(@, 5)", "round(@, 0.5)", "acosh((@) + 1)"].map((text) =>
    transform(text, "exact"),
  ),
  ...["bitmap_and(@, 7)", "bitmap_or(@, 5)", "bitmap_xor(@, 12)"].map((text) => transform(text, "whole", true)),
  ...[
    'label_set(@, "new", "x", "job", "y")',
    'label_del(@, "le", "mode")',
    'label_keep(@, "__name__", "job", "instance", "k", "z", "room", "mode", "status", "method", "sign", "cpu")',
    'labels_equal(label_set(@, "a", "x", "b", "x"), "a", "b")',
    'alias(@, "renamed")',
    'sort_by_label(@, "job", "instance")',
    'sort_by_label_desc(@, "instance")',
    'sort_by_label_numeric(@, "instance")',
    'sort_by_label_numeric_desc(@, "job", "instance")',
    "limit_offset(1000, 0, @)",
    "drop_empty_series(@)",
  ].map((text) => transform(text, "vector", true)),
  // 1.79.5 leaves emptied labels in answers and reads dropped ones.
  ...[
    'union(@, label_set(series_c, "second", "1"))',
    '(@, label_set(up, "second", "1"))',
    "union(@)",
    'labels_equal(label_set(@, "a", "node"), "a", "job")',
    'label_copy(@, "job", "copy")',
    'label_move(@, "instance", "place")',
    'label_join(@, "joined", "-", "job", "instance")',
    'label_replace(@, "host", "$1", "instance", "([^:]+):.*")',
    'label_transform(@, "instance", "[-:]", "_")',
    'label_map(@, "job", "web", "W", "node", "N")',
    'label_uppercase(@, "job", "instance")',
    'label_lowercase(@, "job")',
    'label_match(@, "job", "w.*|node|")',
    'label_mismatch(@, "job", "web.+")',
  ].map((text) => transform(text, "labelled", true)),
  ...[
    'label_value(http_requests_total{job="web"}, "status") or label_value(@, "k")',
    'label_value(http_requests_total, "status")',
    'label_value(series_a, "k") + on (k) group_right () label_set(@, "k", "1")',
    'label_graphite_group({__name__=~"app.*"}, 0, 1)',
    'label_graphite_group({__name__="app1.host1.memory_usage"}, 1)',
    'label_graphite_group(alias(series_c, "a.b"), 0)',
  ].map((text) => transform(text, text.includes("@") ? "vector" : "none", true)),
  ...[
    "limit_offset(2, 1, sort_by_label(@, ^))",
    "limit_offset(1, 0, sort_by_label_desc(@, ^))",
    "range_trim_outliers(1, @)",
    "range_trim_spikes(0.5, @)",
    "range_trim_zscore(1, @)",
    "interpolate(@ > 2)",
    "keep_last_value(@ > 21)",
    "keep_next_value(@ < 21)",
  ].map((text) => transform(text, "named")),
  ...[
    ...[0.5, 0.99, 1, 0, -1, 2].map((phi) => `histogram_quantile(${phi}, @)`),
    'histogram_quantile(0.9, @, "bound")',
    'histogram_quantiles("q", 0.5, 0.9, @)',
    ...[0.1, 1, 1e9].map((le) => `histogram_share(${le}, @)`),
    'histogram_share(0.3, @, "bound")',
    "histogram_fraction(0.05, 1, @)",
    "histogram_fraction(0.01, 0.3, @)",
  ].map((text) => transform(text, "buckets")),
  ...both(["ttf(@)"], ["node_filesystem_avail_bytes", "node_memory_MemFree_bytes"]),
  // Where the outermost buckets are not empty: the rule for those is newer.
  ...BUCKETS.filter((text) => !text.startsWith("prometheus_buckets")).flatMap((buckets) => [
    transform(`buckets_limit(3, ${buckets})`, "none"),
    transform(`buckets_limit(5, ${buckets})`, "none"),
  ]),
  ...["increase(request_size_bucket[30m])", "rate(request_size_bucket[1h])", "request_size_bucket"].map((ranges) =>
    transform(`prometheus_buckets(${ranges})`, "none"),
  ),
  ...[
    ...["time()", "start() + time()", "end() - time()", "step() + 1", "pi() * 2", "start()", "end()", "step()"],
    ...["hour()", "minute()", "day_of_year()", "month() + year()", "days_in_month()", "day_of_week() + day_of_month()"],
    ...['timezone_offset("Europe/Berlin")', 'timezone_offset("America/New_York") + time()'],
    // The present and chance, as far as they say something certain.
    ...["now() > bool time()", "clamp_max(now(), 7)", "(@) + (now() - now() < bool 2)"],
    ...["rand() < bool 1", "rand(7) - rand(7) + (@)", "clamp(rand(), 1, 1)"],
    ...["rand_normal(5) - rand_normal(5)", "rand_normal() < bool 100", "(@) * (rand_normal() > bool -100)"],
    ...["rand_exponential(1) >= bool 0", "rand_exponential() < bool 1000", "rand_exponential(3) - rand_exponential(3)"],
  ].map((text) => transform(text, text.includes("@") ? "vector" : "none")),
];

const SMOOTH_AGGREGATES: ReadonlySet<string> = new Set([
  ...["avg", "count", "geomean", "group", "max", "median", "min", "stddev", "stdvar", "sum", "sum2", "mad"],
]);

const EXACT_AGGREGATES: ReadonlySet<string> = new Set(["count", "distinct", "group", "max", "min", "mode", "limitk"]);

const CHOSEN_AGGREGATES: ReadonlySet<string> = new Set(["any", "share", "outliers_iqr", "zscore"]);

/** A modifier is put behind those that have no `by`. */
export const AGGREGATE_TEMPLATES: readonly Template[] = [
  ...[...AGGREGATES]
    .filter(([name, { args }]) => args.length === 1 && !CHOSEN_AGGREGATES.has(name))
    .map(([name]) => transform(`${name}(@)`, inputOf(SMOOTH_AGGREGATES.has(name)), EXACT_AGGREGATES.has(name))),
  ...["quantile(0.3, @)", "quantile(#, @)", 'quantiles("phi", 0.2, 0.8, @)'].map((text) => transform(text, "vector")),
  ...["outliers_mad(1, @)", 'count_values("v", @)', "limitk(1000, @)"].map((text) => transform(text, "exact")),
];

export const NAMED_AGGREGATES: readonly Template[] = [
  ...[...AGGREGATES]
    .filter(([name]) => /^(topk|bottomk)/.test(name))
    .map(([name]) => transform(`${name}(2, @)`, "named")),
  ...['topk_max(1, @, "rest=others")', 'bottomk_avg(1, @, "rest=others")', "outliersk(1, @)", "outliersk(2, @)"].map(
    (text) => transform(text, "named"),
  ),
  ...["any(@) by (^, job)", "count(limitk(2, @))", "share(@)", "share(@) by (job)", "share(@) by (country)"].map(
    (text) => transform(text, "named"),
  ),
  ...["zscore(@)", "zscore(@) by (job)"].map((text) => transform(text, "named")),
  ...both(["outliers_mad(1.5, @)", "outliers_mad(1, @) by (job)"], ["http_requests_total", "node_cpu_seconds_total"]),
  ...both(["outliers_iqr(@)", "outliers_iqr(@) by (job)"], ["http_requests_total", "temperature_celsius"]),
];

function rollup(text: string, isSmooth: boolean, isExact: boolean): Template {
  return { text, over: "samples", isSmooth, isExact };
}

function transform(text: string, over: Input, isExact = false): Template {
  return { text, over, isSmooth: over === "vector", isExact };
}

function inputOf(isSmooth: boolean): Input {
  return isSmooth ? "vector" : "exact";
}

/** Every template with every argument. */
function both(texts: readonly string[], args: readonly string[]): Template[] {
  return texts.flatMap((text) => args.map((arg) => transform(text.replace("@", arg), "none")));
}
