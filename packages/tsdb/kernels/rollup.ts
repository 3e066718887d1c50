/**
 * The frequent rollups of one series, and the frequent aggregates over series. Specified by src/query/rollup/sliding.ts and
 * src/query/aggregate/accumulators.ts: the same operations in the same order, so results are equal to the bit (NaNs apart).
 *
 *   VALUES ──┬── windows (FIRSTS, ENDS) ──▶ sums, averages, least, most ──┐
 *            └── spans (LASTS, BASES, SECONDS) ──▶ picks, deltas, rates ──┴─▶ OUT ──▶ FIRST_STATE, SECOND_STATE
 *
 * PromQL has the same desk and operations of its own: sums that keep what rounding would lose, and changes that are extended to
 * the ends of their window (query/prom/quick.ts).
 *
 * Times are not known here. Windows and spans say it all as indexes into VALUES, and hold for every series with the same
 * times. Two slots behind the samples always hold 0 and NaN, for spans whose value does not come from a sample.
 */
/** A month of one series every 10 s, and memory is touched only as far as it is used. */
const SAMPLES_MAX: i32 = 262144;
const POINTS_MAX: i32 = 16384;
const ZERO_SLOT: i32 = SAMPLES_MAX;
const NAN_SLOT: i32 = SAMPLES_MAX + 1;
/** Instead of a base: the series has no past, so where it started from is for its values to tell. */
const NO_PAST: i32 = -1;

const HAS_NAN: i32 = 1;
const HAS_DROP: i32 = 2;
const HAS_UNEVEN: i32 = 4;
const HAS_NEGATIVE_ZERO: i32 = 8;

const VALUES: usize = memory.data((262144 + 2) * 8, 16);
const SUFFIXES: usize = memory.data(262144 * 8, 16);
const FIRSTS: usize = memory.data(16384 * 4, 16);
const ENDS: usize = memory.data(16384 * 4, 16);
const LASTS: usize = memory.data(16384 * 4, 16);
const BASES: usize = memory.data(16384 * 4, 16);
const SECONDS: usize = memory.data(16384 * 8, 16);
const BEFORES: usize = memory.data(16384 * 8, 16);
const AFTERS: usize = memory.data(16384 * 8, 16);
const OUT: usize = memory.data(16384 * 8, 16);
const FIRST_STATE: usize = memory.data(16384 * 8, 16);
const SECOND_STATE: usize = memory.data(16384 * 8, 16);
const THIRD_STATE: usize = memory.data(16384 * 8, 16);
/** How many windows behind each one have moved by one sample a point: see findRuns. */
const RUNS: usize = memory.data(16384 * 4, 16);

store<f64>(VALUES + ((<usize>ZERO_SLOT) << 3), 0);
store<f64>(VALUES + ((<usize>NAN_SLOT) << 3), NaN);

export function heapBase(): usize {
  return __heap_base;
}

export function samplesMax(): i32 {
  return SAMPLES_MAX;
}

export function pointsMax(): i32 {
  return POINTS_MAX;
}

export function zeroSlot(): i32 {
  return ZERO_SLOT;
}

export function nanSlot(): i32 {
  return NAN_SLOT;
}

export function valuesAddress(): usize {
  return VALUES;
}

export function firstsAddress(): usize {
  return FIRSTS;
}

export function endsAddress(): usize {
  return ENDS;
}

export function lastsAddress(): usize {
  return LASTS;
}

export function basesAddress(): usize {
  return BASES;
}

export function secondsAddress(): usize {
  return SECONDS;
}

export function beforesAddress(): usize {
  return BEFORES;
}

export function aftersAddress(): usize {
  return AFTERS;
}

export function outAddress(): usize {
  return OUT;
}

export function firstStateAddress(): usize {
  return FIRST_STATE;
}

export function secondStateAddress(): usize {
  return SECOND_STATE;
}

export function thirdStateAddress(): usize {
  return THIRD_STATE;
}

function valueAt(i: i32): f64 {
  return load<f64>(VALUES + ((<usize>i) << 3));
}

function indexAt(column: usize, k: i32): i32 {
  return load<i32>(column + ((<usize>k) << 2));
}

function setOut(k: i32, v: f64): void {
  store<f64>(OUT + ((<usize>k) << 3), v);
}

