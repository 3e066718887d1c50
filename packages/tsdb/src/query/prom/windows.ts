/**
 * Functions of windows: `rate(m[5m])`, `max_over_time(q[1h:1m])`. Each series' samples are laid out once, without staleness markers, and a
 * window (t - range, t] moves over them by two indexes that only grow.
 */
import { BugError } from "../../base/errors.ts";
import { Labels } from "../../base/labels.ts";
import { outColumn } from "../../kernel/rollup.ts";
import type { PromCall, PromMatrix, PromSubquery } from "../../promql/ast.ts";
import type { LeafReading } from "../cache/kept-leaf.ts";
import { firstAfter, isMarker } from "../columns.ts";
import { AlikeWindows } from "./alike-windows.ts";
import { withoutParens } from "./arguments.ts";
import type { PromContext } from "./context.ts";
import { positiveMs } from "./durations.ts";
import { DistinctLabels, dropMetadata } from "./label-sets.ts";
import type { Presence } from "./presence.ts";
import { readSeries, type SeriesVisitor, type Sight, sightOf } from "./selectors.ts";
import { SeriesList, type SeriesSink } from "./series-sink.ts";
import { sharingOf } from "./sharing.ts";
import { type EvaluateExpr, evaluateSubquery } from "./subquery.ts";
import type { EvaluateWindow, RangeFunction, RangeWindow } from "./tables.ts";
import type { PromSeries } from "./value.ts";

/** Samples that windows may show before it is asked whether the event loop is due. */
const WORK_SAMPLES = 1 << 16;

/** A call whose `entry` is a function of windows. @throws InputError 422, and 400 for durations that are none */
export async function evaluateRangeCall(
  context: PromContext,
  call: PromCall,
  entry: RangeFunction,
  evaluate: EvaluateExpr,
): Promise<PromSeries[]> {
  const sink = new SeriesList(context.grid.points);
  await streamRangeCall(context, call, entry, evaluate, sink);
  return entry.finish === undefined ? sink.list : entry.finish(context, call, sink.list);
}

/** The same series by series. Not for an entry with a `finish`, which is about all of them. False if `leaf` gets nothing to keep. */
export async function streamRangeCall(
  context: PromContext,
  call: PromCall,
  entry: RangeFunction,
  evaluate: EvaluateExpr,
  sink: SeriesSink,
  leaf: LeafReading | null = null,
): Promise<boolean> {
  const { run, points } = context.grid;
  let matrix: PromMatrix | PromSubquery | null = null;
  const scalars: Float64Array[] = [];
  for (const arg of call.args) {
    const bare = withoutParens(arg);
    if (bare.kind === "matrix" || bare.kind === "subquery") {
      matrix = bare;
    } else {
      const value = await evaluate(context, bare);
      if (value.kind === "scalar") scalars.push(value.values);
    }
  }
  if (matrix === null) throw new BugError("a function of windows without a range vector");
  const { at, offset } = matrix.kind === "matrix" ? matrix.selector : matrix;
  const windows: Windows = { sight: sightOf(context, at, offset), rangeMs: positiveMs(context, matrix.range), scalars };
  if (matrix.kind === "matrix") {
    const { sight, rangeMs } = windows;
    const { filters } = matrix.selector;
    const argPos = call.args[0]?.pos ?? call.pos;
    const { visit, distinct } = rollingVisitor(context, call, entry, windows, sink, null);
    const isRead = await readSeries(
      context.grid,
      filters,
      sight.startMs - rangeMs,
      sight.endMs,
      (series) => run.reserveColumns(sink.keepsColumns ? series : 1, points),
      visit,
      sharingOf(
        context,
        sink,
        filters,
        { kind: "range", name: call.name, pos: call.pos, argPos, ...windows },
        (inner, part, hashes) => rollingVisitor(inner, call, entry, windows, part, hashes),
      ),
      leaf,
    );
    // Others that come at another time may become equal to these.
    return isRead && (leaf === null || distinct === null || distinct.areOfOneMetric);
  } else {
    const { timestamps, series } = await evaluateSubquery(context, matrix, evaluate);
    run.reserveColumns(sink.keepsColumns ? series.length : 1, points);
    const distinct = entry.finish === undefined ? new DistinctLabels(true) : null;
    const roller = new WindowRoller(context, call, entry, windows, distinct, sink);
    for (const one of series) {
      roller.placePoints(one, timestamps);
      await roller.roll();
      if (run.isDue()) await run.breathe();
    }
    return true;
  }
}

