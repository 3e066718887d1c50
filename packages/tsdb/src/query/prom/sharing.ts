/** PromQL's leaves in shares, where the query runs: what others are told, what is done here, and how it becomes one again. */
import type { LabelFilter } from "../../base/label-filter.ts";
import type { PromAggregate } from "../../promql/ast.ts";
import type { EvalContext } from "../context.ts";
import type { GridTask, PackedColumns, QueryTask, SharedSearch } from "../shares/share.ts";
import { isExact, queryTask, workInShares } from "../shares/work.ts";
import type { PromContext } from "./context.ts";
import type { DistinctLabels } from "./label-sets.ts";
import type { Presence } from "./presence.ts";
import { type SampleAspect, type SeriesVisitor, type Sight, visitSeries } from "./selectors.ts";
import type { SeriesSink } from "./series-sink.ts";
import { Annotations } from "./value.ts";
import type { Windows } from "./windows.ts";

/** What is made of each series: what is seen of it, or of its windows by a function of this name. The places in the text are for annotations. */
export type PromLeaf =
  | { readonly kind: "selector"; readonly sight: Sight; readonly aspect: SampleAspect }
  | ({ readonly kind: "range"; readonly name: string; readonly pos: number; readonly argPos: number } & Windows);

export interface PromTask {
  readonly dialect: "promql";
  readonly query: QueryTask;
  readonly grid: GridTask;
  readonly times: Omit<PromContext, "grid" | "annotations" | "samples">;
  readonly leaf: PromLeaf;
  /** Null where all series are wanted. */
  readonly aggregate: Pick<PromAggregate, "op" | "isWithout" | "grouping"> | null;
  /** Series may be of different metrics, and become equal without their names. */
  readonly wantsHashes: boolean;
}

/** Series, or groups, and where each has a value. */
export interface PackedSeries extends PackedColumns {
  readonly masks: readonly Presence[];
}

export interface PromOutcome {
  readonly series: PackedSeries;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  /** Null where labels stay what they are. They are different within the share. */
  readonly labels: { readonly areOfOneMetric: boolean; readonly hashes: Float64Array | null } | null;
}

export function outcomeOf(
  series: PackedSeries,
  { annotations }: PromContext,
  distinct: DistinctLabels | null,
  hashes: readonly number[] | null,
): PromOutcome {
  return {
    series,
    warnings: [...annotations.warnings],
    infos: [...annotations.infos],
    labels:
      distinct === null
        ? null
        : { areOfOneMetric: distinct.areOfOneMetric, hashes: hashes === null ? null : Float64Array.from(hashes) },
  };
}

/** Works on series that were found, in shares. */
export interface Sharing {
  /** What is made of shares is the same to the bit as what is made of all series. */
  readonly isExact: boolean;
  run(grid: EvalContext, shares: SharedSearch): Promise<void>;
}

/** Begins the work on some of the series: on their labels' hashes, too, if there is a list for them. */
export type BeginVisiting = (
  context: PromContext,
  sink: SeriesSink,
  hashes: number[] | null,
) => { readonly visit: SeriesVisitor; readonly distinct: DistinctLabels | null };

/** Null where the sink wants all series, or somebody counts their samples. */
export function sharingOf(
  context: PromContext,
  { parts, keepsColumns }: SeriesSink,
  filters: readonly LabelFilter[],
  leaf: PromLeaf,
  begin: BeginVisiting,
): Sharing | null {
  if (parts === undefined || parts === null || context.samples !== null) return null;
  const { lookbackMs, queryStartMs, queryEndMs, queryStepMs, subqueryStepMs } = context;
  // Series of one metric that lose no more than its name stay different.
  const wantsHashes = !filters.some(({ label, op }) => label === "__name__" && op === "=");
  const run = async (grid: EvalContext, shares: SharedSearch): Promise<void> => {
    const { startMs, endMs, stepMs } = grid;
    grid.run.reserveColumns(keepsColumns ? shares.seriesCount : 1, grid.points);
    const task: PromTask = {
      dialect: "promql",
      query: queryTask(grid.run),
      grid: { startMs, endMs, stepMs },
      times: { lookbackMs, queryStartMs, queryEndMs, queryStepMs, subqueryStepMs },
      leaf,
      aggregate: parts.aggregate,
      wantsHashes,
    };
    const check = new ShareCheck();
    await workInShares(
      grid,
      shares,
      task,
      parts.aggregate === null ? "evaluate samples" : `aggregate ${parts.aggregate.op}()`,
      async (cursor) => {
        const inner = { ...context, grid, annotations: new Annotations() };
        const part = parts.begin(cursor.seriesCount);
        const hashes = wantsHashes ? [] : null;
        const { visit, distinct } = begin(inner, part, hashes);
        await visitSeries(grid, cursor, null, visit);
        return outcomeOf(part.pack(), inner, distinct, hashes);
      },
      (outcome) => {
        const { series, warnings, infos, labels } = outcome as PromOutcome;
        parts.merge(series);
        for (const text of warnings) context.annotations.warnings.add(text);
        for (const text of infos) context.annotations.infos.add(text);
        check.add(labels);
      },
    );
    if (check.areDistinct) return;
    // Some may have become equal: whether they have, only their labels tell.
    const { samplesRead } = grid.run;
    const cursor = await shares.whole();
    try {
      const ignore: SeriesSink = { keepsColumns: false, add: () => false };
      const { visit } = begin({ ...context, grid, annotations: new Annotations() }, ignore, null);
      await visitSeries(grid, cursor, null, visit);
    } finally {
      cursor.close();
      grid.run.samplesRead = samplesRead;
    }
  };
  return { run, isExact: isExact(parts.aggregate?.op) };
}

/** Whether the label sets of all shares are different for sure. */
class ShareCheck {
  areDistinct = true;
  readonly #seen: Set<number> = new Set();

  add(labels: PromOutcome["labels"]): void {
    if (labels === null) return;
    if (labels.hashes === null) {
      if (!labels.areOfOneMetric) this.areDistinct = false;
      return;
    }
    const { size } = this.#seen;
    for (const hash of labels.hashes) this.#seen.add(hash);
    if (this.#seen.size < size + labels.hashes.length) this.areDistinct = false;
  }
}