/** What is to be found in VALUES[0..count): HAS_NAN, and HAS_DROP where a value is smaller than the one before. */
export function survey(count: i32): i32 {
  let nan = i64x2.splat(0);
  let drop = i64x2.splat(0);
  let i = 0;
  let p = VALUES;
  for (; i + 2 < count; i += 2, p += 16) {
    const pair = v128.load(p);
    nan = v128.or(nan, f64x2.ne(pair, pair));
    drop = v128.or(drop, f64x2.lt(v128.load(p, 8), pair));
  }
  let found = 0;
  if (v128.any_true(nan)) found |= HAS_NAN;
  if (v128.any_true(drop)) found |= HAS_DROP;
  for (; i < count; i++) {
    const v = valueAt(i);
    if (v != v) found |= HAS_NAN;
    if (i > 0 && v < valueAt(i - 1)) found |= HAS_DROP;
  }
  return found;
}

/**
 * survey, and more: HAS_UNEVEN where a value is not a whole number of at most `wholeMax` (sums of others have roundings),
 * HAS_NEGATIVE_ZERO where one is -0 (which is as great as 0 and yet not the same).
 */
export function surveyClosely(count: i32, wholeMax: f64): i32 {
  let uneven = i64x2.splat(0);
  let negativeZero = i64x2.splat(0);
  const most = f64x2.splat(wholeMax);
  const minusZero = i64x2.splat(i64.MIN_VALUE);
  let i = 0;
  let p = VALUES;
  for (; i + 1 < count; i += 2, p += 16) {
    const pair = v128.load(p);
    const isWhole = v128.and(f64x2.eq(f64x2.nearest(pair), pair), f64x2.le(f64x2.abs(pair), most));
    uneven = v128.or(uneven, v128.not(isWhole));
    negativeZero = v128.or(negativeZero, i64x2.eq(pair, minusZero));
  }
  let found = survey(count);
  if (v128.any_true(uneven)) found |= HAS_UNEVEN;
  if (v128.any_true(negativeZero)) found |= HAS_NEGATIVE_ZERO;
  if (i < count) {
    const v = valueAt(i);
    if (!(Math.abs(v) <= wholeMax) || nearest<f64>(v) != v) found |= HAS_UNEVEN;
    if (v == 0 && 1 / v < 0) found |= HAS_NEGATIVE_ZERO;
  }
  return found;
}

// ---- Rollups over windows. The outer loop makes one step a split, the inner one a step a point. ----

/** Windows whose splits are worked on side by side: as many as it takes for additions not to wait for one another. */
const SPLITS: i32 = 4;

/**
 * Fills RUNS: behind window k so many follow each of which begins and ends one sample later than the one before, as they do where steps are as long
 * as the distance of samples. For windows that several series have.
 */
export function findRuns(points: i32): void {
  let run = 0;
  for (let k = points - 1; k >= 0; k--) {
    const moves =
      k + 1 < points &&
      indexAt(FIRSTS, k + 1) == indexAt(FIRSTS, k) + 1 &&
      indexAt(ENDS, k + 1) == indexAt(ENDS, k) + 1;
    run = moves ? run + 1 : 0;
    store<i32>(RUNS + ((<usize>k) << 2), run);
  }
}

/** `hasRuns`: findRuns has been called for these windows. */
export function sums(points: i32, hasRuns: bool): void {
  slideSums(points, hasRuns, false);
}

export function averages(points: i32, hasRuns: bool): void {
  slideSums(points, hasRuns, true);
}

function slideSums(points: i32, hasRuns: bool, divides: bool): void {
  let k = 0;
  while (k < points) {
    let first = indexAt(FIRSTS, k);
    const split = indexAt(ENDS, k);
    if (first >= split) {
      setOut(k++, NaN);
      continue;
    }
    const size = split - first;
    if (hasRuns && indexAt(RUNS, k) >= SPLITS * size - 1) {
      sumSplits(k, first, size, divides);
      k += SPLITS * size;
      continue;
    }
    let sum: f64 = 0;
    for (let i = split - 1; i >= first; i--) {
      sum += valueAt(i);
      store<f64>(SUFFIXES + ((<usize>i) << 3), sum);
    }
    setOut(k++, divides ? sum / <f64>size : sum);
    let tail: f64 = 0;
    let tailEnd = split;
    for (; k < points; k++) {
      first = indexAt(FIRSTS, k);
      if (first >= split) break;
      const end = indexAt(ENDS, k);
      for (; tailEnd < end; tailEnd++) tail += valueAt(tailEnd);
      const whole = load<f64>(SUFFIXES + ((<usize>first) << 3)) + tail;
      setOut(k, divides ? whole / <f64>(end - first) : whole);
    }
  }
}