/** Which windows a function is given, and its other arguments. */
export interface Windows {
  readonly sight: Sight;
  readonly rangeMs: number;
  readonly scalars: readonly Float64Array[];
}

/** Hands the windows' values of each series to the sink. `distinct` tells of the series' labels; null where they cannot become equal. */
export function rollingVisitor(
  context: PromContext,
  call: PromCall,
  entry: RangeFunction,
  windows: Windows,
  sink: SeriesSink,
  hashes: number[] | null,
): { readonly visit: SeriesVisitor; readonly distinct: DistinctLabels | null } {
  const mayBecomeEqual = entry.finish === undefined && entry.keepsName !== true;
  const distinct = mayBecomeEqual ? new DistinctLabels(false, hashes) : null;
  const roller = new WindowRoller(context, call, entry, windows, distinct, sink);
  const visit: SeriesVisitor = (labels, timestamps, values, lo, hi, isAlike) => {
    // Whoever counts samples wants to see every window.
    if (context.samples === null && roller.rollQuickly(labels, timestamps, values, lo, hi, isAlike)) return null;
    roller.place(labels, timestamps, values, lo, hi);
    return roller.roll();
  };
  return { visit, distinct };
}

class WindowRoller implements RangeWindow {
  readonly sight: Sight;
  readonly rangeMs: number;
  timestamps: Float64Array = new Float64Array(0);
  values: Float64Array = new Float64Array(0);
  lo = 0;
  hi = 0;
  startMs = 0;
  endMs = 0;
  timeMs = 0;
  labels: Labels;
  readonly context: PromContext;
  readonly call: PromCall;
  hasValue = true;
  readonly #entry: RangeFunction;
  readonly #sink: SeriesSink;
  /** Null where series stay as different as they are, and for an entry whose `finish` makes up labels of its own. */
  readonly #distinct: DistinctLabels | null;
  readonly #alike: AlikeWindows;
  readonly #scalars: readonly Float64Array[];
  readonly #point: number[];
  #evaluate: EvaluateWindow;
  /** The end of the series' samples. */
  #end = 0;
  #next = 0;
  #count = 0;
  #column: Float64Array;
  readonly #present: Uint8Array;
  /** Columns of our own, for series that cannot be used as they come. */
  #ownTimestamps: Float64Array = new Float64Array(0);
  #ownValues: Float64Array = new Float64Array(0);

  constructor(
    context: PromContext,
    call: PromCall,
    entry: RangeFunction,
    { sight, rangeMs, scalars }: Windows,
    distinct: DistinctLabels | null,
    sink: SeriesSink,
  ) {
    this.context = context;
    this.call = call;
    this.sight = sight;
    this.rangeMs = rangeMs;
    this.labels = Labels.empty;
    this.#alike = new AlikeWindows(this.sight, this.rangeMs, context.grid.points);
    this.#entry = entry;
    this.#sink = sink;
    this.#distinct = distinct;
    this.#evaluate = entry.evaluate;
    this.#scalars = scalars;
    this.#point = scalars.map((column) => column[0] as number);
    this.#column = new Float64Array(context.grid.points);
    this.#present = new Uint8Array(context.grid.points);
  }

