/**
 * A rollup over a selector or a subquery: reads samples batch by batch, rolls each series up and hands its column on.
 *
 *   Source ──batch──▸ clean (NaN, markers) ──▸ prepare (resets) ──▸ windows ──▸ kernel ──▸ sink
 *
 * The sink decides what is kept: `collect` keeps every column, an aggregate adds it to its group and forgets it.
 */
import { Labels } from "../../base/labels.ts";
import { HAS_DROP, HAS_NAN, putValues, surveyValues } from "../../kernel/rollup.ts";
import type { DurationExpr, Expr, FilterGroups, RollupExpr, SelectorExpr } from "../../metricsql/ast.ts";
import { ROLLUP_SIGHTS } from "../cache/functions.ts";
import { evaluateKept, type Leaf, type LeafReading } from "../cache/kept-leaf.ts";
import type { LeafSeries } from "../cache/rollup-cache.ts";
import type { SeriesWatch } from "../cache/series-watch.ts";
import { isMarker, isRepeated } from "../columns.ts";
import type { EvalContext, QueryRun } from "../context.ts";
import { sourceFilters } from "../filters.ts";
import { withLabel, withoutName } from "../label-edit.ts";
import { type ReadingTrace, traceReading } from "../reading-trace.ts";
import { Scratch } from "../scratch.ts";
import type { Series } from "../series.ts";
import { ColumnPacker, columnsOf, labelsIn, type PackedColumns, type RollupTask } from "../shares/share.ts";
import { isExact, queryTask, workInShares } from "../shares/work.ts";
import type { SampleCursor, SearchRequest } from "../source.ts";
import { printExtent } from "../trace.ts";
import { changesToNext, ratesToNext, removeResets, secondsSincePrevious, survey } from "./counter.ts";
import { RollupRun, type WindowRule } from "./run.ts";
import type { RollupSpread, Spreading } from "./spread.ts";
import type { RollupArgs, RollupEntry, RollupOutput, RollupPlan } from "./table.ts";

/** How far before its window a rollup that wants the previous sample looks, unless -search.minStalenessInterval says otherwise. */
const PREVIOUS_MS = 300_000;

/** Shorter columns take less time to make than their labels take to be told. */
const SHARED_POINTS_MIN = 32;

export type Evaluate = (context: EvalContext, expr: Expr) => Promise<Series[]>;

/** What is done with each series. */
export interface RollupFunction {
  readonly name: string;
  readonly entry: RollupEntry;
  readonly args: RollupArgs;
  /** Made of the arguments. */
  readonly plan: RollupPlan;
  /** `keep_metric_names` */
  readonly keepsName: boolean;
}

export interface RollupCall extends RollupFunction {
  /** The argument rolled up: a selector or anything else, with window, offset and the rest. */
  readonly rollup: RollupExpr;
}

/** Takes the columns of one evaluation in any order of series. */
export interface RollupSink {
  /** True if memory grows with the number of series. */
  readonly keepsColumns: boolean;
  /** What it makes of the columns, `sum()`; absent if it keeps them as they are. */
  readonly title?: string;
  /** A column of the grid's length for the next series to be written into. */
  column(): Float64Array;
  /** The column is the sink's from now on. `lastMs`: of the last sample that was read of the series. */
  accept(labels: Labels, column: Float64Array, lastMs: number): void;
  finish(): Series[];
  /** Of what `finish` answered, in its order: the last sample that was read of each. Absent where nobody may ask. */
  lastTimes?(): readonly number[];
  /** What the sink makes of columns, as a text, if it can be done for some points and others apart: then it may be kept. Null or absent where it cannot. */
  readonly pointwise?: string | null;
  /** Of a sink that can be put together from such of parts of the series. */
  readonly parts?: SinkParts | null;
}

