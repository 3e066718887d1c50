/**
 * Random numbers that a seed repeats: for tests, generators and jitter. Never for keys (see randomHashKey in hash.ts).
 */

/** mulberry32: 32 bits of state, 2^32 numbers before it repeats, good enough to scatter test data. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** Uniform in [0, 2^32), whole. */
  nextUint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** Uniform in [0, 1). */
  next(): number {
    return this.nextUint32() / 0x1_0000_0000;
  }

  /** Whole, uniform in [0, limit) up to a bias of limit / 2^32. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the items, which must not be empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

/** Answers an integer in [0, below). */
export type Dice = (below: number) => number;

/** Throws of `Random` as a function, for generators that are handed from hand to hand. */
export function diceOf(seed: number): Dice {
  const random = new Random(seed);
  return (below) => random.below(below);
}
