/** Who works on which share, in memory that all of them see: each takes what is next when it has time, and no message is needed for it. */

const FREE = 0;
const OVER = -1;

/** A share is claimed by one, once. */
export class Claims {
  /** FREE, OVER, or who has it, by share. */
  readonly cells: Int32Array;

  private constructor(cells: Int32Array) {
    this.cells = cells;
  }

  static of(shares: number): Claims {
    return new Claims(new Int32Array(new SharedArrayBuffer(4 * shares)));
  }

  /** The same claims, seen by another. */
  static over(cells: Int32Array): Claims {
    return new Claims(cells);
  }

  /** The next free share, for somebody with a number above 0; -1 if there is none. */
  next(who: number): number {
    for (let share = 0; share < this.cells.length; share++) {
      if (Atomics.compareExchange(this.cells, share, FREE, who) === FREE) return share;
    }
    return -1;
  }

  /** Who has a share; 0 for nobody. */
  holderOf(share: number): number {
    return Atomics.load(this.cells, share);
  }

  /** Nobody gets one any more. */
  end(): void {
    for (let share = 0; share < this.cells.length; share++) Atomics.compareExchange(this.cells, share, FREE, OVER);
  }
}