export interface SinkParts {
  readonly aggregate: RollupTask["aggregate"];
  /** A sink for some of the series, of which so many columns may come. */
  begin(columns: number): RollupSink & { pack(): PackedColumns };
  /** Adds what came of series behind its own. */
  merge(packed: PackedColumns): void;
}

export type MakeSink = (points: number) => RollupSink;

/** Keeps every series. */
export const collect: MakeSink = (points) => {
  const list: Series[] = [];
  const lastTimes: number[] = [];
  return {
    keepsColumns: true,
    pointwise: "",
    column: () => new Float64Array(points),
    accept: (labels, values, lastMs) => {
      list.push({ labels, values });
      lastTimes.push(lastMs);
    },
    finish: () => list,
    lastTimes: () => lastTimes,
    parts:
      points < SHARED_POINTS_MIN
        ? null
        : {
            aggregate: null,
            begin: (columns) => packingSink(columns, points),
            merge: (packed) => {
              labelsIn(packed).forEach((labels, i) => {
                list.push({ labels, values: columnsOf(packed, i, 1, points)[0] as Float64Array });
              });
            },
          },
  };
};

/** Keeps every series of a share, one behind the other in one memory. */
export function packingSink(columns: number, points: number): RollupSink & { pack(): PackedColumns } {
  const packer = new ColumnPacker(columns, points);
  return {
    keepsColumns: true,
    column: () => packer.column(),
    accept: (labels, values) => packer.add(labels, [values]),
    finish: () => [],
    pack: () => packer.finish(),
  };
}

export async function evaluateRollup(
  context: EvalContext,
  call: RollupCall,
  evaluate: Evaluate,
  makeSink: MakeSink = collect,
): Promise<Series[]> {
  const { rollup } = call;
  let grid = context;
  if (rollup.at !== null) {
    const atMs = await evaluateAt(context, rollup.at, evaluate);
    grid = context.onGrid(atMs, atMs, context.stepMs);
  }
  if (rollup.offset !== null) {
    const offsetMs = durationMs(rollup.offset, grid.stepMs);
    grid = grid.onGrid(grid.startMs - offsetMs, grid.endMs - offsetMs, grid.stepMs);
  }
  if (call.name === "rollup_candlestick") {
    grid = grid.onGrid(grid.startMs + grid.stepMs, grid.endMs + grid.stepMs, grid.stepMs);
  }
  const sink = call.name === "absent_over_time" ? absentSink(grid.points, rollup.expr) : makeSink(grid.points);
  if (rollup.expr.kind === "selector" && rollup.step === null && !rollup.inheritsStep) {
    const leaf = grid.run.cache === null ? null : leafOf(grid, call, rollup.expr, sink, makeSink);
    const kept = leaf === null ? null : await evaluateKept(grid, leaf);
    if (kept !== null) return kept.series.map(({ labels, values }) => ({ labels, values }));
    await rollUpSelector(grid, call, rollup.expr, sink);
  } else {
    await rollUpSubquery(grid, call, sink, evaluate);
  }
  const list = sink.finish();
  if (rollup.at !== null && context.points > 1) {
    for (const series of list) series.values = new Float64Array(context.points).fill(series.values[0] as number);
  }
  return list;
}

/** Milliseconds, truncated to whole ones. */
export function durationMs(duration: DurationExpr, stepMs: number): number {
  return Math.trunc(duration.ms + duration.steps * stepMs);
}

/** `@ expr`: the first value of the one series it must be, as a time in milliseconds. */
async function evaluateAt(context: EvalContext, at: Expr, evaluate: Evaluate): Promise<number> {
  const list = await evaluate(context, at);
  if (list.length !== 1)
    throw context.run.fail(at, `"@": want one series with the time in seconds, got ${list.length}`);
  const value = (list[0] as Series).values.find((v) => v === v);
  if (value === undefined) throw context.run.fail(at, '"@": want a time in seconds, got no value');
  return Math.trunc(value * 1000);
}

