/**
 * All flags of the server: names, types and defaults are VictoriaMetrics' where it has the flag.
 * Defaults that differ on purpose: -search.latencyOffset (0s: an acknowledged sample is seen by the next query)
 * and -selfScrapeInterval (15s: a fresh server has something to show). A flag is listed here only if it does something.
 */
import type { FlagValues, ParsedFlags } from "./parse.ts";

export const FLAGS = {
  help: { type: "bool", default: "false", group: "General", description: "Print this help and exit" },
  version: { type: "bool", default: "false", group: "General", description: "Print the version and exit" },
  dryRun: {
    type: "bool",
    default: "false",
    group: "General",
    description: "Check flags and the files they name, then exit",
  },
  "envflag.enable": {
    type: "bool",
    default: "false",
    group: "General",
    description:
      "Take flags missing from the command line from environment variables; dots in names become underscores: search_maxQueryLen",
  },
  "envflag.prefix": {
    type: "string",
    default: "",
    group: "General",
    description: "Prefix of the environment variables read with -envflag.enable",
  },

  storageDataPath: {
    type: "string",
    default: "victoria-metrics-data",
    group: "Storage",
    description: "Folder of the data; made if missing",
  },
  retentionPeriod: {
    type: "retention",
    default: "1",
    group: "Storage",
    description:
      "Samples older than this are deleted; suffixes h, d, w, M, y; a number alone counts months of 31 days; 1d to 100y",
  },
  futureRetention: {
    type: "retention",
    default: "2d",
    group: "Storage",
    min: 172_800_000,
    description:
      "Samples with timestamps further in the future are not accepted; suffixes as of -retentionPeriod; 2d to 100y",
  },
  retentionFilter: {
    type: "array",
    default: "",
    group: "Storage",
    description:
      'Shorter retention for some series: filter:duration, such as {team="juniors"}:3d; of several that match the shortest counts; vm_account_id and vm_project_id stand for the tenant',
  },
  "retention.maxDiskSpaceUsageBytes": {
    type: "size",
    default: "0",
    group: "Storage",
    description:
      "When parts and indexes have more bytes than this, the oldest go: month by month, within a month the parts that end first, never those of today; 0 for no limit",
  },
  "dedup.minScrapeInterval": {
    type: "duration",
    default: "0s",
    min: 0,
    group: "Storage",
    description: "Keep the last sample of each interval of this length only; 0 keeps all",
  },
  "downsampling.period": {
    type: "array",
    default: "",
    group: "Storage",
    description:
      'Keep one sample of each interval that ended offset ago: [filter:]offset:interval[:last|min|max|avg|sum|count], such as 30d:5m,180d:1h or {env="dev"}:1d:1m:avg; of several filters the first that matches counts',
  },
  "storage.minFreeDiskSpaceBytes": {
    type: "size",
    default: "100000000",
    group: "Storage",
    description:
      "With less than this free at -storageDataPath no samples are taken: inserts are answered with 503 until there is more; queries, deletes and retention go on; 0 turns this off",
  },
  "storage.cacheSizeIndexDBDataBlocks": {
    type: "size",
    default: "0",
    group: "Storage",
    description:
      "Memory for pages of indexes that were read; 0 means a thirty-second of the memory allowed, at least 8 MiB and at most 256 MiB",
  },
  logNewSeries: {
    type: "bool",
    default: "false",
    group: "Storage",
    description: "Log every new series; /internal/log_new_series does so for a while",
  },
  "storage.maxHourlySeries": {
    type: "int",
    default: "0",
    min: -1,
    group: "Storage",
    description:
      "Series that may get samples within an hour; samples of further ones are left out and counted; 0 means no limit, -1 only counts",
  },
  "storage.maxDailySeries": {
    type: "int",
    default: "0",
    min: -1,
    group: "Storage",
    description: "Series that may get samples within a day, as -storage.maxHourlySeries",
  },
  "wal.fsync": {
    type: "string",
    default: "interval",
    choices: ["always", "interval", "never"],
    group: "Storage",
    description:
      "When the write-ahead log is forced to disk. Samples are in the log before they are acknowledged in every mode, so a killed process loses none; a power cut loses none with always, at most -wal.fsyncInterval with interval",
  },
  "wal.fsyncInterval": {
    type: "duration",
    default: "1s",
    min: 1,
    group: "Storage",
    description:
      "At most this much of what was acknowledged is lost to a power cut with -wal.fsync=interval: a forced write of the log begins half of it after the first write, and acknowledgements wait for one that takes longer",
  },
  snapshotsMaxAge: {
    type: "age",
    default: "3d",
    group: "Storage",
    description:
      "Snapshots older than this are deleted by themselves, so that a forgotten one does not keep removed data on the disk; 0 keeps them; suffixes s, m, h, d, w, M, y; a number alone counts months of 31 days. Give backups time to finish",
  },

  "memory.allowedPercent": {
    type: "float",
    default: "60",
    min: 1,
    max: 100,
    group: "Memory",
    description: "Share of the machine's or the cgroup's memory to use",
  },
  "memory.allowedBytes": {
    type: "size",
    default: "0",
    group: "Memory",
    description: "Memory to use; overrides -memory.allowedPercent when set",
  },

  httpListenAddr: {
    type: "array",
    default: ":8428",
    group: "HTTP",
    description: "Addresses to listen at: :8428, 127.0.0.1:8428, [::1]:8428",
  },
  enableTCP6: {
    type: "bool",
    default: "false",
    group: "HTTP",
    description: "Listen on IPv6 too when an address names no host",
  },
  "http.pathPrefix": {
    type: "string",
    default: "",
    group: "HTTP",
    description: "Prefix of all paths, for use behind a proxy",
  },
  "http.maxConnections": {
    type: "int",
    default: "10000",
    min: 1,
    group: "HTTP",
    description: "Connections open at a time; further ones are closed at once",
  },
  "http.connTimeout": {
    type: "duration",
    default: "2m",
    group: "HTTP",
    description:
      "Connections are closed after this time, between requests, so that load balancers can spread them; 0 never",
  },
  "http.idleConnTimeout": {
    type: "duration",
    default: "1m",
    group: "HTTP",
    description: "Idle connections are closed after this time",
  },
  "http.maxGracefulShutdownDuration": {
    type: "duration",
    default: "7s",
    group: "HTTP",
    description: "Time that requests under way get to finish at shutdown",
  },
  "http.shutdownDelay": {
    type: "duration",
    default: "0",
    group: "HTTP",
    description: "Time between a signal and shutdown during which /health answers 503, for load balancers to notice",
  },
  "http.disableResponseCompression": {
    type: "bool",
    default: "false",
    group: "HTTP",
    description: "Do not compress answers",
  },
  "http.disableCORS": {
    type: "bool",
    default: "false",
    group: "HTTP",
    description: "Do not let pages of other origins read query answers",
  },
  "httpAuth.username": {
    type: "string",
    default: "",
    group: "HTTP",
    description: "User name for HTTP basic authentication; none when empty",
  },
  "httpAuth.password": {
    type: "secret",
    default: "",
    group: "HTTP",
    description: "Password for HTTP basic authentication; file:///path reads it from a file, again when it changes",
  },
  metricsAuthKey: {
    type: "secret",
    default: "",
    group: "HTTP",
    description: "Value of the authKey argument that /metrics asks for; replaces -httpAuth.* there",
  },
  flagsAuthKey: {
    type: "secret",
    default: "",
    group: "HTTP",
    description: "Value of the authKey argument that /flags asks for; replaces -httpAuth.* there",
  },
  forceFlushAuthKey: {
    type: "secret",
    default: "",
    group: "HTTP",
    description: "Value of the authKey argument that /internal/force_flush asks for; replaces -httpAuth.* there",
  },
  forceMergeAuthKey: {
    type: "secret",
    default: "",
    group: "HTTP",
    description: "Value of the authKey argument that /internal/force_merge asks for; replaces -httpAuth.* there",
  },

  deleteAuthKey: {
    type: "secret",
    default: "",
    group: "HTTP",
    description:
      "Value of the authKey argument that /api/v1/admin/tsdb/delete_series asks for; replaces -httpAuth.* there",
  },
  snapshotAuthKey: {
    type: "secret",
    default: "",
    group: "HTTP",
    description: "Value of the authKey argument that /snapshot/* asks for; replaces -httpAuth.* there",
  },
  pprofAuthKey: {
    type: "secret",
    default: "",
    group: "HTTP",
    description: "Value of the authKey argument that /debug/pprof/* asks for; replaces -httpAuth.* there",
  },
  logNewSeriesAuthKey: {
    type: "secret",
    default: "",
    group: "HTTP",
    description: "Value of the authKey argument that /internal/log_new_series asks for; replaces -httpAuth.* there",
  },

  maxInsertRequestSize: {
    type: "size",
    default: "33554432",
    min: 1,
    group: "Ingestion",
    description: "Largest body of a remote-write request, as sent and unpacked",
  },
  maxLabelsPerTimeseries: {
    type: "int",
    default: "40",
    min: 0,
    group: "Ingestion",
    description:
      'Labels of a series, its metric name included; series with more are left out and counted in vm_rows_ignored_total{reason="too_many_labels"}; 0 means no limit',
  },
  maxLabelNameLen: {
    type: "int",
    default: "256",
    min: 0,
    group: "Ingestion",
    description:
      'Bytes of a label\'s name; series with longer ones are left out and counted in vm_rows_ignored_total{reason="too_long_label_name"}; 0 means no limit',
  },
  maxLabelValueLen: {
    type: "int",
    default: "4096",
    min: 0,
    group: "Ingestion",
    description:
      'Bytes of a label\'s value; series with longer ones are left out and counted in vm_rows_ignored_total{reason="too_long_label_value"}; 0 means no limit',
  },
  "opentelemetry.maxRequestSize": {
    type: "size",
    default: "67108864",
    min: 1,
    group: "Ingestion",
    description: "Largest body of an OpenTelemetry request, as sent and unpacked",
  },
  "import.maxLineLen": {
    type: "size",
    default: "10485760",
    min: 1,
    group: "Ingestion",
    description: "Longest line /api/v1/import and /api/v1/import/prometheus accept",
  },
  maxConcurrentInserts: {
    type: "int",
    default: "0",
    min: 0,
    group: "Ingestion",
    description: "Insert requests worked on at a time; 0 means 8 for each CPU core",
  },
  "insert.maxQueueDuration": {
    type: "duration",
    default: "1m",
    group: "Ingestion",
    description: "How long an insert request waits for its turn before it is refused with 503",
  },
  usePromCompatibleNaming: {
    type: "bool",
    default: "false",
    group: "Ingestion",
    description: "Replace characters that Prometheus' names cannot have by underscores in ingested names",
  },
  "opentelemetry.usePrometheusNaming": {
    type: "bool",
    default: "false",
    group: "Ingestion",
    description: "Turn OpenTelemetry's metric and label names into Prometheus' style, with units and _total",
  },
  "opentelemetry.convertMetricNamesToPrometheus": {
    type: "bool",
    default: "false",
    group: "Ingestion",
    description: "Turn OpenTelemetry's metric names into Prometheus' style, but leave label names",
  },
  "opentelemetry.promoteAllResourceAttributes": {
    type: "bool",
    default: "true",
    group: "Ingestion",
    description: "Make labels of all resource attributes except -opentelemetry.ignoreResourceAttributes",
  },
  "opentelemetry.promoteResourceAttributes": {
    type: "array",
    default: "",
    group: "Ingestion",
    description: "Resource attributes to make labels of with -opentelemetry.promoteAllResourceAttributes=false",
  },
  "opentelemetry.ignoreResourceAttributes": {
    type: "array",
    default: "",
    group: "Ingestion",
    description: "Resource attributes to make no labels of",
  },
  "opentelemetry.promoteScopeMetadata": {
    type: "bool",
    default: "true",
    group: "Ingestion",
    description: "Make labels of the instrumentation scope's name, version and attributes",
  },

  "search.dialect": {
    type: "string",
    default: "metricsql",
    choices: ["metricsql", "promql"],
    group: "Queries",
    description: "Whose rules queries follow whose dialect argument names none: VictoriaMetrics' or Prometheus' own",
  },
  "search.latencyOffset": {
    type: "duration",
    default: "0s",
    min: 0,
    group: "Queries",
    description: "Hide samples younger than this from queries",
  },
  denyQueryTracing: {
    type: "bool",
    default: "false",
    group: "Queries",
    description: "Ignore trace=1, with which answers say how they came about",
  },
  "search.maxQueryLen": {
    type: "size",
    default: "16384",
    min: 1,
    group: "Queries",
    description: "Longest query text, in bytes",
  },
  "search.maxQueryDuration": {
    type: "duration",
    default: "30s",
    min: 1,
    group: "Queries",
    description: "Longest run of a query; the timeout argument can only lower it",
  },
  "search.workers": {
    type: "int",
    default: "-1",
    min: -1,
    max: 256,
    group: "Queries",
    description:
      "Threads that carry out queries and exports, started when they are wanted; small queries stay on the main thread. -1 means as many as there are CPU cores, 0 that everything is done on the main thread. Ours",
  },
  "search.maxConcurrentRequests": {
    type: "int",
    default: "0",
    min: 0,
    group: "Queries",
    description:
      "Query requests worked on at a time; 0 means twice the CPU cores, at most 16. Instant queries and label queries go before ranges and exports, which leave a quarter of the places to them",
  },
  "search.maxQueueDuration": {
    type: "duration",
    default: "10s",
    group: "Queries",
    description: "How long a query waits for its turn before it is refused with 429 and Retry-After",
  },
  "search.maxPointsPerTimeseries": {
    type: "int",
    default: "30000",
    min: 1,
    group: "Queries",
    description: "Points of a series in an answer of /api/v1/query_range",
  },
  "search.maxUniqueTimeseries": {
    type: "int",
    default: "300000",
    min: 0,
    group: "Queries",
    description: "Series a query may read; 0 means no limit",
  },
  "search.maxSamplesPerQuery": {
    type: "int",
    default: "1000000000",
    min: 0,
    group: "Queries",
    description: "Samples a query may read; 0 means no limit",
  },
  "search.maxPointsSubqueryPerTimeseries": {
    type: "int",
    default: "100000",
    min: 1,
    group: "Queries",
    description: "Points of a series in a subquery",
  },
  "search.maxSamplesPerSeries": {
    type: "int",
    default: "30000000",
    min: 0,
    group: "Queries",
    description: "Samples of a series a query may read; 0 means no limit",
  },
  "search.maxSeriesPerAggrFunc": {
    type: "int",
    default: "1000000",
    min: 0,
    group: "Queries",
    description: "Series that count_values and other aggregates may make; 0 means no limit",
  },
  "search.maxResponseSeries": {
    type: "int",
    default: "0",
    min: 0,
    group: "Queries",
    description: "Series in an answer of /api/v1/query and /api/v1/query_range; 0 means no limit",
  },
  "search.maxMemoryPerQuery": {
    type: "size",
    default: "0",
    group: "Queries",
    description:
      "Memory that the series of one expression of a query may take, estimated before they are made; 0 means a quarter of the memory allowed",
  },
  "search.maxBinaryOpPushdownLabelValues": {
    type: "int",
    default: "100",
    min: 0,
    group: "Queries",
    description:
      "Values that a label may have in the left side's answer of a MetricsQL operator to become a filter of the right side; 0 turns this off",
  },
  "search.disableCache": {
    type: "bool",
    default: "false",
    group: "Queries",
    description:
      "Keep nothing of range queries' answers, and leave start and end of ranges where they are, as nocache=1 does; otherwise ranges of 50 points and more are moved to multiples of the step",
  },
  "search.cacheTimestampOffset": {
    type: "duration",
    default: "1m",
    min: 0,
    group: "Queries",
    description:
      "How old points must be to be kept for later queries. Samples that are older when they arrive make those of their series be computed anew, so this is no limit for how late they may come",
  },
  "search.resetCacheAuthKey": {
    type: "secret",
    default: "",
    group: "HTTP",
    description:
      "Value of the authKey argument that /internal/resetRollupResultCache asks for; replaces -httpAuth.* there",
  },
  "search.minStalenessInterval": {
    type: "duration",
    default: "0",
    min: 0,
    group: "Queries",
    description:
      "How old a series' previous sample may be at least, for series that are scraped seldom; 0 finds it from the distance of samples",
  },
  "search.maxStepForPointsAdjustment": {
    type: "duration",
    default: "1m",
    min: 0,
    group: "Queries",
    description: "-search.latencyOffset changes the last points of ranges with smaller steps only",
  },
  "search.disableImplicitConversion": {
    type: "bool",
    default: "false",
    group: "Queries",
    description: "Refuse rollups over expressions without a window, such as rate(sum(m))",
  },
  "search.logImplicitConversion": {
    type: "bool",
    default: "false",
    group: "Queries",
    description: "Log queries with rollups over expressions without a window; see -search.disableImplicitConversion",
  },
  "search.maxLookback": {
    type: "duration",
    default: "0",
    min: 0,
    group: "Queries",
    description: "How far back a query looks for the last sample of a series; 0 finds it from the distance of samples",
  },
  "search.maxStalenessInterval": {
    type: "duration",
    default: "0",
    min: 0,
    group: "Queries",
    description: "Older name of -search.maxLookback",
  },
  "search.setLookbackToStep": {
    type: "bool",
    default: "false",
    group: "Queries",
    description: "Look back by the step argument, whatever -search.maxLookback says",
  },
  "search.queryStats.lastQueriesCount": {
    type: "int",
    default: "20000",
    min: 0,
    max: 1_000_000,
    group: "Queries",
    description: "Queries that /api/v1/status/top_queries remembers; 0 remembers none",
  },
  "search.queryStats.minQueryDuration": {
    type: "duration",
    default: "1ms",
    min: 0,
    group: "Queries",
    description: "Shorter queries are not remembered",
  },
  "search.queryStats.minQueryMemoryUsage": {
    type: "size",
    default: "0",
    group: "Queries",
    description: "Queries that need less memory are not remembered",
  },
  "search.logQueryMemoryUsage": {
    type: "size",
    default: "0",
    group: "Queries",
    description:
      "Log queries that need so much memory, and count them in vm_memory_intensive_queries_total; 0 logs none",
  },
  "search.logSlowQueryDuration": {
    type: "duration",
    default: "5s",
    min: 0,
    group: "Queries",
    description: "Log queries that take longer; 0 logs none",
  },
  "search.maxSeries": {
    type: "int",
    default: "30000",
    min: 1,
    group: "Queries",
    description: "Series in an answer of /api/v1/series",
  },
  "search.maxTagKeys": {
    type: "int",
    default: "100000",
    min: 1,
    group: "Queries",
    description: "Names in an answer of /api/v1/labels",
  },
  "search.maxTagValues": {
    type: "int",
    default: "100000",
    min: 1,
    group: "Queries",
    description: "Values in an answer of /api/v1/label/<name>/values",
  },
  "search.maxLabelsAPIDuration": {
    type: "duration",
    default: "5s",
    min: 1,
    group: "Queries",
    description: "Longest run of /api/v1/series, /api/v1/labels and /api/v1/label/<name>/values",
  },
  "search.maxStatusRequestDuration": {
    type: "duration",
    default: "5m",
    min: 1,
    group: "Queries",
    description: "Longest run of /api/v1/status/tsdb and /api/v1/series/count",
  },
  "search.maxExportSeries": {
    type: "int",
    default: "10000000",
    min: 1,
    group: "Queries",
    description: "Series in an answer of /api/v1/export and the paths below it",
  },
  "search.maxFederateSeries": {
    type: "int",
    default: "1000000",
    min: 1,
    group: "Queries",
    description: "Series in an answer of /federate",
  },
  "search.maxDeleteDuration": {
    type: "duration",
    default: "5m",
    min: 1,
    group: "Search",
    description: "Longest time a delete may take; nothing is deleted if it takes longer",
  },
  "search.maxDeleteSeries": {
    type: "int",
    default: "1000000",
    min: 1,
    group: "Search",
    description: "Series of a month that one call of /api/v1/admin/tsdb/delete_series may delete",
  },
  "search.maxExportDuration": {
    type: "duration",
    default: "720h",
    min: 1,
    group: "Queries",
    description: "Longest run of /api/v1/export and the paths below it",
  },

  selfScrapeInterval: {
    type: "duration",
    default: "15s",
    min: 0,
    group: "Own metrics",
    description: "How often the server stores its own metrics; 0 never",
  },
  selfScrapeJob: {
    type: "string",
    default: "victoria-metrics",
    group: "Own metrics",
    description: "Label job of the server's own metrics",
  },
  selfScrapeInstance: {
    type: "string",
    default: "self",
    group: "Own metrics",
    description: "Label instance of the server's own metrics",
  },

  loggerLevel: {
    type: "string",
    default: "INFO",
    choices: ["INFO", "WARN", "ERROR", "FATAL", "PANIC"],
    group: "Logging",
    description: "Lowest level to log",
  },
  loggerFormat: {
    type: "string",
    default: "default",
    choices: ["default", "json"],
    group: "Logging",
    description: "default prints time, level, place and message between tabs; json prints an object a line",
  },
  loggerOutput: {
    type: "string",
    default: "stderr",
    choices: ["stderr", "stdout"],
    group: "Logging",
    description: "Where logs go",
  },
  loggerTimezone: {
    type: "string",
    default: "UTC",
    group: "Logging",
    description: "IANA time zone of timestamps in logs, such as Europe/Berlin, or Local",
  },
  loggerDisableTimestamps: {
    type: "bool",
    default: "false",
    group: "Logging",
    description: "Log without timestamps",
  },
  loggerErrorsPerSecondLimit: {
    type: "int",
    default: "0",
    min: 0,
    group: "Logging",
    description: "Errors logged a second from one place of the code; further ones are dropped; 0 means no limit",
  },
  loggerWarnsPerSecondLimit: {
    type: "int",
    default: "0",
    min: 0,
    group: "Logging",
    description: "Warnings logged a second from one place of the code; further ones are dropped; 0 means no limit",
  },
} as const;

/** `flags["search.maxQueryLen"]` is a number of bytes, `flags.httpListenAddr` a list, and so on. */
export type Flags = FlagValues<typeof FLAGS>;
export type ParsedServerFlags = ParsedFlags<typeof FLAGS>;
