/** The other end of a task: a share is evaluated for a query that runs elsewhere. */
import { InputError } from "../../base/errors.ts";
import type { Tenant } from "../../base/tenant.ts";
import { GroupSink } from "../aggregate/group-sink.ts";
import { AGGREGATES } from "../aggregate/table.ts";
import { EvalContext, QueryRun } from "../context.ts";
import { evaluatePromShare } from "../prom/share.ts";
import { packingSink, type RollupFunction, rollUpCursor } from "../rollup/eval-rollup.ts";
import { ROLLUPS } from "../rollup/table.ts";
import type { SampleCursor, Source } from "../source.ts";
import { packLabels } from "./packed-labels.ts";
import type { FinishedShare, PackedColumns, RollupTask, ShareOutcome, ShareTask, ShareUsage } from "./share.ts";

/** Nobody searches: the cursor is there. */
const NO_SOURCE = null as unknown as Source;

/** Evaluates the series of a cursor, which stays the caller's. @throws as the query itself would */
export async function evaluateShare(
  task: ShareTask,
  cursor: SampleCursor,
  tenant: Tenant,
  signal: AbortSignal,
): Promise<FinishedShare & { readonly usage: ShareUsage }> {
  const startMs = performance.now();
  const { samplesRead, heldBytes, ...options } = task.query;
  const run = new QueryRun({ ...options, source: NO_SOURCE, tenant, extraFilters: null, signal });
  run.samplesRead = samplesRead;
  run.holdColumns(heldBytes / 8, 1);
  const { startMs: gridStartMs, endMs, stepMs } = task.grid;
  const grid = new EvalContext(run, gridStartMs, endMs, stepMs);
  const outcome =
    task.dialect === "metricsql"
      ? await evaluateRollupShare(grid, task, cursor)
      : await evaluatePromShare(grid, task, cursor);
  const usage = {
    series: cursor.seriesCount,
    samples: run.samplesRead - samplesRead,
    bytesRead: cursor.bytesRead ?? 0,
    memoryBytes: run.peakBytes - heldBytes,
    isPartial: run.isPartial,
    workMs: performance.now() - startMs - run.pausedMs,
  };
  return { outcome: forOthers(outcome), usage };
}

async function evaluateRollupShare(grid: EvalContext, task: RollupTask, cursor: SampleCursor): Promise<PackedColumns> {
  const { name, keepsName, ...args } = task.rollup;
  const entry = ROLLUPS.get(name);
  if (entry === undefined) throw new InputError(`a share of ${name}()`);
  const call: RollupFunction = { name, entry, args, plan: entry.plan(args), keepsName };
  const columns = cursor.seriesCount * Math.max(call.plan.outputs.length, 1);
  const sink = task.aggregate === null ? packingSink(columns, grid.points) : groupSink(grid, task.aggregate);
  if (sink.keepsColumns) grid.run.reserveColumns(columns, grid.points);
  await rollUpCursor(grid, call, task.windowMs, sink, cursor, null);
  return sink.pack();
}

function groupSink({ points, run }: EvalContext, aggregate: Exclude<RollupTask["aggregate"], null>): GroupSink {
  const accumulate = AGGREGATES.get(aggregate.name)?.accumulate ?? null;
  if (accumulate === null) throw new InputError(`a share of ${aggregate.name}()`);
  return new GroupSink(points, { ...aggregate, limit: 0 }, accumulate, run);
}

function forOthers(outcome: ShareOutcome): ShareOutcome {
  if ("columns" in outcome) return packed(outcome);
  return { ...outcome, series: { ...packed(outcome.series), masks: outcome.series.masks } };
}

function packed({ labels, columns }: PackedColumns): PackedColumns {
  return { labels: "texts" in labels ? labels : packLabels(labels), columns };
}

/** Memory of an outcome, to be handed over to another thread. */
export function memoryOf(outcome: ShareOutcome): ArrayBuffer[] {
  const { columns } = "columns" in outcome ? outcome : outcome.series;
  return [columns.buffer as ArrayBuffer];
}
