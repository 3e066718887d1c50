/**
 * Random MetricsQL queries over the corpus's data set, by seed: typed, so that nearly all of them can be evaluated, and in
 * the language of 1.79.5, so that it can be asked too. What depends on chance, on a clock or on hashes is not among them.
 *
 * A query is built from the outside in: every function below makes the text of one kind of expression, smaller ones as `depth`
 * runs out.
 */

import { type Dice, diceOf } from "./random-queries.ts";

export function randomMetricsql(seed: number): string {
  const dice = diceOf(seed);
  return new Generator(dice).vector(1 + dice(3));
}

/** Selectors, by what their values are good for. */
const COUNTERS = [
  "http_requests_total",
  'http_requests_total{job="web",status=~"5.."}',
  "http_request_duration_seconds_count",
  'node_cpu_seconds_total{cpu="0"}',
  'node_cpu_seconds_total{mode!="idle"}',
  'node_network_receive_bytes_total{device="eth0"}',
  "late_counter_total",
  "irregular_total",
];
const GAUGES = [
  "up",
  "node_load1",
  "node_memory_MemFree_bytes",
  "temperature_celsius",
  "status_code",
  "negative_gauge",
  "series_a",
  "series_b",
  "series_c",
  "short_lived_gauge",
  "flapping_gauge",
  "late_gauge",
  "process_resident_memory_bytes",
  'node_filesystem_avail_bytes{mountpoint="/"}',
  '{__name__=~"series_.*",k="1"}',
  '{job="edge",__name__!~"slow.*|fast.*"}',
  "nothing_of_the_kind",
];
const BUCKETS = [
  "http_request_duration_seconds_bucket",
  'http_request_duration_seconds_bucket{job="web"}',
  "sum(http_request_duration_seconds_bucket) by (le)",
  "request_size_bucket",
];
const LABELS = ["job", "instance", "device", "mode", "status", "k", "sign", "room"];
const WINDOWS = ["5m", "10m", "7m30s", "1h", "300", "3i", "900s"];
const NUMBERS = ["0", "1", "2.5", "-1", "10", "0.5", "1e3", "100", "3K", "1Mi"];

