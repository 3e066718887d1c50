/**
 * The `rollup` kernel's memory as a desk that all queries of a thread share: one series' samples, its windows and spans,
 * one output column and one group's state lie on it at a time.
 *
 * Queries interleave wherever they await, so nothing on the desk may be taken for granted later. What was put there
 * has a ticket; whoever comes back shows it and puts its things there again if somebody else's took their place. A group's
 * state is carried back to its owner when the next one comes. All calls are synchronous and so is what they need between them.
 *
 * Here is no twin: callers do without (src/query/rollup/sliding.ts, src/query/aggregate/accumulators.ts) when a
 * function answers 0 or false because wasm is missing or something is longer than the desk.
 */
import { type Kernel, type KernelExports, loadKernel } from "./wasm.ts";

interface RollupExports extends KernelExports {
  samplesMax(): number;
  pointsMax(): number;
  zeroSlot(): number;
  nanSlot(): number;
  valuesAddress(): number;
  firstsAddress(): number;
  endsAddress(): number;
  lastsAddress(): number;
  basesAddress(): number;
  secondsAddress(): number;
  beforesAddress(): number;
  aftersAddress(): number;
  outAddress(): number;
  firstStateAddress(): number;
  secondStateAddress(): number;
  thirdStateAddress(): number;
  survey(count: number): number;
  surveyClosely(count: number, wholeMax: number): number;
  compensatedSums(points: number, divides: number): void;
  extrapolations(points: number, perSeconds: number, isCounter: number): void;
  findRuns(points: number): void;
  sums(points: number, hasRuns: boolean): void;
  averages(points: number, hasRuns: boolean): void;
  least(points: number, hasRuns: boolean): void;
  most(points: number, hasRuns: boolean): void;
  picks(points: number): void;
  deltas(points: number, count: number): void;
  rates(points: number): void;
  addToSums(points: number): void;
  addToCounts(points: number): void;
  addToLeast(points: number): void;
  addToMost(points: number): void;
  addToCompensated(points: number): void;
  addToMeans(points: number): number;
  isFinite(points: number): number;
}

/** What `surveyValues` finds, as bits. */
export const HAS_NAN = 1;
/** A value smaller than the one before it. */
export const HAS_DROP = 2;
/** A value that is no whole number, or too large for a sum of all of them to be exact. */
export const HAS_UNEVEN = 4;
export const HAS_NEGATIVE_ZERO = 8;
/** In `bases`: the series has no past. */
export const NO_PAST = -1;

/** Null where wasm, or the built kernel, is missing. */
const kernel: Kernel<RollupExports> | null = load();
// The memory never grows, so the views never change.
const samplesMax = kernel === null ? 0 : kernel.exports.samplesMax();
const pointsMax = kernel === null ? 0 : kernel.exports.pointsMax();
const firstState = doublesAt(kernel?.exports.firstStateAddress());
const secondState = doublesAt(kernel?.exports.secondStateAddress());
const thirdState = doublesAt(kernel?.exports.thirdStateAddress());
const values = doublesAt(kernel?.exports.valuesAddress(), samplesMax);
const firsts = indexesAt(kernel?.exports.firstsAddress());
const ends = indexesAt(kernel?.exports.endsAddress());
const outLo = (kernel?.exports.outAddress() ?? 0) / 8;

let lastTicket = 0;
let valuesTicket = 0;
let windowsTicket = 0;
/** Series that the windows have been used for, up to the second. */
let windowsUses = 0;
let spansTicket = 0;

// ---- Samples ----

/** Puts a series' values on the desk. Returns their ticket, or 0 if they do not fit. */
export function putValues(column: Float64Array): number {
  if (kernel === null || column.length > samplesMax) return 0;
  values.set(column);
  valuesTicket = ++lastTicket;
  return valuesTicket;
}

export function areValues(ticket: number): boolean {
  return ticket !== 0 && ticket === valuesTicket;
}

/** HAS_NAN and HAS_DROP of the first `count` values on the desk. */
export function surveyValues(count: number): number {
  return (kernel as Kernel<RollupExports>).exports.survey(count);
}

