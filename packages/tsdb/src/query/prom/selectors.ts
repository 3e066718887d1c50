/**
 * Instant vector selectors: at each point the latest sample of (t - lookback, t], unless that is a staleness marker.
 *
 *        lookback
 *      (──────────t]
 *   ·   ·    ·            the last one is the value
 *   ·   ·    S            the series has ended: no value
 */
import type { LabelFilter } from "../../base/label-filter.ts";
import type { Labels } from "../../base/labels.ts";
import type { FilterGroups } from "../../metricsql/ast.ts";
import type { PromAt, PromDuration, PromSelector } from "../../promql/ast.ts";
import type { LeafReading } from "../cache/kept-leaf.ts";
import { firstAfter, isMarker, isRepeated } from "../columns.ts";
import type { EvalContext } from "../context.ts";
import { sourceFilters } from "../filters.ts";
import { type ReadingTrace, traceReading } from "../reading-trace.ts";
import type { SampleCursor, SearchRequest } from "../source.ts";
import type { PromContext } from "./context.ts";
import { offsetMs } from "./durations.ts";
import { SeriesList, type SeriesSink } from "./series-sink.ts";
import { type Sharing, sharingOf } from "./sharing.ts";
import type { PromSeries } from "./value.ts";

/** Where a selector or subquery looks, for each point of the grid: at `startMs + k * stepMs`. With `@` all look at one time, and stepMs is 0. */
export interface Sight {
  readonly startMs: number;
  readonly stepMs: number;
  /** Of the last point. */
  readonly endMs: number;
}

export function sightOf(context: PromContext, at: PromAt | null, offset: PromDuration | null): Sight {
  return shiftedSight(context, at, offsetMs(context, offset));
}

export function shiftedSight(context: PromContext, at: PromAt | null, shiftMs: number): Sight {
  const { grid } = context;
  if (at === null) {
    const startMs = grid.startMs - shiftMs;
    return { startMs, stepMs: grid.stepMs, endMs: startMs + (grid.points - 1) * grid.stepMs };
  }
  let atMs: number;
  if (at.kind === "time") atMs = at.timeMs;
  else atMs = at.kind === "start" ? context.queryStartMs : context.queryEndMs;
  return { startMs: atMs - shiftMs, stepMs: 0, endMs: atMs - shiftMs };
}

/**
 * Takes the samples `[lo, hi)` of one series, before the batch they are in is gone. A promise is waited for. `isAlike`: their times
 * are those of the series before, in the same batch.
 */
export type SeriesVisitor = (
  labels: Labels,
  timestamps: Float64Array,
  values: Float64Array,
  lo: number,
  hi: number,
  isAlike: boolean,
) => Promise<void> | null;

/**
 * All samples of the matching series in (fromMs, toMs], markers included. `onCount` hears how many series there are before the first. `sharing`: how series are worked on in shares,
 * where they need not be visited one by one. False if `leaf`, which is told what was found, wants no more of it.
 */
export async function readSeries(
  grid: EvalContext,
  filters: readonly LabelFilter[],
  fromMs: number,
  toMs: number,
  onCount: (series: number) => void,
  visit: SeriesVisitor,
  sharing: Sharing | null = null,
  leaf: LeafReading | null = null,
): Promise<boolean> {
  const { run } = grid;
  const minMs = Math.max(Math.floor(fromMs) + 1, 0);
  const maxMs = Math.floor(toMs);
  if (minMs > maxMs) return true;
  const groups = withExtraFilters(filters, run.extraFilters);
  const reading = traceReading(grid, groups, minMs, maxMs);
  const searchedMs = performance.now();
  const search: SearchRequest = {
    tenant: run.tenant,
    groups,
    minMs,
    maxMs,
    maxSeries: run.limits.maxUniqueTimeseries,
    ...(run.signal === null ? {} : { signal: run.signal }),
  };
  const found =
    sharing === null || leaf !== null || run.source.searchInShares === undefined
      ? await run.source.search(search)
      : await run.source.searchInShares(search, sharing.isExact);
  try {
    run.searchMs += performance.now() - searchedMs;
    run.seriesFetched += found.seriesCount;
    reading?.found(found.seriesCount);
    if (sharing !== null && "shareCount" in found) {
      await sharing.run(grid, found);
      return true;
    }
    const cursor = found as SampleCursor;
    if (leaf?.onFound(cursor) === false) return false;
    onCount(cursor.seriesCount);
    await visitSeries(grid, cursor, reading, visit);
    reading?.end(cursor, "evaluate samples");
    return true;
  } finally {
    found.close();
  }
}

/** All series of the cursor, which stays the caller's. */
export async function visitSeries(
  { run }: EvalContext,
  cursor: SampleCursor,
  reading: ReadingTrace | null,
  visit: SeriesVisitor,
): Promise<void> {
  for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
    run.signal?.throwIfAborted();
    const { series, ends, timestamps, values, sameTimes } = batch;
    const samples = series.length === 0 ? 0 : (ends[series.length - 1] as number);
    reading?.read(series.length, samples);
    run.countSamples(samples);
    let before = 0;
    let lo = 0;
    for (let s = 0; s < series.length; s++) {
      const hi = ends[s] as number;
      run.checkSeriesSamples(hi - lo);
      const isAlike =
        s > 0 && ((sameTimes !== undefined && sameTimes[s] === 1) || isRepeated(timestamps, before, lo, hi));
      const pending = visit(series[s] as Labels, timestamps, values, lo, hi, isAlike);
      if (pending !== null) await pending;
      before = lo;
      lo = hi;
      if (run.isDue()) await run.breathe();
    }
    reading?.worked();
  }
  if (cursor.isPartial) run.isPartial = true;
}

