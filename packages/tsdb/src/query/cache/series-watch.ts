/**
 * What values of a MetricsQL rollup depend on beside the samples of their windows, watched while they are computed, and asked again when they are to be used.
 *
 * MetricsQL looks at a series as a whole: how far back a sample is still the previous one, and how long a window is that nobody has written, follows from the distances of the last
 * 20 samples that were read; a series that has ended has no previous sample. So a value may change though no sample near it does. Of each series a profile says what was decided:
 *
 *   ──·────·──┤ window ]──▸     distance of point and sample:  < window: inside · < window + what previous may be: previous · more: neither
 *
 * Another window, or another reach, makes the same decisions as long as it lies between the largest distance that was taken in and the smallest that was not.
 */
import { chooseWindow, INTERVAL_DISTANCES, type RollupRun, scrapeInterval, type WindowRule } from "../rollup/run.ts";
import type { Sight } from "./functions.ts";

/** What is known of a series, and of others with the same times. */
interface Profile {
  /** The last times, enough to tell distances from, ascending. */
  readonly times: Float64Array;
  /** The first one that was ever read, Infinity if there was none; and of its last sample, whatever that is. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Largest distance inside a window, smallest outside. */
  readonly windowIn: number;
  readonly windowOut: number;
  /** Largest distance of a previous sample, smallest of one that was too old. */
  readonly reachIn: number;
  readonly reachOut: number;
  /** A sample after this would change values: they found the series ended, or had only its first sample to go by. */
  readonly endedMs: number;
}

export interface SeriesProfiles {
  readonly registryEpoch: number;
  readonly slots: readonly number[];
  /** Of each slot. */
  readonly profiles: readonly Profile[];
  /** Of series without a slot: they are not known again. */
  readonly slotless: readonly Profile[];
  /** By point the oldest sample that a value went back to though it was far. */
  readonly oldestUsedMs: Float64Array | null;
  /** What window and previous sample reached back together, at most. */
  readonly reachMs: number;
  readonly bytes: number;
}

export interface WatchSettings {
  readonly rule: WindowRule;
  readonly sight: Sight;
  readonly points: number;
  /** So many of them are settled: they are to be kept. */
  readonly settledPoints: number;
  readonly settledMs: number;
  /** An evaluation of all points reads from here on. */
  readonly minMs: number;
  /** How far that is before the first of them. */
  readonly backMs: number;
  /** What was kept of points before; null if these are all points. */
  readonly before: SeriesProfiles | null;
  /** Samples were read from here on, and how far that is before the first point. */
  readonly readFromMs: number;
  readonly readMs: number;
}

const NO_TIMES = new Float64Array(0);
/** A series that has had one sample for so long may stay that way. */
const BEGINNING_MS = 300_000;
const PROFILE_BYTES = 300;
const SLOT_BYTES = 16;

export class SeriesWatch {
  /** Values that were kept do not fit these, or these may change: compute all, keep nothing. */
  isBroken = false;
  /** Points from here on may change though they are settled: a series has just begun, and its second sample is awaited. */
  settledUntilMs: number = Number.POSITIVE_INFINITY;
  /** The series at hand has the times and the past of the one before. */
  isAlike = false;
  /** Its times before those that were read. */
  earlier: Float64Array = NO_TIMES;
  readonly #settings: WatchSettings;
  readonly #mayWiden: boolean;
  /** Slots and profiles of the series so far. */
  readonly #slots: number[] = [];
  readonly #profiles: Profile[] = [];
  /** Which of those that were known have come, and which would be next: they mostly come in the same order. */
  readonly #hasCome: Uint8Array;
  #expected = 0;
  #places: Map<number, number> | null = null;
  readonly #slotless: Profile[] = [];
  readonly #oldestUsedMs: Float64Array | null;
  #reachMs = 0;
  #slot = -1;
  #before: Profile | null = null;
  #last: Profile | null = null;

  constructor(settings: WatchSettings) {
    this.#settings = settings;
    this.#mayWiden = settings.rule.explicitWindowMs <= 0 && settings.rule.mayWiden;
    this.#oldestUsedMs =
      settings.sight === "history" ? new Float64Array(settings.settledPoints).fill(Number.POSITIVE_INFINITY) : null;
    this.#reachMs = settings.before?.reachMs ?? 0;
    this.#hasCome = new Uint8Array(settings.before?.slots.length ?? 0);
  }

