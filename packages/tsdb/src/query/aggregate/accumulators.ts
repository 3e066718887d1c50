/**
 * Aggregates that need one column (or three) a group however many series it has: each series' column is added and forgotten.
 * Points without a value (NaN) do not count; a point no series had stays without a value.
 */

import { addToGroup, type GroupState, takeBack } from "../../kernel/rollup.ts";

/** One group's running state. `finish` ends it and gives the result's column away. */
export interface Accumulator {
  /** Reads `values`, whose length is the grid's. */
  add(values: Float64Array): void;
  finish(): Float64Array;
  /** Ends it as well: the state, as many columns for every group of a kind. */
  state(): readonly Float64Array[];
  /** Adds the state of another of its kind, whose series come behind its own. What order decides about is decided as if all had come one by one. */
  merge(state: readonly Float64Array[]): void;
}

/** Σv. Plain addition, in order of arrival. */
export class SumAccumulator implements Accumulator {
  protected readonly sums: Float64Array;
  protected readonly counts: Float64Array;
  protected readonly group: GroupState;

  constructor(points: number) {
    this.sums = new Float64Array(points);
    this.counts = new Float64Array(points);
    this.group = { first: this.sums, second: this.counts, third: null };
  }

  add(values: Float64Array): void {
    if (addToGroup("sums", this.group, values)) return;
    const { sums, counts } = this;
    for (let k = 0; k < sums.length; k++) {
      const v = values[k] as number;
      if (v === v) {
        sums[k] = (sums[k] as number) + v;
        counts[k] = (counts[k] as number) + 1;
      }
    }
  }

  finish(): Float64Array {
    takeBack(this.group);
    const { sums, counts } = this;
    for (let k = 0; k < sums.length; k++) if (counts[k] === 0) sums[k] = Number.NaN;
    return sums;
  }

  state(): readonly Float64Array[] {
    takeBack(this.group);
    return [this.sums, this.counts];
  }

  merge([sums, counts]: readonly Float64Array[]): void {
    takeBack(this.group);
    addColumn(this.sums, sums as Float64Array);
    addColumn(this.counts, counts as Float64Array);
  }
}

/** Σv / count: infinite when the sum overflows, as in VictoriaMetrics. */
export class AverageAccumulator extends SumAccumulator {
  override finish(): Float64Array {
    takeBack(this.group);
    const { sums, counts } = this;
    for (let k = 0; k < sums.length; k++) sums[k] = (sums[k] as number) / (counts[k] as number);
    return sums;
  }
}

/** Σv² */
export class SquaresAccumulator extends SumAccumulator {
  override add(values: Float64Array): void {
    const { sums, counts } = this;
    for (let k = 0; k < sums.length; k++) {
      const v = values[k] as number;
      if (v === v) {
        sums[k] = (sums[k] as number) + v * v;
        counts[k] = (counts[k] as number) + 1;
      }
    }
  }
}

/** (Πv)^(1/count) */
export class GeometricMeanAccumulator extends SumAccumulator {
  constructor(points: number) {
    super(points);
    this.sums.fill(1);
  }

  override add(values: Float64Array): void {
    const { sums, counts } = this;
    for (let k = 0; k < sums.length; k++) {
      const v = values[k] as number;
      if (v === v) {
        sums[k] = (sums[k] as number) * v;
        counts[k] = (counts[k] as number) + 1;
      }
    }
  }

  override finish(): Float64Array {
    const { sums, counts } = this;
    for (let k = 0; k < sums.length; k++) {
      const count = counts[k] as number;
      sums[k] = count === 0 ? Number.NaN : (sums[k] as number) ** (1 / count);
    }
    return sums;
  }

  override merge([products, counts]: readonly Float64Array[]): void {
    const own = this.sums;
    for (let k = 0; k < own.length; k++) own[k] = (own[k] as number) * ((products as Float64Array)[k] as number);
    addColumn(this.counts, counts as Float64Array);
  }
}

export class MinAccumulator implements Accumulator {
  readonly #least: Float64Array;
  readonly #group: GroupState;

  constructor(points: number) {
    this.#least = new Float64Array(points).fill(Number.NaN);
    this.#group = { first: this.#least, second: null, third: null };
  }

