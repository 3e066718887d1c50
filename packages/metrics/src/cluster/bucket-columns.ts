/**
 * The cumulative buckets (`le`) of one series, added over processes.
 *
 *     process A   le 1: 3            le 5: 7   le +Inf: 9
 *     process B   le 1: 2   le 2: 4            le +Inf: 4
 *     together    le 1: 5   le 2: 7  le 5: 11  le +Inf: 13
 *
 * Processes of one version have the same bounds, and their buckets are added one by one. Where versions with other bounds meet, a process
 * counts under a bound it does not have with its next lower one: the sum stays cumulative, never goes down, and says too little
 * rather than too much. The result does not depend on who is added first.
 */
import { ExactSum } from "./exact-sum.ts";
import type { BucketPlace } from "./series-layout.ts";

export class BucketColumns {
  /** Ascending, no two equal. */
  #bounds: readonly number[] = [];
  #texts: readonly string[] = [];
  #sums: ExactSum[] = [];

  /** Adds the buckets at `places`, ascending, whose values stand in `values` from `lo` on. */
  add(places: readonly BucketPlace[], values: Float64Array, lo: number): void {
    if (places.length === 0) return;
    if (!this.#hasBounds(places)) this.#widen(places);
    let place = -1;
    for (let i = 0; i < this.#bounds.length; i++) {
      const bound = this.#bounds[i] as number;
      while (place + 1 < places.length && (places[place + 1] as BucketPlace).bound <= bound) place++;
      if (place < 0) continue;
      for (const at of (places[place] as BucketPlace).at) {
        const count = values[lo + at] as number;
        if (!Number.isNaN(count)) (this.#sums[i] as ExactSum).add(count);
      }
    }
  }

  /** In ascending order, bounds as they were spelled first. */
  forEach(visit: (bound: string, sum: ExactSum) => void): void {
    for (let i = 0; i < this.#texts.length; i++) visit(this.#texts[i] as string, this.#sums[i] as ExactSum);
  }

  #hasBounds(places: readonly BucketPlace[]): boolean {
    if (places.length !== this.#bounds.length) return false;
    for (let i = 0; i < places.length; i++) {
      if ((places[i] as BucketPlace).bound !== this.#bounds[i]) return false;
    }
    return true;
  }

  /** Gives this series the bounds of `places` beside its own. */
  #widen(places: readonly BucketPlace[]): void {
    const texts = new Map<number, string>();
    for (const [i, bound] of this.#bounds.entries()) texts.set(bound, this.#texts[i] as string);
    for (const { bound, text } of places) if (!texts.has(bound)) texts.set(bound, text);
    const bounds = [...texts.keys()].sort((a, b) => a - b);
    let below = -1;
    const sums = bounds.map((bound) => {
      if (this.#bounds[below + 1] === bound) return this.#sums[++below] as ExactSum;
      const sum = new ExactSum();
      if (below >= 0) for (const part of (this.#sums[below] as ExactSum).parts) sum.add(part);
      return sum;
    });
    this.#bounds = bounds;
    this.#texts = bounds.map((bound) => texts.get(bound) as string);
    this.#sums = sums;
  }
}
