/**
 * Sorting of many items by a number each, in time that grows with their count and no faster: counting sort by eleven bits at a time, lowest first. It lets
 * the event loop run, which a sort of a million in one go would hold for a tenth of a second.
 */
import type { Pace } from "./filter-search.ts";

const DIGIT_BITS = 11;
const DIGITS: number = 1 << DIGIT_BITS;
/** Items between two looks at the pace. */
const UNPACED: number = 1 << 15;

/**
 * `items` by ascending `numbers[item]`, none of which is above `most`; those whose numbers are equal stay in order. The result is `items` itself or `spare`,
 * as long; what is in the other one afterwards is nobody's.
 */
export async function sortByNumber(
  items: Uint32Array,
  numbers: Uint32Array,
  most: number,
  pace: Pace,
  spare: Uint32Array = new Uint32Array(items.length),
): Promise<Uint32Array> {
  let source = items;
  let target = spare;
  for (let shift = 0; shift < 32 && most >>> shift > 0; shift += DIGIT_BITS) {
    const places = new Uint32Array(DIGITS);
    for (let lo = 0; lo < source.length; lo += UNPACED) {
      countDigits(source, lo, Math.min(source.length, lo + UNPACED), numbers, shift, places);
      if (pace.isDue) await pace.pause();
    }
    let place = 0;
    for (let digit = 0; digit < DIGITS; digit++) {
      const count = places[digit] as number;
      places[digit] = place;
      place += count;
    }
    for (let lo = 0; lo < source.length; lo += UNPACED) {
      distribute(source, lo, Math.min(source.length, lo + UNPACED), numbers, shift, places, target);
      if (pace.isDue) await pace.pause();
    }
    [source, target] = [target, source];
  }
  return source;
}

function countDigits(
  items: Uint32Array,
  lo: number,
  hi: number,
  numbers: Uint32Array,
  shift: number,
  counts: Uint32Array,
): void {
  for (let i = lo; i < hi; i++) counts[((numbers[items[i] as number] as number) >>> shift) & (DIGITS - 1)]++;
}

function distribute(
  items: Uint32Array,
  lo: number,
  hi: number,
  numbers: Uint32Array,
  shift: number,
  places: Uint32Array,
  target: Uint32Array,
): void {
  for (let i = lo; i < hi; i++) {
    const item = items[i] as number;
    target[places[((numbers[item] as number) >>> shift) & (DIGITS - 1)]++] = item;
  }
}
