/** What a query answers. The HTTP layer turns it into JSON, the embedded API returns it as it is. */
import type { Labels } from "../base/labels.ts";

export interface ResultSeries {
  readonly labels: Labels;
  /** Milliseconds, ascending. Points without a value are not listed. */
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

export interface QueryResult {
  /** `vector`: one point a series. `matrix`: a range query, or raw samples of an instant `m[5m]`. */
  readonly kind: "vector" | "matrix";
  /** In the order of the answer. */
  readonly series: ResultSeries[];
  readonly stats: { readonly seriesFetched: number; readonly samplesRead: number };
  readonly isPartial: boolean;
}
