/**
 * Decodes the samples of a series where some parts hold results of earlier aggregations: the two are told apart by part and time, and go to columns of
 * their own, because a result must not be taken for a sample (a count of one for a count of many, a sum for the last of an interval).
 */
import type { SampleColumns } from "../../base/columns.ts";
import type { BlockGatherer } from "../parts/block-gatherer.ts";
import type { PartReader } from "../parts/part-reader.ts";
import { orderSamples } from "../search/sample-order.ts";
import type { TimeRange } from "./rule-application.ts";

/** A part with results, and the times at which they are results. */
export interface ResultSource {
  readonly part: PartReader;
  readonly range: TimeRange;
}

/** Appends samples of a position to `columns`, in no order, and sets `results` to its results, in order. */
export function decodeApart(
  gatherer: BlockGatherer,
  position: number,
  { minMs, maxMs }: TimeRange,
  sources: readonly ResultSource[],
  columns: SampleColumns,
  results: SampleColumns,
): void {
  results.length = 0;
  if (sources.length === 0) {
    gatherer.decode(position, minMs, maxMs, columns);
    return;
  }
  gatherer.decode(position, minMs, maxMs, columns, (part) => !sources.some((source) => source.part === part));
  for (const { part, range } of sources) {
    const isThis = (candidate: PartReader): boolean => candidate === part;
    const lo = Math.max(minMs, range.minMs);
    const hi = Math.min(maxMs, range.maxMs);
    if (lo > hi) {
      gatherer.decode(position, minMs, maxMs, columns, isThis);
      continue;
    }
    gatherer.decode(position, lo, hi, results, isThis);
    if (minMs < lo) gatherer.decode(position, minMs, lo - 1, columns, isThis);
    if (hi < maxMs) gatherer.decode(position, hi + 1, maxMs, columns, isThis);
  }
  orderSamples(results, 0);
}
