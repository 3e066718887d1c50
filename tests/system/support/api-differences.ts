/**
 * Where our HTTP API differs from that of VictoriaMetrics 1.79.5 on purpose: because VictoriaMetrics itself has changed since, or
 * because we promise something else. The rows of api-differential-*.test.ts that differ name their entry here; docs/COMPATIBILITY.md is
 * made from it, and its test asks that every entry is named by a row.
 */
export interface ApiDifference {
  /** What is asked. */
  readonly what: string;
  readonly here: string;
  /** In 1.79.5. */
  readonly there: string;
  readonly reason: string;
}

export const API_DIFFERENCES = {
  badArguments: {
    what: "arguments that are missing or cannot be read",
    here: "400",
    there: "422",
    reason: "later releases tell bad arguments from queries that fail",
  },
  noSuchArgument: {
    what: "a time like `1_000`, `Inf` or one beyond all times, a `latency_offset`, `format` or `max_rows_per_line` that does not exist",
    here: "400",
    there: "ignored; the time is 0 or 1000",
    reason: "a typing mistake should not change an answer in silence",
  },
  present: {
    what: "an absent `time` of an instant query or `end` of an export",
    here: "now, to the millisecond",
    there: "now, on whole seconds",
    reason: "what was acknowledged a moment ago would be missing",
  },
  timesBeforeNow: {
    what: "times before now: `now`, `now-1m`",
    here: "taken",
    there: "refused",
    reason: "came after 1.79.5",
  },
  times: {
    what: "times as ms, µs and ns, and dates that are cut short: `2024-01`, `2024-01-01T01Z`",
    here: "taken",
    there: "refused, or read as seconds beyond all times",
    reason: "came after 1.79.5",
  },
  longLabels: {
    what: "series with a label value of more than 4096 bytes (`-maxLabelValueLen`)",
    here: "left out and counted",
    there: "kept up to 16 KiB, then cut",
    reason: "later releases lowered the limit and leave such series out: a value that was cut is another value",
  },
  manyLabels: {
    what: "series with more labels than `-maxLabelsPerTimeseries`",
    here: "left out and counted",
    there: "kept without the last of their labels",
    reason: "later releases leave such series out: without a label it is another series, and two may become one",
  },
  longNames: {
    what: "series with a label name of more than 256 bytes (`-maxLabelNameLen`, which came after 1.79.5)",
    here: "left out and counted",
    there: "kept, and the name cut",
    reason: "later releases leave such series out: a name that was cut is another name",
  },
  knownAtLimit: {
    what: "samples of known series once `-storage.maxHourlySeries` or `-storage.maxDailySeries` is reached",
    here: "taken",
    there: "left out, too, now and then",
    reason: "the limits are there to protect what is known already",
  },
  logNewSeries: {
    what: "`/internal/log_new_series`",
    here: "the names of new series are logged for `seconds`",
    there: "no such path",
    reason: "came after 1.79.5",
  },
  undefinedStep: {
    what: "`step=undefined`",
    here: "5m",
    there: "refused",
    reason: "Grafana may send it; came after 1.79.5",
  },
  unitsInAnyCase: {
    what: "units of durations in upper case: `step=1H`",
    here: "taken",
    there: "refused",
    reason: "came after 1.79.5",
  },
  groupedDigits: {
    what: "digits in groups: `1_000`",
    here: "taken",
    there: "refused",
    reason: "came after 1.79.5",
  },
  signOfZero: {
    what: "`round_digits=0` of -0.4",
    here: "-0",
    there: "0",
    reason: "rounding keeps the sign, as later releases do",
  },
  numberLists: {
    what: "a list of numbers as a query: `(1, 2)`",
    here: "422: two series without labels",
    there: "the first",
    reason: "lists keep all their members since v1.101.0",
  },
  rawType: {
    what: "the content type of raw samples and of exports in `format=promapi`",
    here: "`application/json`",
    there: "`application/stream+json`",
    reason: "one JSON document is not a stream of them",
  },
  equalTimestamps: {
    what: "samples of a series with equal timestamps",
    here: "one, the larger value",
    there: "all, until deduplication",
    reason: "the answer must not depend on merges; the rule is that of VictoriaMetrics' deduplication",
  },
  samplesTimes: {
    what: "`start` and `end` of `/api/v1/series`, labels and label values",
    here: "times of samples",
    there: "whole days",
    reason: "more exact for the same price",
  },
  lastDay: {
    what: "label names and values without `start`",
    here: "of the last day",
    there: "of all times",
    reason: "what later releases do",
  },
  labelsOfNothing: {
    what: "label names of no series",
    here: "none",
    there: "`__name__`",
    reason: "no series have no labels",
  },
  infinities: {
    what: "infinities in an export as JSON lines",
    here: '`"-Infinity"`',
    there: "`-Inf`, which is no JSON",
    reason: "importing must read what exporting writes",
  },
  escapes: {
    what: "label values in `format=prometheus`",
    here: "a backslash, a quote and a newline are escaped",
    there: "tabs and others too",
    reason: "the text format knows no other escapes; so do later releases",
  },
  csvHeader: {
    what: "`/api/v1/export/csv`",
    here: "the first line names the fields; `rfc3339` has milliseconds",
    there: "no such line; whole seconds",
    reason: "what later releases do",
  },
  csvQuotes: {
    what: "quotes and line breaks in fields of `/api/v1/export/csv`",
    here: 'doubled (`""`), and as they are',
    there: '`\\\\"` and `\\\\n`',
    reason: "what readers of CSV know (RFC 4180), VictoriaMetrics' own import among them",
  },
  native: {
    what: "`/api/v1/export/native`, `/api/v1/import/native`",
    here: "400, with the ways that work",
    there: "VictoriaMetrics' own binary format",
    reason:
      "it is documented nowhere and changes from release to release; between Nyanza servers there is `/api/v1/export/blocks`",
  },
  buildInfo: {
    what: "`/api/v1/status/buildinfo`",
    here: "has a version, which Grafana asks for",
    there: "has none",
    reason: "came after 1.79.5",
  },
  activeQueries: {
    what: "`/api/v1/status/active_queries`",
    here: "JSON",
    there: "a table as text",
    reason: "what later releases do",
  },
  topQueries: {
    what: "`/api/v1/status/top_queries`",
    here: "also by memory; durations that failed queries took count",
    there: "by number and duration",
    reason: "what later releases do",
  },
  methods: {
    what: "methods that are not documented",
    here: "405",
    there: "taken as GET",
    reason: "a PUT that answers like a GET has done nothing",
  },
  preflight: {
    what: "`OPTIONS`, as browsers ask before they send",
    here: "204",
    there: "taken as GET",
    reason: "what later releases do",
  },
} as const;

/** What VictoriaMetrics 1.79.5 answers and we do not yet. */
export const PATHS_NOT_YET: readonly string[] = [
  "/api/v1/import/csv",
  "/api/v1/targets",
  "/targets",
  "/service-discovery",
  "/write",
  "/influx/write",
  "/metrics/find?query=*",
  "/tags",
];
