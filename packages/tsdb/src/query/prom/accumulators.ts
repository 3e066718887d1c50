/**
 * Aggregates that fold values: each series' column is added to the state of its group and forgotten, so a group takes a column or four
 * however many series it has. One entry of the table in aggregates.ts a class.
 *
 * Values are added in the order in which series come, point by point with the very operations Prometheus uses, since rounding shows.
 * NaN is a value; where a series has none, its mask says so. Columns without a mask are added by the `rollup` kernel, which does the same.
 */
import { addToGroup, addToMeans, type GroupState, takeBack } from "../../kernel/rollup.ts";
import { mergeMoments } from "../aggregate/accumulators.ts";
import type { Presence } from "./presence.ts";

/** The state of one group. */
export interface Accumulator {
  /** Reads one series' column, as long as the grid; null: it has a value everywhere. */
  add(values: Float64Array, present: Presence): void;
  /** Ends it, and gives the result's column away. What stands where no series had a value may be anything. */
  finish(): Float64Array;
  /** Ends it as well: the state, as many columns for every group of a kind. */
  state(): readonly Float64Array[];
  /** Adds the state of another of its kind, whose series come behind its own. */
  merge(state: readonly Float64Array[]): void;
}

/** Σv by Neumaier: `sums` is what plain addition gives, `lost` what it has lost. See kahan.ts. */
export class SumAccumulator implements Accumulator {
  readonly #sums: Float64Array;
  readonly #lost: Float64Array;
  readonly #group: GroupState;

  constructor(points: number) {
    this.#sums = new Float64Array(points);
    this.#lost = new Float64Array(points);
    this.#group = { first: this.#sums, second: this.#lost, third: null };
  }