  /** All windows over samples `[lo, hi)` at once; false if that is not to be. `isAlike`: their times are those of the call before. */
  rollQuickly(
    labels: Labels,
    timestamps: Float64Array,
    values: Float64Array,
    lo: number,
    hi: number,
    isAlike: boolean,
  ): boolean {
    const { quick } = this.#entry;
    if (quick === undefined) return false;
    const windows = this.#alike;
    if (!isAlike) windows.place(timestamps, lo, hi);
    // Where the kernel leaves its results, if that is soon enough read.
    const column = (this.#sink.onlyReads === true ? outColumn(windows.points) : null) ?? this.#column;
    if (!quick.evaluate(windows, values.subarray(lo, hi), column)) return false;
    const { mask, count } = windows.presence(quick.samplesMin);
    this.labels = labels;
    if (count > 0) this.#handOver(column, mask);
    return true;
  }

  /** Samples `[lo, hi)` are rolled up next. Valid until the columns change. */
  place(labels: Labels, timestamps: Float64Array, values: Float64Array, lo: number, hi: number): void {
    let words: Uint32Array | null = null;
    for (let i = lo; i < hi; i++) {
      if (values[i] === values[i]) continue;
      words ??= new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
      if (isMarker(words, i)) {
        const count = this.#copyUnmarked(timestamps, values, words, lo, hi);
        this.#begin(labels, this.#ownTimestamps, this.#ownValues, 0, count);
        return;
      }
    }
    this.#begin(labels, timestamps, values, lo, hi);
  }

  /** Points of a subquery are rolled up next. */
  placePoints({ labels, values, present }: PromSeries, timestamps: Float64Array): void {
    if (present === null) {
      this.#begin(labels, timestamps, values, 0, timestamps.length);
      return;
    }
    this.#reserve(timestamps.length);
    let count = 0;
    for (let k = 0; k < timestamps.length; k++) {
      if (present[k] === 0) continue;
      this.#ownTimestamps[count] = timestamps[k] as number;
      this.#ownValues[count++] = values[k] as number;
    }
    this.#begin(labels, this.#ownTimestamps, this.#ownValues, 0, count);
  }

  /** All windows of the placed series. null if that went without a pause. */
  roll(): Promise<void> | null {
    return this.#advance() ? null : this.#rollOn();
  }

  async #rollOn(): Promise<void> {
    const { run } = this.context.grid;
    do {
      if (run.isDue()) await run.breathe();
    } while (!this.#advance());
  }

  #begin(labels: Labels, timestamps: Float64Array, values: Float64Array, lo: number, hi: number): void {
    this.labels = labels;
    this.timestamps = timestamps;
    this.values = values;
    this.lo = lo;
    this.hi = lo;
    this.#end = hi;
    this.#next = 0;
    this.#count = 0;
    if (this.#entry.slide !== undefined) this.#evaluate = this.#entry.slide();
  }

  /** Goes on with the windows until they are done (true) or much work was done (false). */
  #advance(): boolean {
    const { timestamps, sight, rangeMs } = this;
    const { grid } = this.context;
    const evaluate = this.#evaluate;
    const column = this.#column;
    const present = this.#present;
    const end = this.#end;
    const { samples } = this.context;
    let work = 0;
    let k = this.#next;
    for (; k < column.length && work < WORK_SAMPLES; k++) {
      this.endMs = sight.startMs + k * sight.stepMs;
      this.startMs = this.endMs - rangeMs;
      this.hi = firstAfter(timestamps, this.hi, end, this.endMs);
      this.lo = firstAfter(timestamps, this.lo, this.hi, this.startMs);
      present[k] = 0;
      if (this.lo === this.hi) continue;
      if (samples !== null) {
        samples.steps[k] += this.hi - this.lo;
        samples.peek(this.hi - this.lo);
      }
      this.timeMs = grid.startMs + k * grid.stepMs;
      for (let s = 0; s < this.#scalars.length; s++) this.#point[s] = (this.#scalars[s] as Float64Array)[k] as number;
      this.hasValue = true;
      const value = evaluate(this, this.#point);
      work += this.hi - this.lo;
      if (!this.hasValue) continue;
      column[k] = value;
      present[k] = 1;
      this.#count++;
    }
    this.#next = k;
    if (k < column.length) return false;
    samples?.hold(this.#count);
    samples?.peek(this.hi - this.lo);
    if (this.#count > 0) this.#handOver(column, this.#count === column.length ? null : present);
    return true;
  }

  #handOver(column: Float64Array, present: Presence): void {
    const labels = this.#entry.keepsName === true ? this.labels : dropMetadata(this.labels);
    this.#distinct?.add(this.labels, labels);
    if (this.#sink.add(labels, column, present)) this.#column = new Float64Array(this.#column.length);
    this.#entry.afterSeries?.(this);
  }

  #copyUnmarked(timestamps: Float64Array, values: Float64Array, words: Uint32Array, lo: number, hi: number): number {
    this.#reserve(hi - lo);
    let count = 0;
    for (let i = lo; i < hi; i++) {
      if (isMarker(words, i)) continue;
      this.#ownTimestamps[count] = timestamps[i] as number;
      this.#ownValues[count++] = values[i] as number;
    }
    return count;
  }

  #reserve(count: number): void {
    if (this.#ownValues.length >= count) return;
    this.#ownTimestamps = new Float64Array(count * 2);
    this.#ownValues = new Float64Array(count * 2);
  }
}