/** All four, of the first `count` values on the desk. */
export function surveyClosely(count: number): number {
  return (kernel as Kernel<RollupExports>).exports.surveyClosely(count, 2 ** 53 / count);
}

// ---- Windows: point k's samples are [firsts[k], ends[k]) ----

/** Returns the ticket, or 0 if so many points do not fit. */
export function putWindows(firstsOf: Int32Array, endsOf: Int32Array): number {
  if (kernel === null || firstsOf.length > pointsMax) return 0;
  firsts.set(firstsOf);
  ends.set(endsOf);
  windowsTicket = ++lastTicket;
  windowsUses = 0;
  return windowsTicket;
}

export function areWindows(ticket: number): boolean {
  return ticket !== 0 && ticket === windowsTicket;
}

// ---- Spans: point k's value comes from samples lasts[k] and bases[k] ----

/** To be written by whoever calls `takeSpans`, for as many points as there are. Indexes of samples, or a slot. */
export interface Spans {
  readonly lasts: Int32Array;
  readonly bases: Int32Array;
  readonly seconds: Float64Array;
  /** Seconds around them that `extrapolate` extends the change to. */
  readonly befores: Float64Array;
  readonly afters: Float64Array;
  /** Index of a value that is always 0. */
  readonly zero: number;
  /** Index of a value that is always NaN. */
  readonly nothing: number;
}

export const spans: Spans = {
  lasts: indexesAt(kernel?.exports.lastsAddress()),
  bases: indexesAt(kernel?.exports.basesAddress()),
  seconds: doublesAt(kernel?.exports.secondsAddress()),
  befores: doublesAt(kernel?.exports.beforesAddress()),
  afters: doublesAt(kernel?.exports.aftersAddress()),
  zero: kernel === null ? 0 : kernel.exports.zeroSlot(),
  nothing: kernel === null ? 0 : kernel.exports.nanSlot(),
};

/** Makes `spans` the caller's to write. Returns the ticket, or 0 if so many points do not fit. */
export function takeSpans(points: number): number {
  if (kernel === null || points > pointsMax) return 0;
  spansTicket = ++lastTicket;
  return spansTicket;
}

export function areSpans(ticket: number): boolean {
  return ticket !== 0 && ticket === spansTicket;
}

// ---- Rollups of what is on the desk ----

export type WindowOperation = "sums" | "averages" | "least" | "most";
export type SpanOperation = "picks" | "deltas" | "rates";

/** The view of `outColumn` made last: most queries ask for the same length again. */
let out = new Float64Array(0);

/**
 * The output column of `points` points, for a caller who has no other use for a column than to hand it to `addTo…`. Anybody's next
 * rollup overwrites it. Null if so many do not fit.
 */
export function outColumn(points: number): Float64Array | null {
  if (kernel === null || points > pointsMax) return null;
  if (out.length !== points) out = kernel.memory.f64.subarray(outLo, outLo + points);
  return out;
}

/** Runs the operation into `target[at..at + points)`, which may be `outColumn`'s. `count` is how many values there are. */
export function runOperation(
  operation: WindowOperation | SpanOperation,
  points: number,
  count: number,
  target: Float64Array,
  at: number,
): void {
  const { exports } = kernel as Kernel<RollupExports>;
  if (operation === "sums") exports.sums(points, haveRuns(points));
  else if (operation === "averages") exports.averages(points, haveRuns(points));
  else if (operation === "least") exports.least(points, haveRuns(points));
  else if (operation === "most") exports.most(points, haveRuns(points));
  else if (operation === "picks") exports.picks(points);
  else if (operation === "rates") exports.rates(points);
  else exports.deltas(points, count);
  if (target !== out) target.set(outColumn(points) as Float64Array, at);
}

/** Whether the kernel knows where windows move evenly: from the second series on that has them. */
function haveRuns(points: number): boolean {
  if (windowsUses < 2 && ++windowsUses === 2) (kernel as Kernel<RollupExports>).exports.findRuns(points);
  return windowsUses === 2;
}

