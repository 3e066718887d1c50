/** Numbers below 2^32 one behind the other, as many as come: half the memory of an array, and a million more cost no long pause. */
export class NumberList {
  private numbers: Uint32Array;
  length = 0;

  /** `capacity`: how many may come. Memory that is not needed in the end is not touched. */
  constructor(capacity = 64) {
    this.numbers = new Uint32Array(Math.max(1, capacity));
  }

  push(number: number): void {
    if (this.length === this.numbers.length) {
      const larger = new Uint32Array(2 * this.length);
      larger.set(this.numbers);
      this.numbers = larger;
    }
    this.numbers[this.length++] = number;
  }

  /** Forgets them, and gives their memory back. */
  clear(): void {
    this.numbers = new Uint32Array(64);
    this.length = 0;
  }

  /** All of them: a view, void with the next push. */
  all(): Uint32Array {
    return this.numbers.subarray(0, this.length);
  }
}
