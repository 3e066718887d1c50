/**
 * A reading of a query in shares: who reads which series is decided behind the port, what becomes of them is described here as plain data, which any thread can be told.
 *
 *   leaf of the tree ──task──▸ share 0  share 1  …  share n-1      each a part of the series found, in order
 *                                 │        │            │
 *                              outcome  outcome      outcome       evaluated here or elsewhere, at once
 *                                 └────────┴─────┬──────┘
 *                                              merge               always in this order, whoever was done first
 */
import type { Labels } from "../../base/labels.ts";
import type { AggregateExpr } from "../../metricsql/ast.ts";
import type { QueryLimits } from "../limits.ts";
import type { PromOutcome, PromTask } from "../prom/sharing.ts";
import type { SampleCursor } from "../source.ts";
import { type PackedLabels, unpackLabels } from "./packed-labels.ts";

/** What an evaluation must know of the query it is part of: QueryRunOptions without what belongs to a thread, and what was used already. */
export interface QueryTask {
  readonly limits: QueryLimits;
  readonly lookbackMs: number;
  readonly minStalenessMs: number;
  readonly nowMs: number;
  readonly text: string;
  readonly tooManySamples: string;
  readonly samplesRead: number;
  readonly heldBytes: number;
}

export interface GridTask {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** A MetricsQL rollup over a selector, and the aggregate over it, if there is one. */
export interface RollupTask {
  readonly dialect: "metricsql";
  readonly query: QueryTask;
  readonly grid: GridTask;
  readonly windowMs: number;
  readonly rollup: {
    readonly name: string;
    readonly scalars: readonly Float64Array[];
    readonly strings: readonly string[];
    readonly keepsName: boolean;
  };
  /** Null where all columns are wanted. */
  readonly aggregate: { readonly name: string; readonly modifier: AggregateExpr["modifier"] } | null;
}

export type ShareTask = RollupTask | PromTask;

/** Series, or groups with the states of their accumulators: as many columns each, one behind the other. */
export interface PackedColumns {
  /** Packed for another thread. */
  readonly labels: readonly Labels[] | PackedLabels;
  readonly columns: Float64Array;
}

/** Packs columns in order. Each label set has as many as the others, of one length. */
export class ColumnPacker {
  readonly #labels: Labels[] = [];
  readonly #points: number;
  #columns: Float64Array;
  #length = 0;

  /** @param columns that there may be */
  constructor(columns: number, points: number) {
    this.#points = points;
    this.#columns = new Float64Array(columns * points);
  }

  /** Where the next column goes, to be written there. */
  column(): Float64Array {
    const end = this.#length + this.#points;
    if (end > this.#columns.length) {
      const grown = new Float64Array(2 * end);
      grown.set(this.#columns);
      this.#columns = grown;
    }
    return this.#columns.subarray(this.#length, end);
  }

  /** Columns that may be where `column()` said, or anywhere else. */
  add(labels: Labels, columns: readonly Float64Array[]): void {
    this.#labels.push(labels);
    for (const column of columns) {
      const target = this.column();
      if (column.buffer !== target.buffer || column.byteOffset !== target.byteOffset) target.set(column);
      this.#length += this.#points;
    }
  }

  finish(): PackedColumns {
    return { labels: this.#labels, columns: this.#columns.subarray(0, this.#length) };
  }
}

export function labelsIn({ labels }: PackedColumns): readonly Labels[] {
  return "texts" in labels ? unpackLabels(labels) : labels;
}

/** The columns of label set `index`. */
export function columnsOf(packed: PackedColumns, index: number, perSet: number, points: number): Float64Array[] {
  const columns: Float64Array[] = [];
  for (let i = index * perSet; i < (index + 1) * perSet; i++) {
    columns.push(packed.columns.subarray(i * points, (i + 1) * points));
  }
  return columns;
}

/** What came of a share. */
export type ShareOutcome = PackedColumns | PromOutcome;

/** What a share that was evaluated elsewhere has used, beside what the query had used before. */
export interface ShareUsage {
  readonly series: number;
  readonly samples: number;
  readonly bytesRead: number;
  readonly memoryBytes: number;
  readonly isPartial: boolean;
  /** From its first series to its last, pauses left out. */
  readonly workMs: number;
}

/** Its memory may be handed over. */
export interface FinishedShare {
  readonly outcome: ShareOutcome;
  /** Null if it was evaluated by the query's own thread, which has counted for itself. */
  readonly usage: ShareUsage | null;
}

/** Series that were found, to be worked on in shares. */
export interface SharedSearch {
  readonly seriesCount: number;
  /** At least 2. */
  readonly shareCount: number;
  /**
   * Sees to it that every share is worked on once: here, by `work`, or by somebody else, who is told the task. `take` gets what came of them in the order of the shares, one
   * at a time. Rejects with the first error; nobody goes on then.
   */
  run(
    task: ShareTask,
    work: (cursor: SampleCursor, number: number) => Promise<ShareOutcome>,
    take: (share: FinishedShare, number: number) => void,
  ): Promise<void>;
  /** All series once more, when the shares are done, for who has to look at them one by one after all. */
  whole(): Promise<SampleCursor>;
  close(): void;
}