/** f(m[d]) */
const ROLLUPS = [
  ...["absent_over_time", "ascent_over_time", "avg_over_time", "changes", "count_over_time", "decreases_over_time"],
  ...["default_rollup", "delta", "deriv", "deriv_fast", "descent_over_time", "distinct_over_time", "first_over_time"],
  ...[
    "geomean_over_time",
    "histogram_over_time",
    "idelta",
    "ideriv",
    "increase",
    "increase_pure",
    "increases_over_time",
  ],
  ...["integrate", "irate", "lag", "last_over_time", "lifetime", "max_over_time", "median_over_time", "min_over_time"],
  ...["mode_over_time", "present_over_time", "range_over_time", "rate", "rate_over_sum", "resets", "rollup"],
  ...["rollup_candlestick", "rollup_delta", "rollup_deriv", "rollup_increase", "rollup_rate", "rollup_scrape_interval"],
  ...["scrape_interval", "stale_samples_over_time", "stddev_over_time", "stdvar_over_time", "sum2_over_time"],
  ...["sum_over_time", "tfirst_over_time", "timestamp", "timestamp_with_name", "tlast_change_over_time"],
  ...["tlast_over_time", "tmax_over_time", "tmin_over_time", "zscore_over_time", "delta_prometheus"],
  ...["increase_prometheus", "changes_prometheus"],
];
/** f(m[d], x), `#` being the number. */
const NUMBER_ROLLUPS = [
  "count_eq_over_time(@, 1)",
  "count_gt_over_time(@, #)",
  "count_le_over_time(@, #)",
  "count_ne_over_time(@, #)",
  "share_gt_over_time(@, #)",
  "share_le_over_time(@, #)",
  "duration_over_time(@, 40)",
  "quantile_over_time(0.9, @)",
  "quantile_over_time(#, @)",
  'quantiles_over_time("phi", 0.1, 0.5, 1, @)',
  "hoeffding_bound_lower(0.5, @)",
  "hoeffding_bound_upper(0.9, @)",
  "holt_winters(@, 0.3, 0.7)",
  "predict_linear(@, 3600)",
  'aggr_over_time(("min_over_time", "max_over_time"), @)',
  'aggr_over_time("avg_over_time", @)',
];
/** f(q) */
const TRANSFORMS = [
  ...["abs", "absent", "acos", "asin", "atan", "atanh", "acosh", "asinh", "ceil", "cos", "cosh", "day_of_month"],
  ...["day_of_week", "days_in_month", "deg", "exp", "floor", "hour", "keep_last_value", "keep_next_value", "ln"],
  ...["log10", "log2", "minute", "month", "rad", "range_avg", "range_first", "range_last", "range_max", "range_min"],
  ...[
    "range_sum",
    "range_median",
    "remove_resets",
    "round",
    "running_avg",
    "running_max",
    "running_min",
    "running_sum",
  ],
  ...["scalar", "sgn", "sin", "sinh", "sort", "sort_desc", "sqrt", "tan", "tanh", "vector", "year"],
  ...["drop_common_labels"],
];
const OTHER_TRANSFORMS = [
  "clamp(@, #, 100)",
  "clamp_max(@, #)",
  "clamp_min(@, #)",
  "round(@, 5)",
  "round(@, 0.1)",
  "smooth_exponential(@, 0.3)",
  "range_quantile(0.3, @)",
  "bitmap_and(@, 7)",
  "bitmap_or(@, 5)",
  "bitmap_xor(@, 12)",
  "union(@, @)",
  "(@, @)",
  'label_set(@, "new", "x", "job", "y")',
  'label_del(@, "le", "mode")',
  'label_keep(@, "job", "instance", "k")',
  'label_copy(@, "job", "copy")',
  'label_move(@, "instance", "place")',
  'label_join(@, "joined", "-", "job", "instance")',
  'label_replace(@, "host", "$1", "instance", "([^:]+):.*")',
  'label_transform(@, "instance", "[-:]", "_")',
  'label_map(@, "job", "web", "W", "node", "N")',
  'label_match(@, "job", "w.*|node")',
  'label_mismatch(@, "job", "web")',
  'label_uppercase(@, "job", "instance")',
  'label_lowercase(@, "job")',
  'label_value(@, "status")',
  "label_graphite_group(@, 0)",
  'alias(@, "renamed")',
  'sort_by_label(@, "job", "instance")',
  'sort_by_label_desc(@, "instance")',
  "ru(@, 100)",
];
const AGGREGATES = [
  ...["avg", "count", "distinct", "geomean", "group", "histogram", "max", "median", "min", "mode", "stddev", "stdvar"],
  ...["sum", "sum2", "zscore", "mad"],
];
const OTHER_AGGREGATES = [
  "quantile(0.3, @)",
  "quantile(#, @)",
  'quantiles("phi", 0.2, 0.8, @)',
  "outliers_mad(1.5, @)",
];

/** These choose series, or make one a value: over selectors without equal values, and without noise in the last digits. */
const CHOOSING = [
  ...[
    "topk",
    "bottomk",
    "topk_avg",
    "topk_max",
    "topk_min",
    "topk_last",
    "topk_median",
    "bottomk_avg",
    "bottomk_last",
  ].map((name) => `${name}(2, @)`),
  'topk_max(1, @, "rest=others")',
  'count_values("v", @)',
];
const UNEQUAL = [
  "node_memory_MemFree_bytes",
  "process_resident_memory_bytes",
  "http_request_duration_seconds_sum",
  "series_c",
];