/**
 * The same for 4 · `size` windows of `size` samples from `first` on, each a sample further than the one before, so that there is a split every `size`
 * windows: four splits at a time, and each does what it would alone.
 */
function sumSplits(k: i32, first: i32, size: i32, divides: bool): void {
  const apart = (<usize>size) << 3;
  let sumA = f64x2.splat(0);
  let sumB = f64x2.splat(0);
  let p = VALUES + ((<usize>(first + size - 1)) << 3);
  let suffix = SUFFIXES + ((<usize>size) << 5);
  for (const last = SUFFIXES; suffix > last; p -= 8) {
    suffix -= 32;
    sumA = f64x2.add(sumA, pairAt(p, apart));
    sumB = f64x2.add(sumB, pairAt(p + 2 * apart, apart));
    v128.store(suffix, sumA);
    v128.store(suffix, sumB, 16);
  }
  const count = f64x2.splat(<f64>size);
  sumA = f64x2.splat(0);
  sumB = f64x2.splat(0);
  p = VALUES + ((<usize>(first + size)) << 3);
  let at = OUT + ((<usize>k) << 3);
  for (const last = SUFFIXES + ((<usize>size) << 5); suffix < last; suffix += 32, p += 8, at += 8) {
    let wholeA = f64x2.add(v128.load(suffix), sumA);
    let wholeB = f64x2.add(v128.load(suffix, 16), sumB);
    if (divides) {
      wholeA = f64x2.div(wholeA, count);
      wholeB = f64x2.div(wholeB, count);
    }
    storePair(at, apart, wholeA);
    storePair(at + 2 * apart, apart, wholeB);
    // What the last step adds is of the next windows, or of nobody; there are slots behind the samples.
    sumA = f64x2.add(sumA, pairAt(p, apart));
    sumB = f64x2.add(sumB, pairAt(p + 2 * apart, apart));
  }
}

function pairAt(p: usize, apart: usize): v128 {
  return v128.load64_lane(p + apart, v128.load64_zero(p), 1);
}

function storePair(p: usize, apart: usize, pair: v128): void {
  v128.store64_lane(p, pair, 0);
  v128.store64_lane(p + apart, pair, 1);
}

export function least(points: i32, hasRuns: bool): void {
  slideExtremes(points, hasRuns, false);
}

export function most(points: i32, hasRuns: bool): void {
  slideExtremes(points, hasRuns, true);
}

function slideExtremes(points: i32, hasRuns: bool, isMost: bool): void {
  const none = f64x2.splat(isMost ? -Infinity : Infinity);
  let k = 0;
  while (k < points) {
    let first = indexAt(FIRSTS, k);
    const split = indexAt(ENDS, k);
    if (first >= split) {
      setOut(k++, NaN);
      continue;
    }
    const size = split - first;
    if (hasRuns && indexAt(RUNS, k) >= SPLITS * size - 1) {
      extremesOfSplits(k, first, size, isMost);
      k += SPLITS * size;
      continue;
    }
    let best = none;
    for (let i = split - 1; i >= first; i--) {
      best = better(best, v128.load64_zero(VALUES + ((<usize>i) << 3)), isMost);
      v128.store64_lane(SUFFIXES + ((<usize>i) << 3), best, 0);
    }
    v128.store64_lane(OUT + ((<usize>k) << 3), best, 0);
    k++;
    let tail = none;
    let tailEnd = split;
    for (; k < points; k++) {
      first = indexAt(FIRSTS, k);
      if (first >= split) break;
      const end = indexAt(ENDS, k);
      for (; tailEnd < end; tailEnd++) {
        tail = better(tail, v128.load64_zero(VALUES + ((<usize>tailEnd) << 3)), isMost);
      }
      best = better(v128.load64_zero(SUFFIXES + ((<usize>first) << 3)), tail, isMost);
      v128.store64_lane(OUT + ((<usize>k) << 3), best, 0);
    }
  }
}

