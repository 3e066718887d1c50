/**
 * A leaf of a query, evaluated with what is left of the last time: points that were settled then, and still hold, are taken as they are; what comes behind is computed and put to
 * their end.
 *
 *   grid      start ├────────────────────────────┤ end
 *   kept   ├──────────────────────────┤
 *                                  ✂ late samples of its series: what follows is computed anew
 *   tail                           ├─────────────┤      reads from a little before
 *
 * An answer is the same with and without; where that cannot be shown, the whole leaf is computed. See docs/decisions/0014-rollup-cache.md.
 */
import type { Labels } from "../../base/labels.ts";
import type { EvalContext } from "../context.ts";
import { labelsKey } from "../label-edit.ts";
import type { WindowRule } from "../rollup/run.ts";
import type { ChangeMark, LateSamples, SampleCursor, SourceChanges } from "../source.ts";
import type { Sight } from "./functions.ts";
import { bytesOfLeaf, type KeptLeaf, type KeptSeries, type LeafSeries, type RollupCache } from "./rollup-cache.ts";
import { type SeriesProfiles, SeriesWatch } from "./series-watch.ts";

/** Shorter ranges are quick enough. */
const POINTS_MIN = 10;

/** What is evaluated. */
export interface Leaf {
  /** All that it depends on but tenant, grid and samples. */
  readonly text: string;
  /** How far before a point samples are read. */
  readonly backMs: number;
  /** How much earlier than the grid says it looks for samples: a multiple of milliseconds, of either sign. */
  readonly shiftMs: number;
  /** Of MetricsQL, what its function looks at beside the samples of windows that are given; null: nothing. */
  readonly watching: { readonly rule: WindowRule; readonly sight: Sight } | null;
  /** Of series without samples in what is read there is none; without this a series is there if it has a value. */
  readonly wantsBlank: boolean;
  /** All of it on a grid, by `reading`; null if that has given up. */
  evaluate(grid: EvalContext, reading: LeafReading): Promise<LeafSeries[] | null>;
}

/** How a leaf is to be read that is going to be kept: series by series, by the query itself. */
export interface LeafReading {
  /** How far before the first point. */
  readonly backMs: number;
  readonly watch: SeriesWatch | null;
  /** To be told when series have been found. False: give up. */
  onFound(cursor: SampleCursor): boolean;
  /** Gets remarks about series, which hold while there is any. */
  readonly notes: Set<string>;
}

export interface KeptAnswer {
  readonly series: readonly LeafSeries[];
  readonly notes: ReadonlySet<string>;
}

/** What is asked of one evaluation. */
interface Ask {
  readonly cache: RollupCache;
  readonly changes: SourceChanges;
  readonly mark: ChangeMark;
  readonly key: string;
  readonly grid: EvalContext;
  readonly leaf: Leaf;
  /** What is read before the first point. */
  readonly minMs: number;
  /** Points up to the end of the settled past. */
  readonly settledPoints: number;
}

/** Null if the leaf is to be evaluated as if there were no cache. */
export async function evaluateKept(grid: EvalContext, leaf: Leaf): Promise<KeptAnswer | null> {
  const { cache, source } = grid.run;
  const changes = source.changes ?? null;
  if (cache === null || changes === null || grid.points < POINTS_MIN) return null;
  const mark = changes.mark();
  const { startMs, stepMs, points } = grid;
  const minMs = startMs - leaf.shiftMs - leaf.backMs;
  if (minMs < changes.oldestMs(mark)) return null;
  const { accountId, projectId } = grid.run.tenant;
  const key = `${accountId}:${projectId} ${stepMs} ${startMs % stepMs} ${points} ${leaf.text}`;
  const settledPoints = Math.max(
    0,
    Math.min(points, Math.floor((mark.settledMs - (startMs - leaf.shiftMs)) / stepMs) + 1),
  );
  const ask: Ask = { cache, changes, mark, key, grid, leaf, minMs, settledPoints };
  const kept = cache.get(key);
  if (kept !== null) {
    const answer = await evaluateRest(ask, kept);
    if (answer !== null) return answer;
  }
  cache.counters.misses++;
  if (settledPoints < POINTS_MIN || !cache.isWanted(key)) return null;
  return await evaluateAll(ask);
}