async function rollUpSelector(
  grid: EvalContext,
  call: RollupCall,
  selector: SelectorExpr,
  sink: RollupSink,
  reading: LeafReading | null = null,
): Promise<boolean> {
  const { run: query } = grid;
  const groups = sourceFilters(selector.groups, query.extraFilters);
  if (groups.length === 0) return true;
  const windowMs = explicitWindowMs(grid, call);
  const minMs = grid.startMs - (reading?.backMs ?? backMsOf(grid, call, windowMs));
  const traced = traceReading(grid, groups, minMs, grid.endMs);
  const search: SearchRequest = {
    tenant: query.tenant,
    groups,
    minMs: Math.max(minMs, 0),
    maxMs: grid.endMs,
    maxSeries: query.limits.maxUniqueTimeseries,
    ...(query.signal === null ? {} : { signal: query.signal }),
  };
  const parts = reading === null ? (sink.parts ?? null) : null;
  const found =
    parts === null || query.source.searchInShares === undefined
      ? await query.source.search(search)
      : await query.source.searchInShares(search, isExact(parts.aggregate?.name));
  try {
    query.seriesFetched += found.seriesCount;
    traced?.found(found.seriesCount);
    if (found.seriesCount > query.limits.maxUniqueTimeseries) {
      throw query.fail(
        selector,
        `the selector matches ${found.seriesCount} series, more than -search.maxUniqueTimeseries=` +
          `${query.limits.maxUniqueTimeseries}; add filters or raise the flag`,
      );
    }
    const outputs = Math.max(call.plan.outputs.length, 1);
    if (sink.keepsColumns) query.reserveColumns(found.seriesCount * outputs, grid.points);
    if (parts !== null && "shareCount" in found) {
      let made = 0;
      await workInShares(
        grid,
        found,
        rollupTask(grid, call, windowMs, parts.aggregate),
        titleOf(call, sink),
        async (cursor) => {
          const part = parts.begin(cursor.seriesCount * outputs);
          await rollUpCursor(grid, call, windowMs, part, cursor, null);
          return part.pack();
        },
        (outcome) => {
          const packed = outcome as PackedColumns;
          parts.merge(packed);
          made += packed.columns.length / grid.points;
          if (sink.keepsColumns) query.reserveColumns(made, grid.points);
        },
      );
      return true;
    }
    const cursor = found as SampleCursor;
    if (reading?.onFound(cursor) === false) return false;
    await rollUpCursor(grid, call, windowMs, sink, cursor, traced, reading?.watch ?? null);
    traced?.end(cursor, titleOf(call, sink));
    return true;
  } finally {
    found.close();
  }
}

/** How far before a point its samples are read. */
function backMsOf({ stepMs, run }: EvalContext, { entry }: RollupFunction, windowMs: number): number {
  return Math.max(windowMs, stepMs) + (entry.flags.previous ? run.minStalenessMs || PREVIOUS_MS : 0);
}