/** See sumSplits. */
function extremesOfSplits(k: i32, first: i32, size: i32, isMost: bool): void {
  const apart = (<usize>size) << 3;
  const none = f64x2.splat(isMost ? -Infinity : Infinity);
  let bestA = none;
  let bestB = none;
  let p = VALUES + ((<usize>(first + size - 1)) << 3);
  let suffix = SUFFIXES + ((<usize>size) << 5);
  for (const last = SUFFIXES; suffix > last; p -= 8) {
    suffix -= 32;
    bestA = better(bestA, pairAt(p, apart), isMost);
    bestB = better(bestB, pairAt(p + 2 * apart, apart), isMost);
    v128.store(suffix, bestA);
    v128.store(suffix, bestB, 16);
  }
  bestA = none;
  bestB = none;
  p = VALUES + ((<usize>(first + size)) << 3);
  let at = OUT + ((<usize>k) << 3);
  for (const last = SUFFIXES + ((<usize>size) << 5); suffix < last; suffix += 32, p += 8, at += 8) {
    storePair(at, apart, better(v128.load(suffix), bestA, isMost));
    storePair(at + 2 * apart, apart, better(v128.load(suffix, 16), bestB, isMost));
    bestA = better(bestA, pairAt(p, apart), isMost);
    bestB = better(bestB, pairAt(p + 2 * apart, apart), isMost);
  }
}

/** `b > a ? b : a` (or `<`), NaN and signed zeros included, in one instruction; scalar code would branch on the data. */
function better(a: v128, b: v128, isMost: bool): v128 {
  return isMost ? f64x2.pmax(a, b) : f64x2.pmin(a, b);
}

/**
 * Σ of each window, and what the additions have lost: the sum of their rounding errors, each of which is exact (Knuth's two-sum; what
 * query/prom/kahan.ts gets by comparing first). Every window anew, so that nothing drifts: two windows of one length at a time.
 */
export function compensatedSums(points: i32, divides: bool): void {
  let k = 0;
  for (; k + 3 < points; ) {
    const first = indexAt(FIRSTS, k);
    const size = indexAt(ENDS, k) - first;
    const second = indexAt(FIRSTS, k + 1);
    const third = indexAt(FIRSTS, k + 2);
    const fourth = indexAt(FIRSTS, k + 3);
    if (
      size == 0 ||
      indexAt(ENDS, k + 1) - second != size ||
      indexAt(ENDS, k + 2) - third != size ||
      indexAt(ENDS, k + 3) - fourth != size
    ) {
      compensatedSum(k++, divides);
      continue;
    }
    let p = VALUES + ((<usize>first) << 3);
    let q = VALUES + ((<usize>second) << 3);
    let r = VALUES + ((<usize>third) << 3);
    let s = VALUES + ((<usize>fourth) << 3);
    let sumA = f64x2.splat(0);
    let lostA = f64x2.splat(0);
    let sumB = f64x2.splat(0);
    let lostB = f64x2.splat(0);
    for (let i = 0; i < size; i++, p += 8, q += 8, r += 8, s += 8) {
      const a = v128.load64_lane(q, v128.load64_zero(p), 1);
      const b = v128.load64_lane(s, v128.load64_zero(r), 1);
      const nextA = f64x2.add(sumA, a);
      const nextB = f64x2.add(sumB, b);
      const addedA = f64x2.sub(nextA, sumA);
      const addedB = f64x2.sub(nextB, sumB);
      lostA = f64x2.add(lostA, f64x2.add(f64x2.sub(sumA, f64x2.sub(nextA, addedA)), f64x2.sub(a, addedA)));
      lostB = f64x2.add(lostB, f64x2.add(f64x2.sub(sumB, f64x2.sub(nextB, addedB)), f64x2.sub(b, addedB)));
      sumA = nextA;
      sumB = nextB;
    }
    if (divides) {
      const count = f64x2.splat(<f64>size);
      sumA = f64x2.div(sumA, count);
      lostA = f64x2.div(lostA, count);
      sumB = f64x2.div(sumB, count);
      lostB = f64x2.div(lostB, count);
    }
    const at = OUT + ((<usize>k) << 3);
    v128.store(at, f64x2.add(sumA, lostA));
    v128.store(at, f64x2.add(sumB, lostB), 16);
    k += 4;
  }
  for (; k < points; k++) compensatedSum(k, divides);
}

