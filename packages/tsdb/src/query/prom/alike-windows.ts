/**
 * The windows of all points over one series' samples, found once for all series with the same times: targets are scraped whole, so
 * neighbours mostly have them.
 *
 *   samples     ·   ·  ·    ·   ·   ·  ·
 *                  (t - range         t]        firsts[k] is the first index inside, ends[k] the one after the last
 *
 * For quick.ts, which hands them to the `rollup` kernel.
 */
import { areSpans, areWindows, putWindows, spans, takeSpans } from "../../kernel/rollup.ts";
import { firstAfter } from "../columns.ts";
import type { Presence } from "./presence.ts";
import type { Sight } from "./selectors.ts";

/** Samples in all windows together, beyond which the kernel would hold up everybody else for more than a few milliseconds. */
const WORK_MAX = 1 << 22;

export class AlikeWindows {
  readonly points: number;
  readonly rangeMs: number;
  readonly firsts: Int32Array;
  readonly ends: Int32Array;
  readonly #sight: Sight;
  #timestamps: Float64Array = new Float64Array(0);
  #lo = 0;
  #work = 0;
  #windowsTicket = 0;
  #spansTicket = 0;
  /** Points with so many samples: where a value is. */
  #mask: Uint8Array;
  #count = 0;
  #samplesMin = 0;

  constructor(sight: Sight, rangeMs: number, points: number) {
    this.points = points;
    this.rangeMs = rangeMs;
    this.firsts = new Int32Array(points);
    this.ends = new Int32Array(points);
    this.#sight = sight;
    this.#mask = new Uint8Array(points);
  }

  /** Finds the windows over samples `[lo, hi)`; their indexes count from `lo`. The times must stay as long as series have them. */
  place(timestamps: Float64Array, lo: number, hi: number): void {
    const { firsts, ends, rangeMs, points } = this;
    const { startMs, stepMs } = this.#sight;
    this.#timestamps = timestamps;
    this.#lo = lo;
    this.#windowsTicket = 0;
    this.#spansTicket = 0;
    this.#samplesMin = 0;
    let work = 0;
    let first = lo;
    let end = lo;
    for (let k = 0; k < points; k++) {
      const endMs = startMs + k * stepMs;
      end = firstAfter(timestamps, end, hi, endMs);
      first = firstAfter(timestamps, first, end, endMs - rangeMs);
      firsts[k] = first - lo;
      ends[k] = end - lo;
      work += end - first;
    }
    this.#work = work;
  }

  /** True if the windows are so long as `rangeMs` says, to the last bit: fractions of milliseconds would round. */
  hasWholeTimes(): boolean {
    const { startMs, stepMs } = this.#sight;
    return Number.isInteger(startMs) && Number.isInteger(stepMs) && Number.isInteger(this.rangeMs);
  }

  /** True if looking at every sample of every window takes no longer than may be. */
  isShort(): boolean {
    return this.#work <= WORK_MAX;
  }

  /** Sees to it that the kernel has the windows. False if they do not fit. */
  areOnDesk(): boolean {
    if (!areWindows(this.#windowsTicket)) this.#windowsTicket = putWindows(this.firsts, this.ends);
    return this.#windowsTicket !== 0;
  }

  /** Sees to it that the kernel has each window's first and last sample, and how far they are from its ends. False if they do not fit. */
  areSpansOnDesk(): boolean {
    if (areSpans(this.#spansTicket)) return true;
    this.#spansTicket = takeSpans(this.points);
    if (this.#spansTicket === 0) return false;
    this.#writeSpans();
    return true;
  }

  /** Where at least so many samples are. Shared until the next `place`: read only. */
  presence(samplesMin: number): { readonly mask: Presence; readonly count: number } {
    if (this.#samplesMin !== samplesMin) {
      const mask = new Uint8Array(this.points);
      let count = 0;
      for (let k = 0; k < mask.length; k++) {
        if ((this.ends[k] as number) - (this.firsts[k] as number) < samplesMin) continue;
        mask[k] = 1;
        count++;
      }
      this.#mask = mask;
      this.#count = count;
      this.#samplesMin = samplesMin;
    }
    return { mask: this.#count === this.points ? null : this.#mask, count: this.#count };
  }

  /** The same rule as `extrapolate` in rates.ts, of which only the values' part is left to the kernel. */
  #writeSpans(): void {
    const { firsts, ends, points, rangeMs } = this;
    const { startMs, stepMs } = this.#sight;
    const { lasts, bases, seconds, befores, afters, zero } = spans;
    const timestamps = this.#timestamps;
    const lo = this.#lo;
    for (let k = 0; k < points; k++) {
      const first = firsts[k] as number;
      const last = (ends[k] as number) - 1;
      if (last <= first) {
        lasts[k] = zero;
        bases[k] = zero;
        seconds[k] = 1;
        befores[k] = 0;
        afters[k] = 0;
        continue;
      }
      const firstMs = timestamps[lo + first] as number;
      const lastMs = timestamps[lo + last] as number;
      const endMs = startMs + k * stepMs;
      const sampledSeconds = (lastMs - firstMs) / 1000;
      const averageSeconds = sampledSeconds / (last - first);
      const thresholdSeconds = averageSeconds * 1.1;
      const beforeSeconds = (firstMs - (endMs - rangeMs)) / 1000;
      const afterSeconds = (endMs - lastMs) / 1000;
      lasts[k] = last;
      bases[k] = first;
      seconds[k] = sampledSeconds;
      befores[k] = beforeSeconds >= thresholdSeconds ? averageSeconds / 2 : beforeSeconds;
      afters[k] = afterSeconds >= thresholdSeconds ? averageSeconds / 2 : afterSeconds;
    }
  }
}