/** What may be kept of the call; null if it is none of what can be. */
function leafOf(
  grid: EvalContext,
  call: RollupCall,
  selector: SelectorExpr,
  { pointwise = null }: RollupSink,
  makeSink: MakeSink,
): Leaf | null {
  const { run } = grid;
  const { name, args, entry, keepsName } = call;
  const sight = ROLLUP_SIGHTS.get(name);
  // A time that is fixed, a gap beyond which a counter begins anew: seldom, and other rules.
  if (sight === undefined || pointwise === null || call.rollup.at !== null || run.lookbackMs > 0) return null;
  const dropsName = !keepsName && entry.flags.keepsName !== true;
  // Series of different metrics may become equal, at different times.
  if (pointwise === "" && dropsName && !isOfOneMetric(selector)) return null;
  if (!args.scalars.every(isConstant)) return null;
  const windowMs = explicitWindowMs(grid, call);
  const isWindowGiven = windowMs > 0 || entry.flags.widens !== true;
  if (name === "rate_prometheus" && !isWindowGiven) return null;
  const groups = sourceFilters(selector.groups, run.extraFilters);
  if (groups.length === 0) return null;
  const scalars = args.scalars.map((column) => `${column[0]}`);
  return {
    text: JSON.stringify([
      "metricsql",
      groups,
      name,
      scalars,
      args.strings,
      keepsName,
      windowMs,
      run.minStalenessMs,
      pointwise,
    ]),
    backMs: backMsOf(grid, call, windowMs),
    shiftMs: 0,
    watching:
      isWindowGiven && sight === "window" && !call.plan.resets
        ? null
        : { rule: ruleOf(grid, call, windowMs, false), sight },
    wantsBlank: true,
    evaluate: async (inner, reading) => {
      const sink = makeSink(inner.points);
      if (!(await rollUpSelector(inner, call, selector, sink, reading))) return null;
      const list = sink.finish();
      const lastTimes = sink.lastTimes?.() ?? [];
      return list.map(
        ({ labels, values }, i): LeafSeries => ({ labels, values, present: null, lastMs: lastTimes[i] as number }),
      );
    },
  };
}

function isOfOneMetric({ groups }: SelectorExpr): boolean {
  const names = groups.map((group) => group.find(({ label, op }) => label === "__name__" && op === "=")?.value);
  return names[0] !== undefined && names.every((name) => name === names[0]);
}

function isConstant(column: Float64Array): boolean {
  return column.every((value) => Object.is(value, column[0]));
}

function ruleOf(
  { run, stepMs }: EvalContext,
  { name, entry }: RollupFunction,
  windowMs: number,
  isInstant: boolean,
): WindowRule {
  return {
    stepMs,
    lookbackMs: run.lookbackMs,
    minStalenessMs: run.minStalenessMs,
    isInstant,
    explicitWindowMs: windowMs,
    mayWiden: entry.flags.widens === true,
    isDefaultRollup: name === "default_rollup",
  };
}

function rollupTask(
  grid: EvalContext,
  { name, args, keepsName }: RollupCall,
  windowMs: number,
  aggregate: RollupTask["aggregate"],
): RollupTask {
  const { startMs, endMs, stepMs } = grid;
  return {
    dialect: "metricsql",
    query: queryTask(grid.run),
    grid: { startMs, endMs, stepMs },
    windowMs,
    rollup: { name, keepsName, ...args },
    aggregate,
  };
}

/** All series of the cursor, which stays the caller's, into the sink. */
export async function rollUpCursor(
  grid: EvalContext,
  call: RollupFunction,
  windowMs: number,
  sink: RollupSink,
  cursor: SampleCursor,
  reading: ReadingTrace | null,
  watch: SeriesWatch | null = null,
): Promise<void> {
  const { run: query } = grid;
  const roller = new SeriesRoller(grid, call, windowMs, sink, watch);
  for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
    query.signal?.throwIfAborted();
    const { series, ends, timestamps, values, sameTimes, slots } = batch;
    const samples = series.length === 0 ? 0 : (ends[series.length - 1] as number);
    reading?.read(series.length, samples);
    query.countSamples(samples);
    let before = 0;
    let lo = 0;
    for (let s = 0; s < series.length; s++) {
      const hi = ends[s] as number;
      query.checkSeriesSamples(hi - lo);
      const isAlike =
        s > 0 && ((sameTimes !== undefined && sameTimes[s] === 1) || isRepeated(timestamps, before, lo, hi));
      const pending = roller.roll(series[s] as Labels, timestamps, values, lo, hi, isAlike, slots?.[s]);
      if (pending !== null) await pending;
      before = lo;
      lo = hi;
      if (query.isDue()) await query.breathe();
    }
    reading?.worked();
  }
  if (cursor.isPartial) query.isPartial = true;
}

function titleOf({ name }: RollupCall, { title }: RollupSink): string {
  return title === undefined ? `rollup ${name}()` : `rollup ${name}() with ${title}`;
}

