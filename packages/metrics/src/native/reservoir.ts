/** A random sample, of bounded size, of a stream of any length (Vitter's algorithm R), with its exact extremes. */
const SIZE_MAX = 1000;

export class Reservoir {
  readonly #random: () => number;
  readonly #values: number[] = [];
  #seen = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  constructor(random: () => number) {
    this.#random = random;
  }

  add(value: number): void {
    this.#seen++;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    if (this.#values.length < SIZE_MAX) {
      this.#values.push(value);
      return;
    }
    const slot = Math.floor(this.#random() * this.#seen);
    if (slot < SIZE_MAX) this.#values[slot] = value;
  }

  clear(): void {
    this.#values.length = 0;
    this.#seen = 0;
    this.#min = Number.POSITIVE_INFINITY;
    this.#max = Number.NEGATIVE_INFINITY;
  }

  /** The nearest sample to each rank; 0 and 1 are the true extremes. NaN for an empty reservoir. */
  quantiles(ranks: readonly number[]): number[] {
    const { length } = this.#values;
    if (length === 0) return ranks.map(() => Number.NaN);
    const sorted = Float64Array.from(this.#values).sort();
    return ranks.map((rank) => {
      if (rank <= 0) return this.#min;
      if (rank >= 1) return this.#max;
      return sorted[Math.floor(rank * (length - 1) + 0.5)] as number;
    });
  }
}