function compensatedSum(k: i32, divides: bool): void {
  const first = indexAt(FIRSTS, k);
  const end = indexAt(ENDS, k);
  let sum: f64 = 0;
  let lost: f64 = 0;
  for (let i = first; i < end; i++) {
    const v = valueAt(i);
    const next = sum + v;
    const added = next - sum;
    lost += sum - (next - added) + (v - added);
    sum = next;
  }
  if (divides) {
    sum /= <f64>(end - first);
    lost /= <f64>(end - first);
  }
  setOut(k, sum + lost);
}

// ---- Rollups over spans ----

/** VALUES[LASTS[k]] */
export function picks(points: i32): void {
  for (let k = 0; k < points; k++) setOut(k, valueAt(indexAt(LASTS, k)));
}

/** VALUES[LASTS[k]] - VALUES[BASES[k]]; for NO_PAST the rule of slideDelta, which looks at the window. */
export function deltas(points: i32, count: i32): void {
  for (let k = 0; k < points; k++) {
    const last = valueAt(indexAt(LASTS, k));
    const base = indexAt(BASES, k);
    setOut(k, base == NO_PAST ? freshDelta(k, last, count) : last - valueAt(base));
  }
}

function freshDelta(k: i32, last: f64, count: i32): f64 {
  const first = indexAt(FIRSTS, k);
  const start = valueAt(first);
  const change = first + 1 < count ? valueAt(first + 1) - start : 0;
  if (Math.abs(start) < 10 * (Math.abs(change) + 1)) return last;
  return indexAt(ENDS, k) - first > 1 ? last - start : 0;
}

/** (VALUES[LASTS[k]] - VALUES[BASES[k]]) / SECONDS[k] */
export function rates(points: i32): void {
  for (let k = 0; k < points; k += 2) {
    // One more than the points where their number is odd: spans are there, their result is nobody's.
    const last = f64x2(valueAt(indexAt(LASTS, k)), valueAt(indexAt(LASTS, k + 1)));
    const base = f64x2(valueAt(indexAt(BASES, k)), valueAt(indexAt(BASES, k + 1)));
    const at = (<usize>k) << 3;
    v128.store(OUT + at, f64x2.div(f64x2.sub(last, base), v128.load(SECONDS + at)));
  }
}

/**
 * PromQL's rate, increase and delta: how much VALUES[LASTS[k]] is more than VALUES[BASES[k]], SECONDS[k] earlier, as it were over
 * the BEFORES[k] and AFTERS[k] seconds around them too; divided by `perSeconds`. A counter was 0 at the earliest.
 */
export function extrapolations(points: i32, perSeconds: f64, isCounter: bool): void {
  const zero = f64x2.splat(0);
  const per = f64x2.splat(perSeconds);
  for (let k = 0; k < points; k += 2) {
    const at = (<usize>k) << 3;
    const last = f64x2(valueAt(indexAt(LASTS, k)), valueAt(indexAt(LASTS, k + 1)));
    const base = f64x2(valueAt(indexAt(BASES, k)), valueAt(indexAt(BASES, k + 1)));
    const seconds = v128.load(SECONDS + at);
    const change = f64x2.sub(last, base);
    let before = v128.load(BEFORES + at);
    if (isCounter) {
      const sinceZero = f64x2.mul(seconds, f64x2.div(base, change));
      const grew = v128.and(f64x2.gt(change, zero), f64x2.ge(base, zero));
      before = v128.bitselect(sinceZero, before, v128.and(grew, f64x2.lt(sinceZero, before)));
    }
    const whole = f64x2.add(f64x2.add(seconds, before), v128.load(AFTERS + at));
    v128.store(OUT + at, f64x2.mul(change, f64x2.div(f64x2.div(whole, seconds), per)));
  }
}

// ---- Aggregates: OUT, one series' column, into a group's state. NaN is no value. The lane past an odd end is nobody's. ----

/** Σ in FIRST_STATE, how many in SECOND_STATE. */
export function addToSums(points: i32): void {
  const one = f64x2.splat(1);
  for (let at: usize = 0, end = (<usize>points) << 3; at < end; at += 16) {
    const v = v128.load(OUT + at);
    const has = f64x2.eq(v, v);
    // Adding 0 changes nothing: a sum that began at 0 is never -0.
    v128.store(FIRST_STATE + at, f64x2.add(v128.load(FIRST_STATE + at), v128.and(v, has)));
    v128.store(SECOND_STATE + at, f64x2.add(v128.load(SECOND_STATE + at), v128.and(one, has)));
  }
}

