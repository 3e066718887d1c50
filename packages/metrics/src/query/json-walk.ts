/**
 * Walks through JSON bytes without making the whole of it an object: the walker opens the containers it knows, and gives
 * each piece inside to JSON.parse. A matrix of a million points never is a million little arrays at a time.
 *
 *     {"status":"success","data":{"result":[{"metric":{…},"values":[[1,"2"],[3,"4"],…]}, …]}}
 *     └ members          └ members └ elements └ members       └ runs of elements, 64 kB each
 *
 * What is between pieces is checked here, what is in them by JSON.parse.
 */

/** The bytes are not the JSON that was expected. */
export class JsonWalkError extends Error {}

const RUN_BYTES = 65_536;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

export class JsonWalk {
  readonly #bytes: Buffer;
  /** Offset of the next byte to read. A caller may note it, skip a value, and come back. */
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    // A byte order mark is no JSON, but proxies of some platforms add one.
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) this.at = 3;
  }

  /** Opens an object; `visit` is called before each value and must read or skip it. */
  members(visit: (key: string) => void): void {
    this.#want(OPEN_OBJECT, "{");
    if (this.#take(CLOSE_OBJECT)) return;
    do {
      if (this.#peek() !== QUOTE) throw this.#unexpected("a key");
      const key = this.value() as string;
      this.#want(COLON, ":");
      visit(key);
    } while (this.#take(COMMA));
    this.#want(CLOSE_OBJECT, ", or }");
  }

  /** Opens an array; `visit` is called before each element and must read or skip it. `null`, which Go writes for no array, has none. */
  elements(visit: () => void): void {
    if (!this.#openArray()) return;
    do visit();
    while (this.#take(COMMA));
    this.#want(CLOSE_ARRAY, ", or ]");
  }

  /** Opens an array and hands its elements over, some at a time. */
  runs(visit: (elements: readonly unknown[]) => void): void {
    if (!this.#openArray()) return;
    let lo = this.at;
    for (;;) {
      this.skip();
      const isMore = this.#peek() === COMMA;
      if (!isMore || this.at - lo >= RUN_BYTES) {
        visit(this.#parse(lo, this.at, "[", "]") as unknown[]);
        if (!isMore) break;
        lo = this.at + 1;
      }
      this.at++;
    }
    this.#want(CLOSE_ARRAY, ", or ]");
  }

  /** Reads any value. */
  value(): unknown {
    this.#peek();
    const lo = this.at;
    this.skip();
    return this.#parse(lo, this.at, "", "");
  }

  /** Passes over a value; whether it is well-formed inside shows only when it is read. */
  skip(): void {
    const bytes = this.#bytes;
    const first = this.#peek();
    if (first === QUOTE) {
      this.at = this.#endOfString(this.at + 1);
      return;
    }
    if (first !== OPEN_ARRAY && first !== OPEN_OBJECT) {
      this.at = this.#endOfWord(this.at);
      return;
    }
    let depth = 0;
    let at = this.at;
    while (at < bytes.length) {
      const byte = bytes[at++];
      if (byte === QUOTE) at = this.#endOfString(at);
      else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) depth++;
      else if ((byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) && --depth === 0) {
        this.at = at;
        return;
      }
    }
    throw this.#cut();
  }

  /** Nothing but space may be left. */
  end(): void {
    if (this.#peek() !== -1) throw this.#unexpected("the end");
  }

  #openArray(): boolean {
    if (this.#peek() === 0x6e && this.#bytes.toString("latin1", this.at, this.at + 4) === "null") {
      this.at += 4;
      return false;
    }
    this.#want(OPEN_ARRAY, "[");
    return !this.#take(CLOSE_ARRAY);
  }

  /** The next byte that is no space, -1 at the end. */
  #peek(): number {
    const bytes = this.#bytes;
    let at = this.at;
    while (at < bytes.length && isSpace(bytes[at] as number)) at++;
    this.at = at;
    return at < bytes.length ? (bytes[at] as number) : -1;
  }

  #take(byte: number): boolean {
    if (this.#peek() !== byte) return false;
    this.at++;
    return true;
  }

  #want(byte: number, what: string): void {
    if (!this.#take(byte)) throw this.#unexpected(what);
  }

  /** After the closing quote; `at` is after the opening one. */
  #endOfString(at: number): number {
    const bytes = this.#bytes;
    while (at < bytes.length) {
      const byte = bytes[at++];
      if (byte === QUOTE) return at;
      if (byte === BACKSLASH) at++;
    }
    throw this.#cut();
  }

  #endOfWord(from: number): number {
    const bytes = this.#bytes;
    let at = from;
    while (at < bytes.length) {
      const byte = bytes[at] as number;
      if (byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT || isSpace(byte)) break;
      at++;
    }
    if (at === from) throw this.#unexpected("a value");
    return at;
  }

  #parse(lo: number, hi: number, before: string, after: string): unknown {
    try {
      return JSON.parse(before + this.#bytes.toString("utf8", lo, hi) + after);
    } catch (error) {
      // V8's message quotes the text and counts from the start of the piece.
      throw new JsonWalkError(`no JSON between bytes ${lo} and ${hi}`, { cause: error });
    }
  }

  #unexpected(what: string): JsonWalkError {
    if (this.at >= this.#bytes.length) return this.#cut();
    const found = JSON.stringify(this.#bytes.toString("utf8", this.at, this.at + 12));
    return new JsonWalkError(`want ${what} at byte ${this.at}, got ${found}`);
  }

  #cut(): JsonWalkError {
    return new JsonWalkError(`the JSON ends too early, after ${this.#bytes.length} bytes`);
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