/** The inside is evaluated on a finer grid that also covers the windows; its points are then samples like any others. */
async function rollUpSubquery(
  grid: EvalContext,
  call: RollupCall,
  sink: RollupSink,
  evaluate: Evaluate,
): Promise<void> {
  const { run: query } = grid;
  const { rollup } = call;
  const windowMs = explicitWindowMs(grid, call);
  let stepMs = rollup.step === null ? grid.stepMs : durationMs(rollup.step, grid.stepMs);
  if (stepMs < 0) throw query.fail(rollup, `subquery: want a positive step, got ${stepMs} ms`);
  if (stepMs === 0) stepMs = grid.stepMs;
  const startMs = grid.startMs - windowMs - stepMs - (query.minStalenessMs || PREVIOUS_MS);
  const endMs = grid.endMs + stepMs;
  const points = Math.floor((endMs - startMs) / stepMs) + 1;
  if (points > query.limits.maxPointsSubqueryPerTimeseries) {
    throw query.fail(
      rollup,
      `subquery: needs ${points} points a series, more than -search.maxPointsSubqueryPerTimeseries=` +
        `${query.limits.maxPointsSubqueryPerTimeseries}; use a larger step or a shorter window`,
    );
  }
  const inner = grid.onGrid(Math.floor(startMs / stepMs) * stepMs, Math.ceil(endMs / stepMs) * stepMs, stepMs);
  // A selector with a subquery's brackets is rolled up twice: by default_rollup inside, by the function outside.
  const list = await evaluate(inner, rollup.expr);
  const timestamps = inner.timestamps();
  const step = grid.trace?.begin(`${titleOf(call, sink)} over the subquery: ${printExtent(list)}`);
  const roller = new SeriesRoller(grid, call, windowMs, sink);
  let isAlike = false;
  for (const series of list) {
    const pending = roller.roll(series.labels, timestamps, series.values, 0, timestamps.length, isAlike);
    if (pending !== null) await pending;
    isAlike = true;
    if (query.isDue()) await query.breathe();
  }
  step?.end();
}

function explicitWindowMs(grid: EvalContext, call: RollupCall): number {
  const { window } = call.rollup;
  const windowMs = window === null ? 0 : durationMs(window, grid.stepMs);
  if (windowMs < 0) throw grid.run.fail(call.rollup, `${call.name}: want a positive window, got ${windowMs} ms`);
  return windowMs;
}

/** Samples that windows may show before it is asked whether the event loop is due. */
const WORK_SAMPLES = 1 << 15;

/** For `SeriesRoller.roll`, from whose start to whose end nobody else has a turn, but for long work, which keeps no more in them. */
const cleanTimestamps = new Scratch();
const cleanValues = new Scratch();
const prepared = new Scratch();

/** Takes one series at a time from raw samples to the sink. Works on copies, so the input stays untouched. */
class SeriesRoller {
  readonly #call: RollupFunction;
  readonly #sink: RollupSink;
  readonly #run: RollupRun;
  readonly #dropsName: boolean;
  readonly #query: QueryRun;
  readonly #watch: SeriesWatch | null;
  /** A gap beyond this forgets a counter's resets; 0 without LookbackDelta. */
  readonly #gapMaxMs: number;
  #spreadSeries = 0;
  /** The series before was taken as it is, so its times are what the source says they are. */
  #isWhole = false;
  /** Of the series at hand. */
  #lastMs = 0;

