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
}

/** Σv. Plain addition, in order of arrival. */
export class SumAccumulator implements Accumulator {
  protected readonly sums: Float64Array;
  protected readonly counts: Float64Array;
  protected readonly state: GroupState;

  constructor(points: number) {
    this.sums = new Float64Array(points);
    this.counts = new Float64Array(points);
    this.state = { first: this.sums, second: this.counts };
  }

  add(values: Float64Array): void {
    if (addToGroup("sums", this.state, values)) return;
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
    takeBack(this.state);
    const { sums, counts } = this;
    for (let k = 0; k < sums.length; k++) if (counts[k] === 0) sums[k] = Number.NaN;
    return sums;
  }
}

/** Σv / count: infinite when the sum overflows, as in VictoriaMetrics. */
export class AverageAccumulator extends SumAccumulator {
  override finish(): Float64Array {
    takeBack(this.state);
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
}

export class MinAccumulator implements Accumulator {
  readonly #least: Float64Array;
  readonly #state: GroupState;

  constructor(points: number) {
    this.#least = new Float64Array(points).fill(Number.NaN);
    this.#state = { first: this.#least, second: null };
  }

  add(values: Float64Array): void {
    if (addToGroup("least", this.#state, values)) return;
    const least = this.#least;
    for (let k = 0; k < least.length; k++) {
      const v = values[k] as number;
      const a = least[k] as number;
      if (v < a || a !== a) least[k] = v;
    }
  }

  finish(): Float64Array {
    takeBack(this.#state);
    return this.#least;
  }
}

export class MaxAccumulator implements Accumulator {
  readonly #most: Float64Array;
  readonly #state: GroupState;

  constructor(points: number) {
    this.#most = new Float64Array(points).fill(Number.NaN);
    this.#state = { first: this.#most, second: null };
  }

  add(values: Float64Array): void {
    if (addToGroup("most", this.#state, values)) return;
    const most = this.#most;
    for (let k = 0; k < most.length; k++) {
      const v = values[k] as number;
      const a = most[k] as number;
      if (v > a || a !== a) most[k] = v;
    }
  }

  finish(): Float64Array {
    takeBack(this.#state);
    return this.#most;
  }
}

/** How many series have a value. */
export class CountAccumulator implements Accumulator {
  protected readonly counts: Float64Array;
  protected readonly state: GroupState;

  constructor(points: number) {
    this.counts = new Float64Array(points);
    this.state = { first: this.counts, second: null };
  }

  add(values: Float64Array): void {
    if (addToGroup("counts", this.state, values)) return;
    const { counts } = this;
    for (let k = 0; k < counts.length; k++) {
      const v = values[k] as number;
      if (v === v) counts[k] = (counts[k] as number) + 1;
    }
  }

  finish(): Float64Array {
    takeBack(this.state);
    const { counts } = this;
    for (let k = 0; k < counts.length; k++) if (counts[k] === 0) counts[k] = Number.NaN;
    return counts;
  }
}

/** 1 where a series has a value. */
export class PresenceAccumulator extends CountAccumulator {
  override finish(): Float64Array {
    takeBack(this.state);
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
}

export class DeviationAccumulator extends VarianceAccumulator {
  override finish(): Float64Array {
    const column = super.finish();
    for (let k = 0; k < column.length; k++) column[k] = Math.sqrt(column[k] as number);
    return column;
  }
}