async function evaluateAll(ask: Ask): Promise<KeptAnswer | null> {
  const { grid, leaf } = ask;
  const watch = watchOf(ask, grid, ask.settledPoints, null, leaf.backMs);
  let registryEpoch = -1;
  let seriesCount = 0;
  const notes = new Set<string>();
  const series = await leaf.evaluate(grid, {
    backMs: leaf.backMs,
    watch,
    onFound: (cursor) => {
      registryEpoch = cursor.matched?.registryEpoch ?? -1;
      seriesCount = cursor.seriesCount;
      return true;
    },
    notes,
  });
  if (series === null) return null;
  if (registryEpoch >= 0 && watch?.isBroken !== true) {
    const profiles = watch?.finish(registryEpoch, 0, 0) ?? null;
    keep(ask, series, notes, seriesCount, profiles, settledPoints(ask, watch));
  }
  return { series, notes };
}

/** Null if what is kept is of no use. */
async function evaluateRest(ask: Ask, kept: KeptLeaf): Promise<KeptAnswer | null> {
  const { cache, changes, mark, key, grid, leaf, minMs } = ask;
  const { run, startMs, stepMs } = grid;
  const keptFrom = (startMs - kept.startMs) / stepMs;
  if (startMs < kept.validFromMs || keptFrom >= kept.points) return null;
  const seenFromMs = startMs - leaf.shiftMs;
  let late = changes.between(kept.mark, mark, minMs, seenFromMs + (kept.points - 1 - keptFrom) * stepMs);
  if (late === null) {
    cache.drop(key);
    return null;
  }
  let points = Math.min(grid.points, kept.points - keptFrom);
  if (points === grid.points) {
    // Whose the late samples are nobody knows without a search.
    const watch = watchOf(ask, grid, 0, kept.profiles, 0);
    if (late.length > 0 || watch?.fits(keptFrom, points) === false) return null;
    kept.mark = mark;
    kept.validFromMs = startMs;
    cache.counters.fullHits++;
    run.seriesFetched += kept.seriesCount;
    grid.trace?.add(`rollup cache: all ${points} points of ${kept.series.length} series`, 0);
    return withNotes(join(ask, kept, keptFrom, points, []), kept.notes);
  }
  // More than once if late samples leave fewer points.
  while (points >= grid.points / 4) {
    const tail = grid.onGrid(startMs + points * stepMs, grid.endMs, stepMs);
    const backMs = kept.profiles === null ? leaf.backMs : Math.min(leaf.backMs, kept.profiles.reachMs);
    const watch = watchOf(ask, tail, Math.max(0, ask.settledPoints - points), kept.profiles, backMs);
    let usablePoints = points;
    let registryEpoch = -1;
    const notes = new Set(kept.notes);
    const list = await leaf.evaluate(tail, {
      backMs,
      watch,
      onFound: (cursor) => {
        registryEpoch = cursor.matched?.registryEpoch ?? -1;
        usablePoints = Math.min(points, Math.max(0, Math.ceil((cutMs(late ?? [], cursor) - seenFromMs) / stepMs)));
        const isSame = kept.profiles === null || kept.profiles.registryEpoch === registryEpoch;
        return usablePoints === points && isSame;
      },
      notes,
    });
    // Nothing was there to be found.
    if (list === null && usablePoints < points) {
      points = usablePoints;
      late = [];
      continue;
    }
    if (list === null || watch?.fits(keptFrom, points) === false) break;
    const joined = join(ask, kept, keptFrom, points, list);
    if (joined === null) break;
    cache.counters.partialHits++;
    grid.trace?.add(`rollup cache: ${points} of ${grid.points} points of ${kept.series.length} series`, 0);
    const answer = withNotes(joined, notes);
    if (run.isPartial) return answer;
    const settled = settledPoints(ask, watch);
    if (settled > points || points < kept.points - keptFrom) {
      const profiles = watch === null ? null : watch.finish(registryEpoch, keptFrom, points);
      keep(ask, joined, answer?.notes ?? notes, Math.max(kept.seriesCount, joined.length), profiles, settled);
    } else {
      kept.mark = mark;
      kept.validFromMs = startMs;
    }
    return answer;
  }
  cache.drop(key);
  return null;
}