  /** The next series, before it is placed. */
  begin(slot: number, isAlike: boolean): void {
    const { before } = this.#settings;
    const known = before === null ? null : this.#take(before, slot);
    // Without a number it may be any, and one that is new may be any of those that had none.
    if (before !== null && (slot < 0 || (known === null && before.slotless.length > 0))) this.isBroken = true;
    this.isAlike = isAlike && this.#last !== null && known === this.#before;
    if (!this.isAlike) this.earlier = known === null ? NO_TIMES : this.#timesOf(known, this.#settings.readFromMs);
    this.#slot = slot;
    this.#before = known;
  }

  /** The same series when its windows are found. `lastMs`: of its last sample, whatever that is. */
  look(run: RollupRun, lastMs: number): void {
    if (!this.isAlike || this.#last === null) this.#last = this.#profile(run, lastMs);
    if (this.#slot < 0) {
      this.#slotless.push(this.#last);
      return;
    }
    this.#slots.push(this.#slot);
    this.#profiles.push(this.#last);
  }

  /** When all series were seen: whether what was kept of the first points goes together with these. */
  fits(keptFrom: number, keptPoints: number): boolean {
    const { before, minMs } = this.#settings;
    if (this.isBroken || before === null) return !this.isBroken;
    const { oldestUsedMs } = before;
    if (oldestUsedMs !== null) {
      for (let i = keptFrom; i < keptFrom + keptPoints; i++) if ((oldestUsedMs[i] as number) < minMs) return false;
    }
    let last: Profile | null = null;
    const fits = (profile: Profile): boolean => {
      if (profile === last) return true;
      last = profile;
      return profile.lastMs < minMs || this.#isWithin(profile, this.#windowOf(profile));
    };
    const { profiles, slotless } = before;
    for (let i = 0; i < profiles.length; i++) if (this.#hasCome[i] === 0 && !fits(profiles[i] as Profile)) return false;
    return slotless.every(fits);
  }

  /** What is to be kept of all points. */
  finish(registryEpoch: number, keptFrom: number, keptPoints: number): SeriesProfiles {
    const { before, minMs } = this.#settings;
    const slots = [...this.#slots];
    const profiles = [...this.#profiles];
    before?.profiles.forEach((profile, i) => {
      if (profile.lastMs < minMs || this.#hasCome[i] === 1) return;
      slots.push(before.slots[i] as number);
      profiles.push(profile);
    });
    const distinct = new Set(profiles).size;
    const slotless = [...(before?.slotless ?? []), ...this.#slotless].filter(({ lastMs }) => lastMs >= minMs);
    let oldestUsedMs = this.#oldestUsedMs;
    if (oldestUsedMs !== null && before?.oldestUsedMs) {
      const joined = new Float64Array(keptPoints + oldestUsedMs.length);
      joined.set(before.oldestUsedMs.subarray(keptFrom, keptFrom + keptPoints));
      joined.set(oldestUsedMs, keptPoints);
      oldestUsedMs = joined;
    }
    const bytes =
      (distinct + slotless.length) * PROFILE_BYTES + slots.length * SLOT_BYTES + 8 * (oldestUsedMs?.length ?? 0);
    return { registryEpoch, slots, profiles, slotless, oldestUsedMs, reachMs: this.#reachMs, bytes };
  }

  /** What is known of a series; null if it is new. */
  #take({ slots, profiles }: SeriesProfiles, slot: number): Profile | null {
    let place: number | undefined = this.#expected;
    if (slots[place] !== slot) {
      this.#places ??= new Map(slots.map((other, i) => [other, i]));
      place = this.#places.get(slot);
      if (place === undefined) return null;
    }
    this.#expected = place + 1;
    this.#hasCome[place] = 1;
    return profiles[place] as Profile;
  }

  /** Those that an evaluation of all points reads, before `endMs`. */
  #timesOf({ times }: Profile, endMs: number): Float64Array {
    const { minMs } = this.#settings;
    let lo = 0;
    while (lo < times.length && (times[lo] as number) < minMs) lo++;
    let hi = times.length;
    while (hi > lo && (times[hi - 1] as number) >= endMs) hi--;
    return times.subarray(lo, hi);
  }

  /** Where only the last times are known, and all of them were read: there may be one as late as this before them. */
  #latestUnknownMs(profile: Profile | null): number {
    const { readFromMs } = this.#settings;
    return profile !== null && profile.firstMs < readFromMs ? readFromMs : Number.NEGATIVE_INFINITY;
  }

  #windowOf(profile: Profile): { windowMs: number; maxPrevMs: number } {
    const { rule } = this.#settings;
    return chooseWindow(
      rule,
      scrapeInterval(NO_TIMES, 0, this.#timesOf(profile, Number.POSITIVE_INFINITY), rule.stepMs),
    );
  }

  #isWithin(profile: Profile, { windowMs, maxPrevMs }: { windowMs: number; maxPrevMs: number }): boolean {
    const reachMs = windowMs + maxPrevMs;
    return (
      profile.windowIn < windowMs &&
      windowMs <= profile.windowOut &&
      profile.reachIn < reachMs &&
      reachMs <= profile.reachOut
    );
  }

  #profile(run: RollupRun, lastMs: number): Profile {
    const { settledPoints, settledMs, points, sight, backMs, before, readMs } = this.#settings;
    const { windowMs, maxPrevMs, timestamps, firsts, ends, hi, startMs, stepMs } = run;
    const known = this.#before;
    const { earlier } = this;
    const wantsPrevious = sight !== "window";
    const reachMs = windowMs + (wantsPrevious ? maxPrevMs : 0);
    if (reachMs > this.#reachMs) this.#reachMs = reachMs;
    let { windowIn, windowOut, reachIn, reachOut, endedMs } = known ?? NOTHING_DECIDED;
    if (known !== null && !this.#isWithin(known, run)) this.isBroken = true;
    if (known !== null && hi > 0 && (timestamps[hi - 1] as number) > known.endedMs) this.isBroken = true;
    // All points would have seen more.
    if (before !== null && reachMs > readMs) this.isBroken = true;
    const earlierMs = earlier.length > 0 ? (earlier[earlier.length - 1] as number) : this.#latestUnknownMs(known);
    const ownFirstMs = hi > 0 ? (timestamps[0] as number) : Number.POSITIVE_INFINITY;
    for (let k = 0; k < points; k++) {
      const first = firsts[k] as number;
      const end = ends[k] as number;
      const timeMs = startMs + k * stepMs;
      const beforeMs = first > 0 ? (timestamps[first - 1] as number) : earlierMs;
      if (k < settledPoints) {
        if (this.#mayWiden) {
          if (first < end) windowIn = Math.max(windowIn, timeMs - (timestamps[first] as number));
          windowOut = Math.min(windowOut, timeMs - beforeMs);
        }
        if (wantsPrevious) {
          const distanceMs = timeMs - beforeMs;
          if (distanceMs >= reachMs) reachOut = Math.min(reachOut, distanceMs);
          else if (first === hi) endedMs = Math.min(endedMs, beforeMs);
          else reachIn = Math.max(reachIn, distanceMs);
        }
      }
      if (sight !== "history" || first === end || run.previous(k) >= 0) continue;
      if (first === 0 && earlierMs > Number.NEGATIVE_INFINITY) this.isBroken = true;
      if (k >= settledPoints) continue;
      const used = this.#oldestUsedMs as Float64Array;
      if (first > 0) used[k] = Math.min(used[k] as number, beforeMs);
      else if (end === 1 && (hi === 1 || (timestamps[1] as number) > settledMs)) {
        if (settledMs - ownFirstMs < BEGINNING_MS) this.settledUntilMs = Math.min(this.settledUntilMs, ownFirstMs);
        else endedMs = Math.min(endedMs, ownFirstMs);
      }
    }
    // Another range, which begins later, would not find what was found.
    if (windowIn > backMs || reachIn > backMs) this.isBroken = true;
    return {
      times: lastTimes(earlier, timestamps.subarray(0, hi)),
      firstMs: Math.min(known?.firstMs ?? Number.POSITIVE_INFINITY, ownFirstMs),
      lastMs,
      windowIn,
      windowOut,
      reachIn,
      reachOut,
      endedMs,
    };
  }
}

const NOTHING_DECIDED = {
  windowIn: Number.NEGATIVE_INFINITY,
  windowOut: Number.POSITIVE_INFINITY,
  reachIn: Number.NEGATIVE_INFINITY,
  reachOut: Number.POSITIVE_INFINITY,
  endedMs: Number.POSITIVE_INFINITY,
};

/** The last of both, as many as tell a scrape interval. */
function lastTimes(earlier: Float64Array, timestamps: Float64Array): Float64Array {
  const wanted = INTERVAL_DISTANCES + 1;
  if (timestamps.length >= wanted) return timestamps.slice(-wanted);
  const taken = Math.min(earlier.length, wanted - timestamps.length);
  const times = new Float64Array(taken + timestamps.length);
  times.set(earlier.subarray(earlier.length - taken));
  times.set(timestamps, taken);
  return times;
}
