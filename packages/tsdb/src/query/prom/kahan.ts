/**
 * Sums and means that keep what rounding would lose, as Prometheus does it: a running sum and, beside it, the sum of the roundings
 * (Neumaier's form of Kahan summation). 1 + 1e100 + 1 - 1e100 is 2 here.
 */

/** A compensated sum. `sum` is what plain addition gives; `total()` is the answer. */
export class KahanSum {
  sum = 0;
  /** What the additions to `sum` have lost; 0 once it is infinite. */
  lost = 0;

  add(value: number): void {
    const { sum } = this;
    const next = sum + value;
    if (next === Infinity || next === -Infinity) this.lost = 0;
    else if (Math.abs(sum) >= Math.abs(value)) this.lost += sum - next + value;
    else this.lost += value - next + sum;
    this.sum = next;
  }

  /** An infinity stays one: adding what was lost before could only make it NaN. */
  total(): number {
    return this.sum === Infinity || this.sum === -Infinity ? this.sum : this.sum + this.lost;
  }
}

/** Sum of `column[lo..hi)`. */
export function sumOf(column: Float64Array, lo: number, hi: number): number {
  let sum = 0;
  let lost = 0;
  for (let i = lo; i < hi; i++) {
    const value = column[i] as number;
    const next = sum + value;
    if (next === Infinity || next === -Infinity) lost = 0;
    else if (Math.abs(sum) >= Math.abs(value)) lost += sum - next + value;
    else lost += value - next + sum;
    sum = next;
  }
  return sum === Infinity || sum === -Infinity ? sum : sum + lost;
}

/**
 * Mean of `column[lo..hi)`, not empty: the sum divided by the count, or, from the value on that makes the sum infinite, a mean that
 * is moved towards each value by its share, which cannot overflow.
 */
export function meanOf(column: Float64Array, lo: number, hi: number): number {
  let sum = column[lo] as number;
  let lost = 0;
  for (let i = lo + 1; i < hi; i++) {
    const value = column[i] as number;
    const next = sum + value;
    if (next === Infinity || next === -Infinity) return movingMeanOf(column, lo, hi);
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return sum / (hi - lo) + lost / (hi - lo);
}

function movingMeanOf(column: Float64Array, lo: number, hi: number): number {
  const mean = new KahanMean(column[lo] as number);
  for (let i = lo + 1; i < hi; i++) mean.add(column[i] as number);
  return mean.total();
}

/** A compensated mean that starts with one value. */
export class KahanMean {
  count = 1;
  /** The sum, or the mean once `isMoving`. */
  #base: number;
  #lost = 0;
  #isMoving = false;

  constructor(first: number) {
    this.#base = first;
  }

  add(value: number): void {
    this.count++;
    if (!this.#isMoving) {
      const sum = this.#base;
      const next = sum + value;
      if (next !== Infinity && next !== -Infinity) {
        this.#lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
        this.#base = next;
        return;
      }
      this.#isMoving = true;
      this.#base = sum / (this.count - 1);
      this.#lost /= this.count - 1;
    }
    const weight = (this.count - 1) / this.count;
    const mean = weight * this.#base;
    const share = value / this.count;
    const next = mean + share;
    this.#lost *= weight;
    if (next === Infinity || next === -Infinity) this.#lost = 0;
    else this.#lost += Math.abs(mean) >= Math.abs(share) ? mean - next + share : share - next + mean;
    this.#base = next;
  }

  total(): number {
    return this.#isMoving ? this.#base + this.#lost : this.#base / this.count + this.#lost / this.count;
  }
}

/**
 * Population variance of `column[lo..hi)`, not empty: Welford's way, both running values compensated.
 */
export function varianceOf(column: Float64Array, lo: number, hi: number): number {
  const mean = new KahanSum();
  const squares = new KahanSum();
  for (let i = lo; i < hi; i++) {
    const value = column[i] as number;
    const delta = value - (mean.sum + mean.lost);
    mean.add(delta / (i - lo + 1));
    squares.add(delta * (value - (mean.sum + mean.lost)));
  }
  return (squares.sum + squares.lost) / (hi - lo);
}