  add(values: Float64Array): void {
    if (addToGroup("least", this.#group, values)) return;
    const least = this.#least;
    for (let k = 0; k < least.length; k++) {
      const v = values[k] as number;
      const a = least[k] as number;
      if (v < a || a !== a) least[k] = v;
    }
  }

  finish(): Float64Array {
    takeBack(this.#group);
    return this.#least;
  }

  state(): readonly Float64Array[] {
    return [this.finish()];
  }

  merge([least]: readonly Float64Array[]): void {
    this.add(least as Float64Array);
  }
}

export class MaxAccumulator implements Accumulator {
  readonly #most: Float64Array;
  readonly #group: GroupState;

  constructor(points: number) {
    this.#most = new Float64Array(points).fill(Number.NaN);
    this.#group = { first: this.#most, second: null, third: null };
  }

  add(values: Float64Array): void {
    if (addToGroup("most", this.#group, values)) return;
    const most = this.#most;
    for (let k = 0; k < most.length; k++) {
      const v = values[k] as number;
      const a = most[k] as number;
      if (v > a || a !== a) most[k] = v;
    }
  }

  finish(): Float64Array {
    takeBack(this.#group);
    return this.#most;
  }

  state(): readonly Float64Array[] {
    return [this.finish()];
  }

  merge([most]: readonly Float64Array[]): void {
    this.add(most as Float64Array);
  }
}

/** How many series have a value. */
export class CountAccumulator implements Accumulator {
  protected readonly counts: Float64Array;
  protected readonly group: GroupState;

  constructor(points: number) {
    this.counts = new Float64Array(points);
    this.group = { first: this.counts, second: null, third: null };
  }

  add(values: Float64Array): void {
    if (addToGroup("counts", this.group, values)) return;
    const { counts } = this;
    for (let k = 0; k < counts.length; k++) {
      const v = values[k] as number;
      if (v === v) counts[k] = (counts[k] as number) + 1;
    }
  }

  finish(): Float64Array {
    takeBack(this.group);
    const { counts } = this;
    for (let k = 0; k < counts.length; k++) if (counts[k] === 0) counts[k] = Number.NaN;
    return counts;
  }

  state(): readonly Float64Array[] {
    takeBack(this.group);
    return [this.counts];
  }

  merge([counts]: readonly Float64Array[]): void {
    takeBack(this.group);
    addColumn(this.counts, counts as Float64Array);
  }
}

/** 1 where a series has a value. */
export class PresenceAccumulator extends CountAccumulator {
  override finish(): Float64Array {
    takeBack(this.group);
    const { counts } = this;
    for (let k = 0; k < counts.length; k++) counts[k] = (counts[k] as number) > 0 ? 1 : Number.NaN;
    return counts;
  }
}

/** Population variance by Welford's method: count, mean and Σ of squared deviations a point. */
export class VarianceAccumulator implements Accumulator {
  readonly #counts: Float64Array;
  readonly #means: Float64Array;
  readonly #deviations: Float64Array;

  constructor(points: number) {
    this.#counts = new Float64Array(points);
    this.#means = new Float64Array(points);
    this.#deviations = new Float64Array(points);
  }

  add(values: Float64Array): void {
    const counts = this.#counts;
    const means = this.#means;
    const deviations = this.#deviations;
    for (let k = 0; k < counts.length; k++) {
      const v = values[k] as number;
      if (v !== v) continue;
      const count = (counts[k] as number) + 1;
      const before = means[k] as number;
      const mean = before + (v - before) / count;
      deviations[k] = (deviations[k] as number) + (v - before) * (v - mean);
      means[k] = mean;
      counts[k] = count;
    }
  }

  finish(): Float64Array {
    const deviations = this.#deviations;
    for (let k = 0; k < deviations.length; k++) {
      const count = this.#counts[k] as number;
      // One series does not deviate, not even from infinity.
      deviations[k] = count === 1 ? 0 : (deviations[k] as number) / count;
    }
    return deviations;
  }

  state(): readonly Float64Array[] {
    return [this.#counts, this.#means, this.#deviations];
  }

  merge(state: readonly Float64Array[]): void {
    mergeMoments([this.#counts, this.#means, this.#deviations], state);
  }
}

export class DeviationAccumulator extends VarianceAccumulator {
  override finish(): Float64Array {
    const column = super.finish();
    for (let k = 0; k < column.length; k++) column[k] = Math.sqrt(column[k] as number);
    return column;
  }
}

function addColumn(target: Float64Array, column: Float64Array): void {
  for (let k = 0; k < target.length; k++) target[k] = (target[k] as number) + (column[k] as number);
}

/** Counts, means and squared distances from the means, of two sets of values as of one: Chan's formula. */
export function mergeMoments(target: readonly Float64Array[], state: readonly Float64Array[]): void {
  const [counts, means, squares] = target as [Float64Array, Float64Array, Float64Array];
  const [otherCounts, otherMeans, otherSquares] = state as [Float64Array, Float64Array, Float64Array];
  for (let k = 0; k < counts.length; k++) {
    const own = counts[k] as number;
    const others = otherCounts[k] as number;
    if (others === 0) continue;
    const count = own + others;
    // Of none the mean is nothing.
    const apart = own === 0 ? 0 : (otherMeans[k] as number) - (means[k] as number);
    means[k] = own === 0 ? (otherMeans[k] as number) : (means[k] as number) + (apart * others) / count;
    squares[k] = (squares[k] as number) + (otherSquares[k] as number) + (apart * apart * own * others) / count;
    counts[k] = count;
  }
}
