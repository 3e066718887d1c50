/** Where a PromQL expression is evaluated: a grid of times of one query, and what the whole query shares. */
import type { EvalContext } from "../context.ts";
import type { SampleCount } from "./sample-count.ts";
import type { Annotations } from "./value.ts";

export interface PromContext {
  /** Grid, limits, cancellation, counters. */
  readonly grid: EvalContext;
  readonly annotations: Annotations;
  /** Prometheus' lookback delta, milliseconds: 5 minutes unless set. A sample is seen at t if it lies in (t - lookback, t]. */
  readonly lookbackMs: number;
  /** Of the whole query, whatever grid a subquery is on: what `start()`, `end()`, `range()` and `step()` mean. */
  readonly queryStartMs: number;
  readonly queryEndMs: number;
  readonly queryStepMs: number;
  /** Step of subqueries that name none, milliseconds. */
  readonly subqueryStepMs: number;
  /** Counts samples on this grid; null if nobody asked. */
  readonly samples: SampleCount | null;
}
