/**
 * What queries of the corpus mean that 1.79.5 cannot read: the same in its own words, worked out from the functions' formulas,
 * by id. metricsql-golden.test.ts compares our answers to both; tests/system/api-differential-corpus.test.ts compares ours to the
 * newer query with those of 1.79.5 to the older one.
 */

/** Two texts where a function over the whole range has nothing to say about one point. */
export type OlderQuery = string | { readonly instant: string; readonly range: string };

const DEVIATION = "abs(temperature_celsius - range_median(temperature_celsius))";
const DISTANCE = "(temperature_celsius - range_avg(temperature_celsius))";
const SIGMA = `sqrt(range_avg(${DISTANCE} ^ 2))`;

export const OLDER_QUERIES: ReadonlyMap<number, OlderQuery> = new Map<number, OlderQuery>([
  // filters joined by `or`
  [24, 'union(rate(http_requests_total{method="GET"}[5m]), rate(http_requests_total{status="500"}[5m]))'],
  // quoted names
  [25, 'up{job="web"}'],
  [26, "node_load1"],
  [28, '{__name__="foo-bar"}'],
  [29, "sum(up) by (job)"],
  // letters of other scripts
  [40, '{__name__="температура"}'],
  [41, '{__name__="температура"}'],
  // digits in groups, units in upper case
  [73, "1234567"],
  [94, "count_over_time(up[5s])"],
  // Such a window holds the sample at its end and no other; what it grew from is the one before. 1.79.5 would widen it.
  [96, "irate(http_requests_total[5m])"],
  // names kept by operators
  [
    272,
    'union(alias(node_memory_MemFree_bytes / 1024, "node_memory_MemFree_bytes"), ' +
      'alias(node_memory_MemAvailable_bytes / 1024, "node_memory_MemAvailable_bytes"))',
  ],
  [273, 'alias(series_a + on(k) series_b, "series_a")'],
  // group_left(*): all labels of the one side but those of on()
  [275, "kube_pod_info * on(namespace) group_left(team, tier) kube_namespace_labels"],
  [
    276,
    "label_move(kube_pod_info * on(namespace) group_left(team, tier) kube_namespace_labels, " +
      '"team", "ns_team", "tier", "ns_tier")',
  ],
  // a right side that is missing is -1
  [280, "(series_a - series_b) or (series_a - -1)"],
  // templates that are durations
  [303, "rate(http_requests_total[5m])"],
  [304, "rate(http_requests_total[5m] offset 1m)"],
  [414, 'label_set(median_over_time(temperature_celsius[30m]), "__name__", "", "rollup", "median_over_time")'],
  // Grafana's variables are one step
  [416, "rate(http_requests_total[1i])"],
  [417, "up offset 1i"],
  // one of the series a rollup makes
  [420, 'label_del(label_match(rollup_increase(http_requests_total[10m]), "rollup", "min"), "rollup")'],
  [421, 'label_del(label_match(rollup_delta(temperature_celsius[10m]), "rollup", "max"), "rollup")'],
  [423, 'label_del(label_match(rollup_scrape_interval(irregular_total[10m]), "rollup", "max"), "rollup")'],
  [424, 'label_match(rollup_candlestick(temperature_celsius[10m]), "rollup", "high")'],
  // The values are 200, 301, 404 and 500.
  [
    425,
    `union(${[200, 301, 404, 500].map((code) => `label_set(count_eq_over_time(status_code[30m], ${code}) > 0, "code", "${code}")`).join(", ")})`,
  ],
  // last minus first, per second of the window
  [428, "increase_prometheus(http_requests_total[5m]) / 300"],
  [429, "count_eq_over_time(status_code[30m], 200) / count_over_time(status_code[30m])"],
  [431, [301, 404, 500].map((code) => `${code} * count_eq_over_time(status_code[30m], ${code})`).join(" + ")],
  [
    542,
    "histogram_share(0.1, http_request_duration_seconds_bucket) - histogram_share(0.01, http_request_duration_seconds_bucket)",
  ],
  // The disks fill at an even pace: the line through their points is the points.
  [544, "node_filesystem_avail_bytes"],
  // The seven points of the range, as a subquery; a point alone does not deviate.
  [
    546,
    {
      instant: 'alias(temperature_celsius * 0, "temperature_celsius")',
      range: 'alias(stddev_over_time(temperature_celsius[35m:5m] @ end()), "temperature_celsius")',
    },
  ],
  [549, `temperature_celsius if (${DEVIATION} <= 3 * range_median(${DEVIATION}))`],
  [550, `temperature_celsius if (abs${DISTANCE} <= 2 * ${SIGMA})`],
  [551, `alias(${DISTANCE} / ${SIGMA}, "temperature_celsius")`],
  [
    552,
    "temperature_celsius if (temperature_celsius >= range_quantile(0.1, temperature_celsius)) " +
      "if (temperature_celsius <= range_quantile(0.9, temperature_celsius))",
  ],
  // only their order is new
  [553, "build_info"],
  [554, "build_info"],
  [591, 'label_set(up{job="web"}, "a", "web")'],
  [672, "up"],
  [
    674,
    "alias(http_requests_total / on(instance) group_left() sum(http_requests_total) by (instance), " +
      '"http_requests_total")',
  ],
]);