  constructor(
    grid: EvalContext,
    call: RollupFunction,
    windowMs: number,
    sink: RollupSink,
    watch: SeriesWatch | null = null,
  ) {
    this.#watch = watch;
    this.#call = call;
    this.#sink = sink;
    this.#query = grid.run;
    const { lookbackMs } = grid.run;
    this.#gapMaxMs = lookbackMs > 0 ? lookbackMs + windowMs : 0;
    this.#dropsName = !call.keepsName && call.entry.flags.keepsName !== true;
    // What is watched is part of a range, be it a single point.
    const { isDefaultRollup, isInstant, mayWiden, minStalenessMs, stepMs } = ruleOf(
      grid,
      call,
      windowMs,
      watch === null && grid.isInstant(),
    );
    const { points, startMs } = grid;
    // Property by property: small queries feel it.
    this.#run = new RollupRun({
      startMs,
      stepMs,
      points,
      lookbackMs,
      minStalenessMs,
      isInstant,
      windowMs,
      mayWiden,
      isDefaultRollup,
    });
  }

  /**
   * Rolls up samples `[lo, hi)`. `isAlike`: their times are known to be those of the series before. Work that takes long goes on while others
   * have their turn: a promise then, to be awaited before anything else is done.
   */
  roll(
    source: Labels,
    timestamps: Float64Array,
    values: Float64Array,
    lo: number,
    hi: number,
    isAlike: boolean,
    slot = -1,
  ): Promise<void> | null {
    const { entry, plan } = this.#call;
    const watch = this.#watch;
    this.#lastMs = timestamps[hi - 1] as number;
    // As columns of their own, so that all indexes start at 0 and windows found for one series fit the next.
    let times = timestamps.subarray(lo, hi);
    let column = values.subarray(lo, hi);
    isAlike = isAlike && this.#isWhole;
    let valuesTicket = putValues(column);
    let found = valuesTicket === 0 ? survey(column) : surveyValues(column.length);
    if ((found & HAS_NAN) !== 0) {
      const timesLeft = cleanTimestamps.column(column.length);
      const valuesLeft = cleanValues.column(column.length);
      const count = clean(times, column, entry.flags.markers === true, timesLeft, valuesLeft);
      if (count < column.length) {
        times = timesLeft.subarray(0, count);
        column = valuesLeft.subarray(0, count);
        found = survey(column);
        valuesTicket = 0;
        isAlike = false;
      }
      this.#isWhole = false;
    } else {
      this.#isWhole = true;
    }
    const mustRemove = plan.resets && (found & HAS_DROP) !== 0;
    // What is no counter takes something of each drop along for ever.
    if (mustRemove && watch !== null && !isCounter(column)) watch.isBroken = true;
    if (mustRemove || entry.flags.between !== undefined) {
      column = this.#prepare(times, column, mustRemove);
      valuesTicket = 0;
    }
    if (watch === null) {
      this.#run.place(times, column, isAlike, valuesTicket);
    } else {
      watch.begin(slot, isAlike);
      this.#run.place(times, column, watch.isAlike, valuesTicket, watch.earlier);
      watch.look(this.#run, this.#lastMs);
    }
    const labels = this.#dropsName ? withoutName(source) : source;
    if (this.#isLong()) return this.#rollInPieces(labels);
    for (const output of plan.outputs) this.#put(labels, output);
    if (plan.spread !== null) {
      const spreading = plan.spread.start(this.#run);
      for (let k = 0; k < this.#run.points; k++) spreading.visit(k);
      this.#spread(labels, plan.spread, spreading);
    }
    return null;
  }

  /** Whether every window is looked at, and they are so large together that others would wait. */
  #isLong(): boolean {
    const { outputs, spread } = this.#call.plan;
    const run = this.#run;
    if (run.points * run.hi <= WORK_SAMPLES) return false;
    if (spread === null && outputs.every(({ compute }) => compute === undefined)) return false;
    return run.windowSamples() > WORK_SAMPLES;
  }

  async #rollInPieces(labels: Labels): Promise<void> {
    const { outputs, spread } = this.#call.plan;
    const run = this.#run;
    run.keepColumns();
    for (const output of outputs) {
      const { compute } = output;
      if (compute === undefined) {
        this.#put(labels, output);
        continue;
      }
      // The sink's column may be another query's as well.
      const values = new Float64Array(run.points);
      await this.#eachPoint((k) => {
        values[k] = compute(run, k);
      });
      this.#put(labels, { kernel: (_, target, at) => target.set(values, at), tag: output.tag });
    }
    if (spread === null) return;
    const spreading = spread.start(run);
    await this.#eachPoint((k) => spreading.visit(k));
    this.#spread(labels, spread, spreading);
  }

  async #eachPoint(visit: (k: number) => void): Promise<void> {
    const { firsts, ends, points } = this.#run;
    let seen = 0;
    for (let k = 0; k < points; k++) {
      visit(k);
      seen += (ends[k] as number) - (firsts[k] as number);
      if (seen < WORK_SAMPLES) continue;
      seen = 0;
      if (this.#query.isDue()) await this.#query.breathe();
    }
  }

  #put(labels: Labels, { kernel, tag }: RollupOutput): void {
    const target = this.#sink.column();
    kernel(this.#run, target, 0);
    this.#sink.accept(tag === "" ? labels : withLabel(labels, "rollup", tag), target, this.#lastMs);
  }

  #spread(labels: Labels, spread: RollupSpread, spreading: Spreading): void {
    const columns = spreading.columns();
    this.#spreadSeries += columns.size;
    if (this.#sink.keepsColumns) this.#query.reserveColumns(this.#spreadSeries, this.#run.points);
    for (const [value, column] of columns)
      this.#sink.accept(withLabel(labels, spread.label, value), column, this.#lastMs);
  }

  /** Into a column of our own; the input belongs to the source. */
  #prepare(timestamps: Float64Array, values: Float64Array, mustRemove: boolean): Float64Array {
    const { between } = this.#call.entry.flags;
    const count = values.length;
    const target = prepared.column(count).subarray(0, count);
    let column = values;
    if (mustRemove) {
      removeResets(timestamps, values, 0, count, this.#gapMaxMs, target);
      column = target;
    }
    if (between === "changes") changesToNext(column, 0, count, target);
    else if (between === "rates") ratesToNext(timestamps, column, 0, count, target);
    else if (between === "seconds") secondsSincePrevious(timestamps, 0, count, target);
    return target;
  }
}

