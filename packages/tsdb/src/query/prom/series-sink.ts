/**
 * Where the series of a vector go as they are computed, one after the other.
 *
 *   selector, window function ──column──▸ sink.add ──▸ kept whole (SeriesList), or added to a group and forgotten (aggregates.ts)
 *
 * So who reads samples need not know what becomes of them, and memory is the sink's affair.
 */
import type { Labels } from "../../base/labels.ts";
import { ColumnPacker, columnsOf, labelsIn } from "../shares/share.ts";
import type { Presence } from "./presence.ts";
import type { PackedSeries, PromTask } from "./sharing.ts";
import type { PromSeries } from "./value.ts";

/** Shorter columns take less time to make than their labels take to be told. */
const SHARED_POINTS_MIN = 32;

export interface SeriesSink {
  /** True if it keeps the columns of most series it is given: their memory is then asked for beforehand. */
  readonly keepsColumns: boolean;
  /** True if it is done with every column when `add` returns, whatever is written where the column was: it need not even be lent one for itself. */
  readonly onlyReads?: boolean;
  /**
   * Takes one series. Its column is lent, and the next series may be written into it, unless the sink answers true: then it is the
   * sink's from now on. The mask is lent in any case.
   */
  add(labels: Labels, values: Float64Array, present: Presence): boolean;
  /** Of a sink that can be put together from such of parts of the series. */
  readonly parts?: SeriesSinkParts | null;
}

export interface SeriesSinkParts {
  /** The aggregation that it is; null if it keeps series as they are. */
  readonly aggregate: PromTask["aggregate"];
  /** A sink for some of the series, so many at most. */
  begin(series: number): PackingSink;
  /** Adds what came of series behind its own. */
  merge(packed: PackedSeries): void;
}

/** Collects what another sink is to take over. */
export interface PackingSink extends SeriesSink {
  pack(): PackedSeries;
}

/** Keeps every series. */
export class SeriesList implements SeriesSink {
  readonly keepsColumns = true;
  readonly list: PromSeries[] = [];
  readonly #points: number;

  constructor(points: number) {
    this.#points = points;
  }

  get parts(): SeriesSinkParts | null {
    const points = this.#points;
    if (points < SHARED_POINTS_MIN) return null;
    return {
      aggregate: null,
      begin: (series) => new PackedList(series, points),
      merge: (packed) => {
        labelsIn(packed).forEach((labels, i) => {
          const values = columnsOf(packed, i, 1, points)[0] as Float64Array;
          this.list.push({ labels, values, present: packed.masks[i] as Presence });
        });
      },
    };
  }

  add(labels: Labels, values: Float64Array, present: Presence): boolean {
    this.list.push({ labels, values, present: present === null ? null : present.slice() });
    return true;
  }
}

/** Keeps every series of a share, their values in one memory. */
export class PackedList implements PackingSink {
  readonly keepsColumns = true;
  readonly #packer: ColumnPacker;
  readonly #masks: Presence[] = [];

  constructor(series: number, points: number) {
    this.#packer = new ColumnPacker(series, points);
  }

  add(labels: Labels, values: Float64Array, present: Presence): boolean {
    this.#packer.add(labels, [values]);
    this.#masks.push(present === null ? null : present.slice());
    return false;
  }

  pack(): PackedSeries {
    return { ...this.#packer.finish(), masks: this.#masks };
  }
}