/** True if the kernel's last operation has left no NaN and no infinity at any of the points. */
export function isOutFinite(points: number): boolean {
  return (kernel as Kernel<RollupExports>).exports.isFinite(points) !== 0;
}

/** PromQL's sums of windows, or their means, into `target`: see the kernel. */
export function compensatedSums(points: number, isMean: boolean, target: Float64Array): void {
  (kernel as Kernel<RollupExports>).exports.compensatedSums(points, isMean ? 1 : 0);
  if (target !== out) target.set(outColumn(points) as Float64Array);
}

/** PromQL's changes of spans, extended to the ends of their windows and divided by `perSeconds`, into `target`. */
export function extrapolate(points: number, perSeconds: number, isCounter: boolean, target: Float64Array): void {
  (kernel as Kernel<RollupExports>).exports.extrapolations(points, perSeconds, isCounter ? 1 : 0);
  if (target !== out) target.set(outColumn(points) as Float64Array);
}

// ---- Aggregates ----

/** A group's running state: up to three columns. They are stale while the state is on the desk: call `takeBack` to read them. */
export interface GroupState {
  readonly first: Float64Array;
  readonly second: Float64Array | null;
  readonly third: Float64Array | null;
}

/** Shorter columns take less time than it takes to put their group on the desk. */
const GROUP_POINTS_MIN = 4;

let seated: GroupState | null = null;

export type AddOperation = "sums" | "counts" | "least" | "most" | "compensated";

/** Adds a series' column to the group. False, and nothing is done, if it does not fit or is not worth it. */
export function addToGroup(operation: AddOperation, group: GroupState, column: Float64Array): boolean {
  if (!isOnDesk(group, column)) return false;
  const points = group.first.length;
  const { exports } = kernel as Kernel<RollupExports>;
  if (operation === "sums") exports.addToSums(points);
  else if (operation === "counts") exports.addToCounts(points);
  else if (operation === "least") exports.addToLeast(points);
  else if (operation === "compensated") exports.addToCompensated(points);
  else exports.addToMost(points);
  return true;
}

/** The same for PromQL's means. Returns how many points are done; the others are for the caller. */
export function addToMeans(group: GroupState, column: Float64Array): number {
  if (!isOnDesk(group, column)) return 0;
  return (kernel as Kernel<RollupExports>).exports.addToMeans(group.first.length);
}

/** Puts the column and the group's state on the desk. */
function isOnDesk(group: GroupState, column: Float64Array): boolean {
  const points = group.first.length;
  if (points < GROUP_POINTS_MIN || outColumn(points) === null) return false;
  if (column !== out) out.set(column);
  if (seated !== group) seat(group);
  return true;
}

function seat(group: GroupState): void {
  if (seated !== null) takeBack(seated);
  firstState.set(group.first);
  if (group.second !== null) secondState.set(group.second);
  if (group.third !== null) thirdState.set(group.third);
  seated = group;
}

/** Brings the group's columns up to date and the state off the desk. */
export function takeBack(group: GroupState): void {
  if (seated !== group) return;
  seated = null;
  const { first, second, third } = group;
  first.set(firstState.subarray(0, first.length));
  if (second !== null) second.set(secondState.subarray(0, second.length));
  if (third !== null) third.set(thirdState.subarray(0, third.length));
}

// ---- Memory ----

function doublesAt(address: number | undefined, count = pointsMax): Float64Array {
  if (kernel === null || address === undefined) return new Float64Array(0);
  return kernel.memory.f64.subarray(address / 8, address / 8 + count);
}

function indexesAt(address: number | undefined): Int32Array {
  if (kernel === null || address === undefined) return new Int32Array(0);
  return kernel.memory.i32.subarray(address / 4, address / 4 + pointsMax);
}

function load(): Kernel<RollupExports> | null {
  try {
    return loadKernel<RollupExports>("rollup");
  } catch {
    return null;
  }
}