/** Without series there is nothing to remark. */
function withNotes(series: LeafSeries[] | null, notes: ReadonlySet<string>): KeptAnswer | null {
  return series === null ? null : { series, notes: series.length === 0 ? new Set() : notes };
}

function watchOf(
  { leaf, mark, minMs }: Ask,
  { points, startMs }: EvalContext,
  settledPoints: number,
  before: SeriesProfiles | null,
  readMs: number,
): SeriesWatch | null {
  if (leaf.watching === null) return null;
  const { settledMs } = mark;
  return new SeriesWatch({
    ...leaf.watching,
    points,
    settledPoints,
    settledMs,
    minMs,
    backMs: leaf.backMs,
    before,
    readFromMs: startMs - readMs,
    readMs,
  });
}

/** The first time of a late sample of a series that matches; of any, where that is not known. */
function cutMs(late: readonly LateSamples[], { matched }: SampleCursor): number {
  let firstMs = Number.POSITIVE_INFINITY;
  for (const { slot, registryEpoch, minMs } of late) {
    const slots = matched?.registryEpoch === registryEpoch ? matched.slots : null;
    if (minMs < firstMs && (slot < 0 || slots === null || includes(slots, slot))) firstMs = minMs;
  }
  return firstMs;
}

/** `list` ascends. */
function includes(list: Uint32Array, value: number): boolean {
  let lo = 0;
  let hi = list.length;
  while (lo < hi) {
    const middle = (lo + hi) >>> 1;
    if ((list[middle] as number) < value) lo = middle + 1;
    else hi = middle;
  }
  return list[lo] === value;
}

/** All points, in columns that are the caller's: `points` of them were kept. Null where series cannot be told apart. */
function join(
  { grid, leaf, minMs }: Ask,
  kept: KeptLeaf,
  keptFrom: number,
  points: number,
  rest: readonly LeafSeries[],
): LeafSeries[] | null {
  const places = placesOf(kept.series, rest);
  if (places === null) return null;
  const { later, added } = places;
  const all = grid.points;
  grid.run.reserveColumns(kept.series.length + added.length, all);
  const columns = new Float64Array((kept.series.length + added.length) * all);
  let at = 0;
  const joined: LeafSeries[] = [];
  for (let i = 0; i < kept.series.length; i++) {
    const series = kept.series[i] as KeptSeries;
    const more = rest[later[i] as number] ?? null;
    if (more === null && leaf.wantsBlank && series.lastMs < minMs) continue;
    const present = leaf.wantsBlank ? null : joinPresent(all, series, keptFrom, points, more);
    if (present !== null && !present.includes(1)) continue;
    const values = columns.subarray(at, at + all);
    at += all;
    values.set(series.values.subarray(keptFrom, keptFrom + points));
    if (more === null) values.fill(Number.NaN, points);
    else values.set(more.values, points);
    joined.push({ labels: series.labels, values, present, lastMs: Math.max(series.lastMs, more?.lastMs ?? 0) });
  }
  for (const { labels, values: own, present: ownPresent, lastMs } of added) {
    const values = columns.subarray(at, at + all);
    at += all;
    values.fill(Number.NaN, 0, points);
    values.set(own, points);
    let present: Uint8Array | null = null;
    if (!leaf.wantsBlank) {
      present = new Uint8Array(all);
      if (ownPresent === null) present.fill(1, points);
      else present.set(ownPresent, points);
    }
    joined.push({ labels, values, present, lastMs });
  }
  return joined;
}

