/**
 * Bytes in pieces cut anywhere, also inside a UTF-8 sequence, → whole lines. Keeps no more than one unfinished line.
 *
 *     for (const line of splitter.push(chunk)) use(line.toString());   // without its newline; empty lines are left out
 *     const last = splitter.finish();                                  // a last line without a newline, or null
 */

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** A line is longer than allowed. */
export class LongLineError extends Error {
  constructor(bytesMax: number) {
    super(`a line is longer than ${bytesMax} bytes`);
  }
}

export class LineSplitter {
  readonly #bytesMax: number;
  #kept: Buffer[] = [];
  #keptBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /**
   * The lines that end in `chunk`. A view of `chunk` may be kept until the next call: do not overwrite it.
   * @throws LongLineError
   */
  *push(chunk: Uint8Array): Generator<Buffer, void> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let lo = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, lo)) {
      const line = this.#join(bytes.subarray(lo, end));
      lo = end + 1;
      if (line.length > 0) yield line;
    }
    if (lo < bytes.length) {
      this.#check(bytes.length - lo);
      this.#kept.push(bytes.subarray(lo));
      this.#keptBytes += bytes.length - lo;
    }
  }

  /** What came after the last newline; null if nothing did. */
  finish(): Buffer | null {
    const line = this.#join(Buffer.alloc(0));
    return line.length > 0 ? line : null;
  }

  #join(tail: Buffer): Buffer {
    this.#check(tail.length);
    let line = tail;
    if (this.#keptBytes > 0) {
      line = Buffer.concat([...this.#kept, tail]);
      this.#kept = [];
      this.#keptBytes = 0;
    }
    return line[line.length - 1] === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
  }

  #check(moreBytes: number): void {
    if (this.#keptBytes + moreBytes > this.#bytesMax) throw new LongLineError(this.#bytesMax);
  }
}
