/** What one query may cost. Names and defaults are VictoriaMetrics' flags, so an error can say which one to raise. */
export interface QueryLimits {
  /** `-search.maxPointsPerTimeseries`: points of a range query's answer. */
  readonly maxPointsPerTimeseries: number;
  /** `-search.maxPointsSubqueryPerTimeseries` */
  readonly maxPointsSubqueryPerTimeseries: number;
  /** `-search.maxUniqueTimeseries`: series one selector may match. */
  readonly maxUniqueTimeseries: number;
  /** `-search.maxSamplesPerQuery`: raw samples read by the whole query. */
  readonly maxSamplesPerQuery: number;
  /** `-search.maxSamplesPerSeries`: raw samples read of one series by one selector. */
  readonly maxSamplesPerSeries: number;
  /** `-search.maxSeriesPerAggrFunc`: series that count_values and its like may make. */
  readonly maxSeriesPerAggrFunc: number;
  /** `-search.maxResponseSeries`; 0 means no limit. */
  readonly maxResponseSeries: number;
  /** `-search.maxMemoryPerQuery`: bytes of columns held at once, estimated before they are made. */
  readonly maxMemoryPerQuery: number;
  /** `-search.maxBinaryOpPushdownLabelValues`: values of a label that one side of an operator may make a filter of the other; 0 for none. */
  readonly maxBinaryOpPushdownLabelValues: number;
  /** Milliseconds of work, pauses left out, after which a query is given up; looked at when it pauses. No flag. */
  readonly maxWorkMs: number;
}

export const DEFAULT_LIMITS: QueryLimits = {
  maxPointsPerTimeseries: 30_000,
  maxPointsSubqueryPerTimeseries: 100_000,
  maxUniqueTimeseries: 300_000,
  maxSamplesPerQuery: 1_000_000_000,
  maxSamplesPerSeries: 30_000_000,
  maxSeriesPerAggrFunc: 1_000_000,
  maxResponseSeries: 0,
  maxMemoryPerQuery: 1 << 30,
  maxBinaryOpPushdownLabelValues: 100,
  maxWorkMs: Number.POSITIVE_INFINITY,
};

export type AskedLimits = { readonly [K in keyof QueryLimits]?: QueryLimits[K] | undefined };

/** What is asked for, and the defaults of the rest. */
export function withDefaults(asked: AskedLimits = {}): QueryLimits {
  const defaults = DEFAULT_LIMITS;
  // Property by property: that is several times as quick as spreading, and every small query pays for it.
  return {
    maxPointsPerTimeseries: asked.maxPointsPerTimeseries ?? defaults.maxPointsPerTimeseries,
    maxPointsSubqueryPerTimeseries: asked.maxPointsSubqueryPerTimeseries ?? defaults.maxPointsSubqueryPerTimeseries,
    maxUniqueTimeseries: asked.maxUniqueTimeseries ?? defaults.maxUniqueTimeseries,
    maxSamplesPerQuery: asked.maxSamplesPerQuery ?? defaults.maxSamplesPerQuery,
    maxSamplesPerSeries: asked.maxSamplesPerSeries ?? defaults.maxSamplesPerSeries,
    maxSeriesPerAggrFunc: asked.maxSeriesPerAggrFunc ?? defaults.maxSeriesPerAggrFunc,
    maxResponseSeries: asked.maxResponseSeries ?? defaults.maxResponseSeries,
    maxMemoryPerQuery: asked.maxMemoryPerQuery ?? defaults.maxMemoryPerQuery,
    maxBinaryOpPushdownLabelValues: asked.maxBinaryOpPushdownLabelValues ?? defaults.maxBinaryOpPushdownLabelValues,
    maxWorkMs: asked.maxWorkMs ?? defaults.maxWorkMs,
  };
}
