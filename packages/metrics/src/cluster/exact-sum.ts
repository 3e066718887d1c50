/**
 * A sum of float64s that does not depend on the order they come in: the parts that rounding would lose are kept.
 *
 *     0.1 + 0.2 + 0.3  !==  0.3 + 0.2 + 0.1        but as exact sums they are equal
 *
 * A counter that is the sum over processes must never go down, not by the last bit either: whoever takes rates reads the
 * smallest drop as a reset and counts the whole value again. Plain addition drops such bits when the order
 * changes, which it does whenever a process goes. The exact sum grows with each of its terms, and so does its rounding.
 *
 * The parts are kept as J. R. Shewchuk describes ("Adaptive Precision Floating-Point Arithmetic", 1997): not overlapping, ascending. Integers below
 * 2^53 never need more than one.
 */
export class ExactSum {
  /** The greatest part, or the whole sum while it is one float64. */
  #high = 0;
  /** Smaller parts, ascending; null while there are none. */
  #low: number[] | null = null;

  add(term: number): void {
    const sum = this.#high + term;
    if (this.#low === null) {
      const lost = lostBits(this.#high, term, sum);
      // Infinite and overflowing sums have no parts.
      if (lost === 0 || !Number.isFinite(sum)) {
        this.#high = sum;
        return;
      }
      this.#high = sum;
      this.#low = [lost];
      return;
    }
    this.#grow(term, this.#low);
  }

  /** The float64 nearest to the exact sum; of two equally near the even one. */
  get value(): number {
    const low = this.#low;
    if (low === null) return this.#high;
    let high = this.#high;
    for (let i = low.length - 1; i >= 0; i--) {
      const part = low[i] as number;
      const before = high;
      high = before + part;
      const lost = lostBits(before, part, high);
      if (lost === 0) continue;
      // Halfway between two float64s, what is left below decides; addition alone has rounded to even without seeing it.
      const next = i > 0 ? (low[i - 1] as number) : 0;
      if ((lost < 0 && next < 0) || (lost > 0 && next > 0)) {
        const doubled = lost * 2;
        const corrected = high + doubled;
        if (corrected - high === doubled) high = corrected;
      }
      break;
    }
    return high;
  }

  /** Numbers whose exact sum this is, at least one: to be stored, and added again later without loss. */
  get parts(): readonly number[] {
    return this.#low === null ? [this.#high] : [...this.#low, this.#high];
  }

  #grow(term: number, low: number[]): void {
    const parts: number[] = [];
    let carry = term;
    for (let i = 0; i <= low.length; i++) {
      const part = i < low.length ? (low[i] as number) : this.#high;
      const sum = carry + part;
      const lost = lostBits(carry, part, sum);
      if (!Number.isFinite(sum)) {
        this.#high = this.#high + term;
        if (Number.isFinite(this.#high)) this.#high = sum;
        this.#low = null;
        return;
      }
      if (lost !== 0) parts.push(lost);
      carry = sum;
    }
    this.#high = carry;
    this.#low = parts.length === 0 ? null : parts;
  }
}

/** What `sum`, the rounded a + b, lacks of the exact a + b. */
function lostBits(a: number, b: number, sum: number): number {
  const bRounded = sum - a;
  return a - (sum - bRounded) + (b - bRounded);
}
