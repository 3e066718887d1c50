/** What a query answers. The HTTP layer turns it into JSON, the embedded API returns it as it is. */
import type { Labels } from "../base/labels.ts";

export interface ResultSeries {
  readonly labels: Labels;
  /** Milliseconds, ascending. Points without a value are not listed. */
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

/** What Prometheus tells of a query with `stats=all`. */
export interface EvaluationStats {
  /** Milliseconds in which series were looked for, in which the query was evaluated, in which the answer was put in order. */
  readonly preparationMs: number;
  readonly evaluationMs: number;
  readonly sortMs: number;
  /** Samples looked at, summed over all points; by Prometheus' rules (prom/sample-count.ts). */
  readonly samples: number;
  /** Samples and points held at once, at most. */
  readonly peakSamples: number;
  /** Samples looked at for each point, and the points' times in milliseconds. */
  readonly samplesPerStep: Float64Array;
  readonly stepTimestamps: Float64Array;
}

export interface QueryResult {
  /**
   * `vector`: one point a series. `matrix`: a range query, or raw samples of an instant `m[5m]`. PromQL's instant queries also answer `scalar`,
   * one series of one point without labels, and `string`, no series but `text`.
   */
  readonly kind: "vector" | "matrix" | "scalar" | "string";
  /** In the order of the answer. */
  readonly series: ResultSeries[];
  readonly stats: {
    readonly seriesFetched: number;
    readonly samplesRead: number;
    /** Bytes of columns held at once, at most; an estimate, which `-search.maxMemoryPerQuery` limits. */
    readonly memoryBytes: number;
    /** Of PromQL, if asked for. */
    readonly evaluation?: EvaluationStats;
  };
  readonly isPartial: boolean;
  /** Of kind `string`. */
  readonly text?: string;
  /** What PromQL has to say about the query or its data, `PromQL warning: …`; absent when there is nothing. */
  readonly warnings?: readonly string[];
  /** The same, of less weight: `PromQL info: …`. */
  readonly infos?: readonly string[];
}