/** For each series that was kept its place in the rest, -1 for none, and what of the rest is new. Null where two of the rest are equal. */
function placesOf(
  kept: readonly KeptSeries[],
  rest: readonly LeafSeries[],
): { readonly later: Int32Array; readonly added: readonly LeafSeries[] } | null {
  const later = new Int32Array(kept.length).fill(-1);
  const added: LeafSeries[] = [];
  const addedKeys = new Set<string>();
  let byKey: Map<string, number> | null = null;
  // They mostly come in the same order.
  let expected = 0;
  for (let i = 0; i < rest.length; i++) {
    const series = rest[i] as LeafSeries;
    let place: number | undefined = expected;
    if (expected >= kept.length || !areEqual((kept[expected] as KeptSeries).labels, series.labels)) {
      byKey ??= new Map(kept.map(({ key }, k) => [key, k]));
      const key = labelsKey(series.labels);
      place = byKey.get(key);
      if (place === undefined) {
        if (addedKeys.has(key)) return null;
        addedKeys.add(key);
        added.push(series);
        continue;
      }
    }
    if (later[place] !== -1) return null;
    later[place] = i;
    expected = place + 1;
  }
  return { later, added };
}

function areEqual(a: Labels, b: Labels): boolean {
  if (a === b) return true;
  if (a.name !== b.name || a.pairs.length !== b.pairs.length) return false;
  for (let i = 0; i < a.pairs.length; i++) if (a.pairs[i] !== b.pairs[i]) return false;
  return true;
}

/** Null where there is a value everywhere. */
function joinPresent(
  all: number,
  { present }: KeptSeries,
  keptFrom: number,
  points: number,
  more: LeafSeries | null,
): Uint8Array | null {
  if (present === null && (more === null ? points === all : more.present === null)) return null;
  const joined = new Uint8Array(all);
  if (present === null) joined.fill(1, 0, points);
  else joined.set(present.subarray(keptFrom, keptFrom + points));
  if (more !== null) {
    if (more.present === null) joined.fill(1, points);
    else joined.set(more.present, points);
  }
  return joined;
}

/** Of the points that are settled those before what may still change. */
function settledPoints({ grid, settledPoints: points }: Ask, watch: SeriesWatch | null): number {
  const untilMs = watch?.settledUntilMs ?? Number.POSITIVE_INFINITY;
  return Math.max(0, Math.min(points, Math.ceil((untilMs - grid.startMs) / grid.stepMs)));
}

/** Keeps what is settled of all points. */
function keep(
  ask: Ask,
  list: readonly LeafSeries[],
  notes: ReadonlySet<string>,
  seriesCount: number,
  profiles: SeriesProfiles | null,
  points: number,
): void {
  const { cache, key, grid, mark } = ask;
  const { startMs, run } = grid;
  const keys = list.map(({ labels }) => labelsKey(labels));
  if (points === 0 || run.isPartial || new Set(keys).size < list.length) {
    cache.drop(key);
    return;
  }
  const columns = new Float64Array(list.length * points);
  const series = list.map(({ labels, lastMs, present, values: own }, i): KeptSeries => {
    const values = columns.subarray(i * points, (i + 1) * points);
    values.set(own.length === points ? own : own.subarray(0, points));
    return { labels, key: keys[i] as string, values, present: present?.slice(0, points) ?? null, lastMs };
  });
  const bytes = bytesOfLeaf(series, points, profiles);
  cache.put(key, { startMs, points, series, notes, seriesCount, profiles, bytes, mark, validFromMs: startMs });
}
