/**
 * Where the series of a vector go as they are computed, one after the other.
 *
 *   selector, window function ──column──▸ sink.add ──▸ kept whole (SeriesList), or added to a group and forgotten (aggregates.ts)
 *
 * So who reads samples need not know what becomes of them, and memory is the sink's affair.
 */
import type { Labels } from "../../base/labels.ts";
import type { PromAggregate } from "../../promql/ast.ts";
import type { Presence } from "./presence.ts";
import type { PackedFold } from "./sharing.ts";
import type { PromSeries } from "./value.ts";

export interface SeriesSink {
  /** True if it keeps the columns of most series it is given: their memory is then asked for beforehand. */
  readonly keepsColumns: boolean;
  /**
   * Takes one series. Its column is lent, and the next series may be written into it, unless the sink answers true: then it is the
   * sink's from now on. The mask is lent in any case.
   */
  add(labels: Labels, values: Float64Array, present: Presence): boolean;
  /** Of a sink that can be put together from such of parts of the series. */
  readonly fold?: SeriesFold;
}

/** The same sink as what it is made of. */
export interface SeriesFold {
  /** The aggregation that it is. */
  readonly node: PromAggregate;
  /** A sink for some of the series, to be merged. */
  part(): SeriesSink & { pack(): PackedFold };
  /** Adds groups of series that come behind its own. */
  merge(packed: PackedFold): void;
}

/** Keeps every series. */
export class SeriesList implements SeriesSink {
  readonly keepsColumns = true;
  readonly list: PromSeries[] = [];

  add(labels: Labels, values: Float64Array, present: Presence): boolean {
    this.list.push({ labels, values, present: present === null ? null : present.slice() });
    return true;
  }
}