function isCounter(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number;
    if (!(v >= 0 && v < Number.POSITIVE_INFINITY)) return false;
  }
  return true;
}

/** Copies the samples that are numbers, and markers if they are wanted, to the targets. Returns their count. */
function clean(
  timestamps: Float64Array,
  values: Float64Array,
  wantsMarkers: boolean,
  targetTimestamps: Float64Array,
  targetValues: Float64Array,
): number {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number;
    if (v !== v && !(wantsMarkers && isMarker(words, i))) continue;
    targetTimestamps[count] = timestamps[i] as number;
    targetValues[count++] = v;
  }
  return count;
}

/** absent_over_time: one series that has a value where no series had a sample. */
function absentSink(points: number, expr: Expr): RollupSink {
  const values = new Float64Array(points).fill(1);
  const scratch = new Float64Array(points);
  return {
    keepsColumns: false,
    column: () => scratch,
    accept(_labels, column) {
      for (let k = 0; k < points; k++) if (column[k] !== column[k]) values[k] = NaN;
    },
    finish: () => [{ labels: absentLabels(expr), values }],
  };
}

/** Labels that a missing series would surely have: those of `=` filters, the name excepted. */
export function absentLabels(expr: Expr): Labels {
  const selector = expr.kind === "rollup" ? expr.expr : expr;
  if (selector.kind !== "selector" || selector.groups.length !== 1) return Labels.empty;
  const labels = new Map<string, string>();
  for (const filter of selector.groups[0] as FilterGroups[number]) {
    if (filter.op === "=" && filter.label !== "__name__") labels.set(filter.label, filter.value);
  }
  return Labels.from(labels);
}