export function addToCounts(points: i32): void {
  const one = f64x2.splat(1);
  for (let at: usize = 0, end = (<usize>points) << 3; at < end; at += 16) {
    const v = v128.load(OUT + at);
    v128.store(FIRST_STATE + at, f64x2.add(v128.load(FIRST_STATE + at), v128.and(one, f64x2.eq(v, v))));
  }
}

export function addToLeast(points: i32): void {
  for (let at: usize = 0, end = (<usize>points) << 3; at < end; at += 16) {
    const v = v128.load(OUT + at);
    const a = v128.load(FIRST_STATE + at);
    const isNew = v128.or(f64x2.lt(v, a), f64x2.ne(a, a));
    v128.store(FIRST_STATE + at, v128.bitselect(v, a, isNew));
  }
}

export function addToMost(points: i32): void {
  for (let at: usize = 0, end = (<usize>points) << 3; at < end; at += 16) {
    const v = v128.load(OUT + at);
    const a = v128.load(FIRST_STATE + at);
    const isNew = v128.or(f64x2.gt(v, a), f64x2.ne(a, a));
    v128.store(FIRST_STATE + at, v128.bitselect(v, a, isNew));
  }
}

/** Σ in FIRST_STATE, what rounding has taken from it in SECOND_STATE, by Neumaier; 0 once the sum is infinite. Every point has a value, which may be NaN. */
export function addToCompensated(points: i32): void {
  const infinity = f64x2.splat(Infinity);
  for (let at: usize = 0, end = (<usize>points) << 3; at < end; at += 16) {
    const v = v128.load(OUT + at);
    const sum = v128.load(FIRST_STATE + at);
    const next = f64x2.add(sum, v);
    const lost = f64x2.add(v128.load(SECOND_STATE + at), lostBy(sum, v, next));
    v128.store(FIRST_STATE + at, next);
    v128.store(SECOND_STATE + at, v128.andnot(lost, f64x2.eq(f64x2.abs(next), infinity)));
  }
}

/**
 * The same, and how many values in THIRD_STATE. A first value is the sum as it is. Stops before a pair of points with an infinite sum, whose mean goes
 * another way. Returns how many points are done.
 */
export function addToMeans(points: i32): i32 {
  const infinity = f64x2.splat(Infinity);
  const one = f64x2.splat(1);
  const zero = f64x2.splat(0);
  for (let at: usize = 0, end = (<usize>points) << 3; at < end; at += 16) {
    const v = v128.load(OUT + at);
    const sum = v128.load(FIRST_STATE + at);
    const count = v128.load(THIRD_STATE + at);
    const isFirst = f64x2.eq(count, zero);
    const next = v128.bitselect(v, f64x2.add(sum, v), isFirst);
    if (v128.any_true(f64x2.eq(f64x2.abs(next), infinity))) return <i32>(at >> 3);
    v128.store(FIRST_STATE + at, next);
    v128.store(SECOND_STATE + at, f64x2.add(v128.load(SECOND_STATE + at), v128.andnot(lostBy(sum, v, next), isFirst)));
    v128.store(THIRD_STATE + at, f64x2.add(count, one));
  }
  return points;
}

/** What rounding has taken from `next`, the sum of the two. */
function lostBy(a: v128, b: v128, next: v128): v128 {
  const isGreater = f64x2.ge(f64x2.abs(a), f64x2.abs(b));
  return f64x2.add(f64x2.sub(v128.bitselect(a, b, isGreater), next), v128.bitselect(b, a, isGreater));
}

/** True if no point of OUT is infinite or NaN. */
export function isFinite(points: i32): bool {
  let odd = i64x2.splat(0);
  const infinity = f64x2.splat(Infinity);
  const last = OUT + ((<usize>points) << 3);
  let p = OUT;
  for (; p + 8 < last; p += 16) odd = v128.or(odd, v128.not(f64x2.lt(f64x2.abs(v128.load(p)), infinity)));
  if (p < last && !(Math.abs(load<f64>(p)) < Infinity)) return false;
  return !v128.any_true(odd);
}
