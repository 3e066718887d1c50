/**
 * A reading of a query in shares: who reads which series is decided behind the port, what becomes of them is described here as plain data, which any thread can be told.
 *
 *   leaf of the tree ──task──▸ share 0  share 1  …  share n-1      each a part of the series found, in order
 *                                 │        │            │
 *                              outcome  outcome      outcome       evaluated here or elsewhere, at once
 *                                 └────────┴─────┬──────┘
 *                                              merge               always in this order, whoever was done first
 */
import { Labels } from "../../base/labels.ts";
import type { AggregateExpr } from "../../metricsql/ast.ts";
import type { QueryLimits } from "../limits.ts";
import type { PromOutcome, PromTask } from "../prom/sharing.ts";
import type { SampleCursor } from "../source.ts";

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

/** A MetricsQL rollup over a selector, and the aggregate over it. */
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
  readonly aggregate: { readonly name: string; readonly modifier: AggregateExpr["modifier"] };
}

export type ShareTask = RollupTask | PromTask;

/** Labels as plain data. */
export interface PlainLabels {
  readonly name: string;
  readonly pairs: readonly string[];
}

export function labelsOf({ name, pairs }: PlainLabels): Labels {
  return name === "" && pairs.length === 0 ? Labels.empty : new Labels(name, pairs);
}

/** Groups of a share with the states of their accumulators: the columns of all groups one behind the other. */
export interface PackedGroups {
  readonly labels: readonly PlainLabels[];
  readonly columns: Float64Array;
}

/** Packs groups in order. Each has as many columns as the others, of one length. */
export class GroupPacker {
  readonly #labels: PlainLabels[] = [];
  readonly #count: number;
  #columns: Float64Array = new Float64Array(0);
  #length = 0;

  /** @param count of groups */
  constructor(count: number) {
    this.#count = count;
  }

  add({ name, pairs }: Labels, state: readonly Float64Array[]): void {
    if (this.#length === 0) {
      this.#columns = new Float64Array(this.#count * state.reduce((sum, column) => sum + column.length, 0));
    }
    this.#labels.push({ name, pairs });
    for (const column of state) {
      this.#columns.set(column, this.#length);
      this.#length += column.length;
    }
  }

  finish(): PackedGroups {
    return { labels: this.#labels, columns: this.#columns };
  }
}

/** The state of a group. */
export function stateOf({ labels, columns }: PackedGroups, group: number, points: number): Float64Array[] {
  const perGroup = columns.length / labels.length;
  const state: Float64Array[] = [];
  for (let at = group * perGroup; at < (group + 1) * perGroup; at += points) {
    state.push(columns.subarray(at, at + points));
  }
  return state;
}

/** What came of a share. */
export type ShareOutcome = PackedGroups | PromOutcome;

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
