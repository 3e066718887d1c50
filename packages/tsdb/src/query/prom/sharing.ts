/** PromQL's leaves in shares, where the query runs: what others are told, what is done here, and how it becomes one again. */
import type { LabelFilter } from "../../base/label-filter.ts";
import type { PromAggregate } from "../../promql/ast.ts";
import type { EvalContext } from "../context.ts";
import type { GridTask, PackedGroups, QueryTask, SharedSearch } from "../shares/share.ts";
import { queryTask, workInShares } from "../shares/work.ts";
import type { PromContext } from "./context.ts";
import type { DistinctLabels } from "./label-sets.ts";
import type { Presence } from "./presence.ts";
import { type SeriesVisitor, type Sight, visitSeries } from "./selectors.ts";
import type { SeriesSink } from "./series-sink.ts";
import { Annotations } from "./value.ts";
import type { Windows } from "./windows.ts";

/** What is made of each series: what is seen of it, or of its windows by a function of this name. The places in the text are for annotations. */
export type PromLeaf =
  | { readonly kind: "selector"; readonly sight: Sight }
  | ({ readonly kind: "range"; readonly name: string; readonly pos: number; readonly argPos: number } & Windows);

export interface PromTask {
  readonly dialect: "promql";
  readonly query: QueryTask;
  readonly grid: GridTask;
  readonly times: Omit<PromContext, "grid" | "annotations" | "samples">;
  readonly leaf: PromLeaf;
  readonly aggregate: Pick<PromAggregate, "op" | "isWithout" | "grouping">;
  /** Series may be of different metrics, and become equal without their names. */
  readonly wantsHashes: boolean;
}

/** Groups, and where each has a value. */
export interface PackedFold {
  readonly groups: PackedGroups;
  readonly masks: readonly Presence[];
}

export interface PromOutcome {
  readonly fold: PackedFold;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  /** Null where labels stay what they are. They are different within the share. */
  readonly labels: { readonly areOfOneMetric: boolean; readonly hashes: Float64Array | null } | null;
}

export function outcomeOf(
  fold: PackedFold,
  { annotations }: PromContext,
  distinct: DistinctLabels | null,
  hashes: readonly number[] | null,
): PromOutcome {
  return {
    fold,
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
  { fold }: SeriesSink,
  filters: readonly LabelFilter[],
  leaf: PromLeaf,
  begin: BeginVisiting,
): Sharing | null {
  if (fold === undefined || context.samples !== null) return null;
  const { lookbackMs, queryStartMs, queryEndMs, queryStepMs, subqueryStepMs } = context;
  // Series of one metric that lose no more than its name stay different.
  const wantsHashes = !filters.some(({ label, op }) => label === "__name__" && op === "=");
  const run = async (grid: EvalContext, shares: SharedSearch): Promise<void> => {
    const { startMs, endMs, stepMs } = grid;
    const { op, isWithout, grouping } = fold.node;
    const task: PromTask = {
      dialect: "promql",
      query: queryTask(grid.run),
      grid: { startMs, endMs, stepMs },
      times: { lookbackMs, queryStartMs, queryEndMs, queryStepMs, subqueryStepMs },
      leaf,
      aggregate: { op, isWithout, grouping },
      wantsHashes,
    };
    const check = new ShareCheck();
    await workInShares(
      grid,
      shares,
      task,
      `aggregate ${op}()`,
      async (cursor) => {
        const inner = { ...context, grid, annotations: new Annotations() };
        const part = fold.part();
        const hashes = wantsHashes ? [] : null;
        const { visit, distinct } = begin(inner, part, hashes);
        await visitSeries(grid, cursor, null, visit);
        return outcomeOf(part.pack(), inner, distinct, hashes);
      },
      (outcome) => {
        const { fold: packed, warnings, infos, labels } = outcome as PromOutcome;
        fold.merge(packed);
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
  return { run };
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