class Generator {
  readonly #dice: Dice;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  vector(depth: number): string {
    if (depth <= 0) return this.#pick([...COUNTERS, ...GAUGES]);
    switch (this.#dice(12)) {
      case 0:
        return this.#selector();
      case 1:
      case 2:
      case 3:
        return this.#rollup();
      case 4:
      case 5:
        return this.#transform(depth);
      case 6:
      case 7:
        return this.#aggregate(depth);
      case 8:
        return this.#histogram();
      case 9:
        return this.#subquery(depth);
      default:
        return this.#binary(depth);
    }
  }

  #selector(): string {
    const text = this.#pick([...COUNTERS, ...GAUGES]);
    return (
      text +
      this.#pick([
        "",
        "",
        "[5m]",
        " offset 5m",
        " offset -1m",
        " @ 1704069900",
        "[10m] offset 3m",
        " @ end()",
        " @ start()",
      ])
    );
  }

  /** A rollup over a selector. Windows are several scrapes wide: 1.79.5 widens narrow ones. */
  #rollup(): string {
    const window = this.#dice(4) === 0 ? "" : `[${this.#pick(WINDOWS)}]`;
    const suffix = this.#pick(["", "", "", "", " offset 5m", " @ 1704070200"]);
    const series = `${this.#pick(this.#dice(2) === 0 ? COUNTERS : GAUGES)}${window}${suffix}`;
    return this.#call(series, ROLLUPS, NUMBER_ROLLUPS);
  }

  #subquery(depth: number): string {
    const inner = this.vector(depth - 1);
    const series = `(${inner})${this.#pick(["[5m:1m]", "[10m:30s]", "[10m:2m]", "[1h:2m]", "[1h:]"])}`;
    return this.#call(series, ROLLUPS, NUMBER_ROLLUPS);
  }

  #transform(depth: number): string {
    return this.#call(this.vector(depth - 1), TRANSFORMS, OTHER_TRANSFORMS);
  }

  #aggregate(depth: number): string {
    const modifier = this.#pick([
      "",
      "",
      ` by (${this.#labels()})`,
      ` by (${this.#labels()})`,
      ` without (${this.#labels()})`,
    ]);
    if (this.#dice(6) === 0) return this.#fill(this.#pick(UNEQUAL), [], CHOOSING) + modifier;
    return this.#fill(this.vector(depth - 1), AGGREGATES, OTHER_AGGREGATES) + modifier;
  }

  #histogram(): string {
    const buckets = this.#pick(BUCKETS);
    const rated = buckets.startsWith("sum(") ? buckets : `${this.#pick(["rate", "increase"])}(${buckets}[10m])`;
    return this.#pick([
      `histogram_quantile(${this.#pick(["0.5", "0.99", "1", "0", "-1", "2"])}, ${rated})`,
      `histogram_quantile(0.9, ${rated}, "bound")`,
      `histogram_quantiles("q", 0.5, 0.9, ${rated})`,
      `histogram_share(${this.#pick(["0.1", "1", "1e9"])}, ${rated})`,
      `histogram_share(0.3, ${rated}, "bound")`,
      `histogram_avg(${rated})`,
      `histogram_stddev(${rated})`,
      `histogram_stdvar(${rated})`,
      `prometheus_buckets(${rated})`,
    ]);
  }

  #binary(depth: number): string {
    const left = this.#operand(depth);
    switch (this.#dice(4)) {
      case 0:
        return `${left} ${this.#pick(["and", "or", "unless", "if", "ifnot", "default"])}${this.#matching()} ${this.#operand(depth)}`;
      case 1: {
        const op = this.#pick([
          "+",
          "-",
          "*",
          "/",
          "%",
          "^",
          "atan2",
          "==",
          "!=",
          ">",
          "<",
          ">=",
          "<=",
          "> bool",
          "!= bool",
        ]);
        return this.#dice(3) === 0 ? `${this.#number()} ${op} ${left}` : `${left} ${op} ${this.#number()}`;
      }
      case 2: {
        const op = this.#pick(["+", "-", "*", "/", "> bool", "==", "<", "atan2"]);
        const by = this.#pick(["instance", "job", "k"]);
        return `${this.#operand(depth)} ${op} on (${by}) group_left () sum(${this.vector(depth - 1)}) by (${by})`;
      }
      default: {
        const op = this.#pick(["+", "-", "*", "/", "%", "==", "> bool", "<"]);
        const label = this.#labels();
        return `sum(${this.vector(depth - 1)}) by (${label}) ${op}${this.#pick(["", ` on (${label})`])} avg(${this.vector(depth - 1)}) by (${label})`;
      }
    }
  }

  #operand(depth: number): string {
    return `(${this.vector(depth - 1)})`;
  }

  #matching(): string {
    return this.#pick(["", "", "", ` on (${this.#labels()})`, ` ignoring (${this.#labels()})`]);
  }

  #labels(): string {
    const first = this.#pick(LABELS);
    return this.#dice(3) === 0 ? `${first}, ${this.#pick(LABELS)}` : first;
  }

  #number(): string {
    return this.#dice(8) === 0
      ? this.#pick(["time()", "step()", "pi()", "scalar(node_load1)", "5m"])
      : this.#pick(NUMBERS);
  }

  /** A name with the argument in parentheses, or a pattern; now and then with keep_metric_names. */
  #call(argument: string, names: readonly string[], patterns: readonly string[]): string {
    return this.#fill(argument, names, patterns) + (this.#dice(8) === 0 ? " keep_metric_names" : "");
  }

  #fill(argument: string, names: readonly string[], patterns: readonly string[]): string {
    const choice = this.#dice(names.length + patterns.length);
    if (choice < names.length) return `${names[choice]}(${argument})`;
    return (patterns[choice - names.length] as string).replaceAll("@", argument).replaceAll("#", this.#pick(NUMBERS));
  }

  #pick(choices: readonly string[]): string {
    return choices[this.#dice(choices.length)] as string;
  }
}