function withExtraFilters(filters: readonly LabelFilter[], extra: FilterGroups | null): FilterGroups {
  const meant = filters.map(dotAll);
  if (extra === null || extra.length === 0) return [meant];
  return sourceFilters(extra, null).map((group) => [...meant, ...group]);
}

/** In Prometheus 3 a dot of a filter's regex matches line breaks, too; the source's own rule is that it does not. */
export function dotAll(filter: LabelFilter): LabelFilter {
  if ((filter.op !== "=~" && filter.op !== "!~") || !filter.value.includes(".")) return filter;
  return { ...filter, value: `(?s:${filter.value})` };
}

/** What a selector's points hold: the samples' values, or their times in seconds (`timestamp(m)`). */
export type SampleAspect = "value" | "time";

/** @throws InputError 422 for more series, samples or memory than the query may use */
export async function evaluateSelector(
  context: PromContext,
  selector: PromSelector,
  aspect: SampleAspect = "value",
): Promise<PromSeries[]> {
  return await lookUp(context, selector.filters, sightOf(context, selector.at, selector.offset), aspect);
}

/** evaluateSelector, of filters and a sight that no selector has. */
export async function lookUp(
  context: PromContext,
  filters: readonly LabelFilter[],
  sight: Sight,
  aspect: SampleAspect,
): Promise<PromSeries[]> {
  const sink = new SeriesList(context.grid.points);
  await lookUpInto(sink, context, filters, sight, aspect);
  return sink.list;
}

/** evaluateSelector, series by series. */
export async function streamSelector(context: PromContext, selector: PromSelector, sink: SeriesSink): Promise<void> {
  await lookUpInto(sink, context, selector.filters, sightOf(context, selector.at, selector.offset), "value");
}

/** evaluateSelector, series by series, of filters and a sight that no selector need have. False if `leaf` wants no more of it. */
export async function lookUpInto(
  sink: SeriesSink,
  context: PromContext,
  filters: readonly LabelFilter[],
  sight: Sight,
  aspect: SampleAspect,
  leaf: LeafReading | null = null,
): Promise<boolean> {
  const { grid, lookbackMs } = context;
  const { run, points } = grid;
  return await readSeries(
    grid,
    filters,
    sight.startMs - lookbackMs,
    sight.endMs,
    (series) => run.reserveColumns(sink.keepsColumns ? series : 1, points),
    lookingVisitor(context, sight, aspect, sink),
    sharingOf(context, sink, filters, { kind: "selector", sight, aspect }, (inner, part) => ({
      visit: lookingVisitor(inner, sight, aspect, part),
      distinct: null,
    })),
    leaf,
  );
}

/** Hands what the points see of each series to the sink. */
export function lookingVisitor(
  context: PromContext,
  sight: Sight,
  aspect: SampleAspect,
  sink: SeriesSink,
): SeriesVisitor {
  const { grid, lookbackMs } = context;
  const { points } = grid;
  const present = new Uint8Array(points);
  let column = new Float64Array(points);
  return (labels, timestamps, values, lo, hi) => {
    const count = look(sight, lookbackMs, timestamps, values, lo, hi, column, present);
    if (count === 0) return null;
    context.samples?.addSeries(present);
    if (aspect === "value") takeValues(column, present, values);
    else takeSeconds(column, present, timestamps);
    if (sink.add(labels, column, count === points ? null : present)) column = new Float64Array(points);
    return null;
  };
}

/** Writes to `found` the index of the sample seen at each point, and to `present` whether there is one. Returns how many see one. */
function look(
  sight: Sight,
  lookbackMs: number,
  timestamps: Float64Array,
  values: Float64Array,
  lo: number,
  hi: number,
  found: Float64Array,
  present: Uint8Array,
): number {
  const { startMs, stepMs } = sight;
  let words: Uint32Array | null = null;
  let count = 0;
  let next = lo;
  for (let k = 0; k < present.length; k++) {
    const ms = startMs + k * stepMs;
    next = firstAfter(timestamps, next, hi, ms);
    const last = next - 1;
    present[k] = 0;
    if (last < lo || (timestamps[last] as number) <= ms - lookbackMs) continue;
    const value = values[last] as number;
    if (value !== value) {
      words ??= new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
      if (isMarker(words, last)) continue;
    }
    found[k] = last;
    present[k] = 1;
    count++;
  }
  return count;
}

/** Samples' indexes become their values. */
function takeValues(column: Float64Array, present: Uint8Array, values: Float64Array): void {
  for (let k = 0; k < column.length; k++) if (present[k] === 1) column[k] = values[column[k] as number] as number;
}

/** Samples' indexes become their times. */
function takeSeconds(column: Float64Array, present: Uint8Array, timestamps: Float64Array): void {
  for (let k = 0; k < column.length; k++) {
    if (present[k] === 1) column[k] = (timestamps[column[k] as number] as number) / 1000;
  }
}