  add(values: Float64Array, present: Presence): void {
    if (present === null && addToGroup("compensated", this.#group, values)) return;
    takeBack(this.#group);
    const sums = this.#sums;
    const lost = this.#lost;
    for (let k = 0; k < sums.length; k++) {
      if (present !== null && present[k] === 0) continue;
      const value = values[k];
      const sum = sums[k];
      const next = sum + value;
      if (next === Infinity || next === -Infinity) lost[k] = 0;
      else if (Math.abs(sum) >= Math.abs(value)) lost[k] += sum - next + value;
      else lost[k] += value - next + sum;
      sums[k] = next;
    }
  }

  finish(): Float64Array {
    takeBack(this.#group);
    const sums = this.#sums;
    for (let k = 0; k < sums.length; k++) sums[k] += this.#lost[k];
    return sums;
  }

  state(): readonly Float64Array[] {
    takeBack(this.#group);
    return [this.#sums, this.#lost];
  }

  /** The other sum is one more value, and what it has lost is lost here, too. */
  merge([otherSums, otherLost]: readonly Float64Array[]): void {
    takeBack(this.#group);
    const sums = this.#sums;
    const lost = this.#lost;
    for (let k = 0; k < sums.length; k++) {
      const next = sums[k] + otherSums[k];
      if (next === Infinity || next === -Infinity) lost[k] = 0;
      else lost[k] += otherLost[k] + lostBy(sums[k], otherSums[k], next);
      sums[k] = next;
    }
  }
}

/** The mean: Σv / count, and from the value on that makes the sum infinite a mean that moves towards each value by its share. */
export class MeanAccumulator implements Accumulator {
  /** Sums, or means where they move. */
  readonly #bases: Float64Array;
  readonly #lost: Float64Array;
  readonly #counts: Float64Array;
  readonly #isMoving: Uint8Array;
  /** At some point. */
  #moves = false;
  readonly #group: GroupState;

  constructor(points: number) {
    this.#bases = new Float64Array(points);
    this.#lost = new Float64Array(points);
    this.#counts = new Float64Array(points);
    this.#isMoving = new Uint8Array(points);
    this.#group = { first: this.#bases, second: this.#lost, third: this.#counts };
  }

  add(values: Float64Array, present: Presence): void {
    const done = present === null && !this.#moves ? addToMeans(this.#group, values) : 0;
    if (done >= values.length) return;
    takeBack(this.#group);
    const bases = this.#bases;
    const lost = this.#lost;
    const counts = this.#counts;
    const isMoving = this.#isMoving;
    for (let k = done; k < bases.length; k++) {
      if (present !== null && present[k] === 0) continue;
      const value = values[k];
      const count = ++counts[k];
      if (count === 1) {
        bases[k] = value;
        continue;
      }
      let base = bases[k];
      let added = value;
      let next = base + value;
      if (isMoving[k] === 1 || next === Infinity || next === -Infinity) {
        if (isMoving[k] === 0) {
          isMoving[k] = 1;
          this.#moves = true;
          base /= count - 1;
          lost[k] /= count - 1;
        }
        const weight = (count - 1) / count;
        base *= weight;
        lost[k] *= weight;
        added = value / count;
        next = base + added;
      }
      if (next === Infinity || next === -Infinity) lost[k] = 0;
      else if (Math.abs(base) >= Math.abs(added)) lost[k] += base - next + added;
      else lost[k] += added - next + base;
      bases[k] = next;
    }
  }

  finish(): Float64Array {
    takeBack(this.#group);
    const bases = this.#bases;
    const lost = this.#lost;
    const counts = this.#counts;
    for (let k = 0; k < bases.length; k++) {
      bases[k] = this.#isMoving[k] === 1 ? bases[k] + lost[k] : bases[k] / counts[k] + lost[k] / counts[k];
    }
    return bases;
  }

  state(): readonly Float64Array[] {
    takeBack(this.#group);
    return [this.#bases, this.#lost, this.#counts, Float64Array.from(this.#isMoving)];
  }

  /** Sums while they are finite, then means by the number of their values. */
  merge([otherBases, otherLost, otherCounts, areMoving]: readonly Float64Array[]): void {
    takeBack(this.#group);
    const bases = this.#bases;
    const lost = this.#lost;
    const counts = this.#counts;
    const isMoving = this.#isMoving;
    for (let k = 0; k < bases.length; k++) {
      const own = counts[k];
      const others = otherCounts[k];
      if (others === 0) continue;
      const count = own + others;
      counts[k] = count;
      if (own === 0) {
        bases[k] = otherBases[k];
        lost[k] = otherLost[k];
        isMoving[k] = areMoving[k];
        if (isMoving[k] === 1) this.#moves = true;
        continue;
      }
      let base = bases[k];
      let added = otherBases[k];
      let addedLost = otherLost[k];
      let next = base + added;
      if (isMoving[k] === 1 || areMoving[k] === 1 || next === Infinity || next === -Infinity) {
        const share = (isMoving[k] === 1 ? own : 1) / count;
        const otherShare = (areMoving[k] === 1 ? others : 1) / count;
        isMoving[k] = 1;
        this.#moves = true;
        base *= share;
        lost[k] *= share;
        added *= otherShare;
        addedLost *= otherShare;
        next = base + added;
      }
      if (next === Infinity || next === -Infinity) lost[k] = 0;
      else lost[k] += addedLost + lostBy(base, added, next);
      bases[k] = next;
    }
  }
}

/** How many series have a value, NaN included. */
export class CountAccumulator implements Accumulator {
  readonly #counts: Float64Array;

  constructor(points: number) {
    this.#counts = new Float64Array(points);
  }

  add(_values: Float64Array, present: Presence): void {
    const counts = this.#counts;
    if (present === null) for (let k = 0; k < counts.length; k++) counts[k]++;
    else for (let k = 0; k < counts.length; k++) counts[k] += present[k];
  }

  finish(): Float64Array {
    return this.#counts;
  }

  state(): readonly Float64Array[] {
    return [this.#counts];
  }

  merge([counts]: readonly Float64Array[]): void {
    for (let k = 0; k < counts.length; k++) this.#counts[k] += counts[k];
  }
}

/** 1. Where it has a value is all there is to know of a group. */
export class GroupAccumulator implements Accumulator {
  readonly #points: number;

  constructor(points: number) {
    this.#points = points;
  }

  add(): void {}

  finish(): Float64Array {
    return new Float64Array(this.#points).fill(1);
  }

  state(): readonly Float64Array[] {
    return [];
  }

  merge(): void {}
}

/** The greatest value of each point; NaN gives way to anything. */
export class MaxAccumulator implements Accumulator {
  readonly #greatest: Float64Array;
  readonly #group: GroupState;

  constructor(points: number) {
    this.#greatest = new Float64Array(points).fill(Number.NaN);
    this.#group = { first: this.#greatest, second: null, third: null };
  }

  add(values: Float64Array, present: Presence): void {
    if (present === null && addToGroup("most", this.#group, values)) return;
    takeBack(this.#group);
    const greatest = this.#greatest;
    for (let k = 0; k < greatest.length; k++) {
      if (present !== null && present[k] === 0) continue;
      const value = values[k];
      const best = greatest[k];
      if (best !== best || value > best) greatest[k] = value;
    }
  }

  finish(): Float64Array {
    takeBack(this.#group);
    return this.#greatest;
  }

  state(): readonly Float64Array[] {
    return [this.finish()];
  }

  /** NaN where there was none gives way as a NaN that was there does. */
  merge([greatest]: readonly Float64Array[]): void {
    this.add(greatest, null);
  }
}

/** The least value of each point; NaN gives way to anything. */
export class MinAccumulator implements Accumulator {
  readonly #least: Float64Array;
  readonly #group: GroupState;

  constructor(points: number) {
    this.#least = new Float64Array(points).fill(Number.NaN);
    this.#group = { first: this.#least, second: null, third: null };
  }

  add(values: Float64Array, present: Presence): void {
    if (present === null && addToGroup("least", this.#group, values)) return;
    takeBack(this.#group);
    const least = this.#least;
    for (let k = 0; k < least.length; k++) {
      if (present !== null && present[k] === 0) continue;
      const value = values[k];
      const best = least[k];
      if (best !== best || value < best) least[k] = value;
    }
  }

  finish(): Float64Array {
    takeBack(this.#group);
    return this.#least;
  }

  state(): readonly Float64Array[] {
    return [this.finish()];
  }

  /** NaN where there was none gives way as a NaN that was there does. */
  merge([least]: readonly Float64Array[]): void {
    this.add(least, null);
  }
}

/** Population variance by Welford: the mean so far, and the squared distances from it. An infinity makes both NaN, a lone one too. */
export class VarianceAccumulator implements Accumulator {
  readonly #counts: Float64Array;
  readonly #means: Float64Array;
  readonly #squares: Float64Array;

  constructor(points: number) {
    this.#counts = new Float64Array(points);
    this.#means = new Float64Array(points);
    this.#squares = new Float64Array(points);
  }

  add(values: Float64Array, present: Presence): void {
    const counts = this.#counts;
    const means = this.#means;
    const squares = this.#squares;
    for (let k = 0; k < counts.length; k++) {
      if (present !== null && present[k] === 0) continue;
      const value = values[k];
      const count = ++counts[k];
      const delta = count === 1 ? value - value : value - means[k];
      means[k] = count === 1 ? value : means[k] + delta / count;
      squares[k] += delta * (value - means[k]);
    }
  }

  finish(): Float64Array {
    const squares = this.#squares;
    for (let k = 0; k < squares.length; k++) squares[k] /= this.#counts[k];
    return squares;
  }

  state(): readonly Float64Array[] {
    return [this.#counts, this.#means, this.#squares];
  }

  merge(state: readonly Float64Array[]): void {
    mergeMoments([this.#counts, this.#means, this.#squares], state);
  }
}

/** Its root. */
export class DeviationAccumulator extends VarianceAccumulator {
  override finish(): Float64Array {
    const column = super.finish();
    for (let k = 0; k < column.length; k++) column[k] = Math.sqrt(column[k]);
    return column;
  }
}

/** What rounding has taken from `next`, the finite sum of the two. */
function lostBy(a: number, b: number, next: number): number {
  return Math.abs(a) >= Math.abs(b) ? a - next + b : b - next + a;
}