const NODE_LOAD = "node_load1[10m]";
const LOAD_QUARTILE = (phi: number): string => `quantile_over_time(${phi}, ${NODE_LOAD})`;
const LOAD_FENCE = `1.5 * (${LOAD_QUARTILE(0.75)} - ${LOAD_QUARTILE(0.25)})`;
const HOUR = 'label_del(count_over_time(up[5m]), "job")';

/** The same for functions and forms that the corpus has not: newer, then older. */
export const NEWER_FORMS: readonly (readonly [newer: string, older: string])[] = [
  [
    "share_eq_over_time(status_code[10m], 404)",
    "count_eq_over_time(status_code[10m], 404) / count_over_time(status_code[10m])",
  ],
  ["sum_eq_over_time(status_code[10m], 404)", "404 * count_eq_over_time(status_code[10m], 404)"],
  [
    "sum_le_over_time(status_code[30m], 301)",
    "200 * count_eq_over_time(status_code[30m], 200) + 301 * count_eq_over_time(status_code[30m], 301)",
  ],
  [
    `outlier_iqr_over_time(${NODE_LOAD})`,
    `label_set((last_over_time(${NODE_LOAD}) > ${LOAD_QUARTILE(0.75)} + ${LOAD_FENCE}) or ` +
      `(last_over_time(${NODE_LOAD}) < ${LOAD_QUARTILE(0.25)} - ${LOAD_FENCE}), "__name__", "")`,
  ],
  ['rollup(node_load1[10m], "avg")', 'label_del(label_match(rollup(node_load1[10m]), "rollup", "avg"), "rollup")'],
  [
    'rollup_rate(irregular_total[10m], "max")',
    'label_del(label_match(rollup_rate(irregular_total[10m]), "rollup", "max"), "rollup")',
  ],
  [
    'rollup_deriv(node_load1[10m], "min")',
    'label_del(label_match(rollup_deriv(node_load1[10m]), "rollup", "min"), "rollup")',
  ],
  ["rate_prometheus(irregular_total[10m])", "increase_prometheus(irregular_total[10m]) / 600"],
  // The data set is of the first hour of the first day of a leap year.
  ["day_of_year()", "time() * 0 + 1"],
  ["day_of_year(time() + 86400 * 59)", "time() * 0 + 60"],
  ["drop_empty_series(up == 2) default 5", "(up unless up) default 5"],
  ['labels_equal(label_copy(up, "job", "a", "job", "b"), "a", "b", "job")', 'label_copy(up, "job", "a", "job", "b")'],
  ["range_stdvar(temperature_celsius)", `alias(range_avg(${DISTANCE} ^ 2), "temperature_celsius")`],
  ["range_mad(temperature_celsius)", `range_median(alias(${DEVIATION}, "temperature_celsius"))`],
  [
    "range_normalize(temperature_celsius)",
    'alias((temperature_celsius - range_min(temperature_celsius)) / (range_max(temperature_celsius) - range_min(temperature_celsius)), "temperature_celsius")',
  ],
  [
    "range_trim_outliers(1, temperature_celsius)",
    `temperature_celsius if (${DEVIATION} <= range_median(${DEVIATION}))`,
  ],
  ["range_trim_zscore(1, temperature_celsius)", `temperature_celsius if (abs${DISTANCE} <= ${SIGMA})`],
  [
    "range_trim_spikes(0.5, temperature_celsius)",
    "temperature_celsius if (temperature_celsius >= range_quantile(0.25, temperature_celsius)) " +
      "if (temperature_celsius <= range_quantile(0.75, temperature_celsius))",
  ],
  [
    "histogram_fraction(0.05, 1, rate(http_request_duration_seconds_bucket[10m]))",
    "histogram_share(1, rate(http_request_duration_seconds_bucket[10m])) - histogram_share(0.05, rate(http_request_duration_seconds_bucket[10m]))",
  ],
  ["share(node_load1)", 'alias(node_load1 / scalar(sum(node_load1)), "node_load1")'],
  ["share(negative_gauge)", 'alias((negative_gauge >= 0) / scalar(sum(negative_gauge >= 0)), "negative_gauge")'],
  [
    "outliers_iqr(temperature_celsius) by (country)",
    // Whole series that are outside the fences somewhere.
    "WITH (t = temperature_celsius, q1 = quantile(0.25, t) by (country), q3 = quantile(0.75, t) by (country), " +
      "fence = 1.5 * (q3 - q1)) t if (range_max((t > bool on (country) group_left () (q3 + fence)) + " +
      "(t < bool on (country) group_left () (q1 - fence))) > 0)",
  ],
  ["status_code == (200, 404)", "(status_code == 200) or (status_code == 404)"],
  ["status_code != (200, 404)", "(status_code != 200) if (status_code != 404)"],
  ["series_a + fill(10) series_b", "(series_a + series_b) or (series_a + 10) or (10 + series_b)"],
  ["series_a + fill_left(10) series_b", "(series_a + series_b) or (10 + series_b)"],
  ["series_a / fill_left(1) fill_right(2) series_b", "(series_a / series_b) or (series_a / 2) or (1 / series_b)"],
  ['up{job="web" or job="node",instance=~".*a.*"}', 'union(up{job="web"}, up{job="node",instance=~".*a.*"})'],
  ["(rate(http_requests_total[5m]) * 2) keep_metric_names", "rate(http_requests_total[5m]) * 2"],
  [
    "(rate(http_requests_total[5m]) keep_metric_names * 2) keep_metric_names",
    'alias(rate(http_requests_total[5m]) * 2, "http_requests_total")',
  ],
  [
    "kube_pod_info * on (namespace) group_left(*) kube_namespace_labels",
    "kube_pod_info * on (namespace) group_left(team, tier) kube_namespace_labels",
  ],
  ['series_a + on (k) group_right(*) prefix "a_" (series_c * 2)', "series_a + on (k) group_right() (series_c * 2)"],
  ["step()", "1i"],
  [`sum(${HOUR}) + 1_0`, `sum(${HOUR}) + 10`],
  ["5KiB + 1.5MB", "5120 + 1500000"],
  [
    '{__name__=~"series_[ab]", k="1"} * 2 keep_metric_names',
    'union(alias(series_a{k="1"} * 2, "series_a"), alias(series_b{k="1"} * 2, "series_b"))',
  ],
];

/**
 * Answers without an older spelling, at the instant, by one label. mad_over_time is the median of the distances from the median, here
 * of the 60 samples in (00:30, 01:00].
 */
export const NEWER_ANSWERS: ReadonlyMap<
  number,
  { readonly label: string; readonly values: ReadonlyMap<string, number> }
> = new Map([
  [
    426,
    {
      label: "room",
      values: new Map([
        ["kitchen", 1.4],
        ["hall", 1.3],
        ["lab", 1.4],
        ["roof", 1.4],
      ]),
    },
  ],
]);

/** Values of `version` in the order of the answer. They are read as 1.10 and .1, 1.2 and .9, 1.2 and .10: a number may have a point. */
export const NEWER_ORDERS: ReadonlyMap<number, readonly string[]> = new Map([
  [553, ["1.10.1", "1.2.9", "1.2.10"]],
  [554, ["1.2.10", "1.2.9", "1.10.1"]],
]);
