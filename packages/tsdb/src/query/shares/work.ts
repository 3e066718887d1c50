/** A leaf of a query whose series are worked on in shares: who did what is counted, and told to the trace. */
import type { EvalContext, QueryRun } from "../context.ts";
import type { SampleCursor } from "../source.ts";
import type { QueryTask, SharedSearch, ShareOutcome, ShareTask, ShareUsage } from "./share.ts";

/** Whether what is made of shares is the same to the bit as what is made of all series: their columns, extremes, counts. */
export function isExact(aggregate: string | undefined): boolean {
  return aggregate === undefined || EXACT.has(aggregate);
}

const EXACT: ReadonlySet<string> = new Set(["min", "max", "count", "group"]);

/** What others must know of a query. */
export function queryTask(run: QueryRun): QueryTask {
  const { limits, lookbackMs, minStalenessMs, nowMs, text, tooManySamples, samplesRead, heldBytes } = run;
  return { limits, lookbackMs, minStalenessMs, nowMs, text, tooManySamples, samplesRead, heldBytes };
}

/**
 * Has the shares worked on, here by `work`, and merges what comes of them in their order.
 * @throws InputError 422 as soon as all of them together have read too many samples, or one of them fails
 */
export async function workInShares(
  { run, trace }: EvalContext,
  shares: SharedSearch,
  task: ShareTask,
  title: string,
  work: (cursor: SampleCursor) => Promise<ShareOutcome>,
  merge: (outcome: ShareOutcome) => void,
): Promise<void> {
  const step = trace?.begin(`${title} over ${shares.seriesCount} series in ${shares.shareCount} shares`);
  /** To be told in order, whenever they were done. */
  const own: Map<number, ShareUsage> = new Map();
  let othersBytes = 0;
  await shares.run(
    task,
    async (cursor, number) => {
      const startMs = performance.now();
      const { pausedMs, samplesRead } = run;
      const outcome = await work(cursor);
      if (step !== undefined) {
        own.set(number, {
          series: cursor.seriesCount,
          samples: run.samplesRead - samplesRead,
          bytesRead: cursor.bytesRead ?? 0,
          memoryBytes: 0,
          isPartial: cursor.isPartial,
          workMs: performance.now() - startMs - (run.pausedMs - pausedMs),
        });
      }
      return outcome;
    },
    ({ outcome, usage }, number) => {
      if (usage !== null) {
        run.countSamples(usage.samples);
        run.isPartial ||= usage.isPartial;
        // Columns that are wanted whole have been counted already.
        if (task.aggregate !== null) othersBytes = Math.max(othersBytes, usage.memoryBytes);
      }
      merge(outcome);
      if (step === undefined) return;
      const { series, samples, bytesRead, workMs } = usage ?? (own.get(number) as ShareUsage);
      const by = usage === null ? "" : ", by another thread";
      step.add(`share ${number + 1}${by}: series=${series}, samples=${samples}, bytes=${bytesRead}`, workMs);
    },
  );
  run.peakBytes += othersBytes;
  step?.end();
}
