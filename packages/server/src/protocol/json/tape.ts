/**
 * A whole JSON document as a tape: one entry a value or key, in the order of the text, with the place it has in the bytes and the entry
 * after it. Nothing is decoded, no object is made, skipping a value is one step however large it is, and memory is 13 bytes an
 * entry whatever the document says.
 *
 *     {"a":[1,2],"b":3}      entry  0   1   2   3   4   5   6
 *                                   {   "a" [   1   2   "b" 3
 *                            next   7   2   5   4   5   6   7
 */
import { InputError } from "@nyanza/tsdb";
import { excerpt } from "../report.ts";

const DEPTH_MAX = 256;

const OBJECT = 0x7b;
const ARRAY = 0x5b;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export class JsonTape {
  readonly bytes: Uint8Array;
  /** Offset of an entry's first byte: `{`, `[`, `"`, a digit, a letter. */
  starts: Int32Array;
  /** Offset behind a string's last quote, or behind a number or word. */
  ends: Int32Array;
  /** The entry behind this one and all it contains. */
  nexts: Int32Array;
  /** 1 for strings with escapes. */
  escapes: Uint8Array;
  count = 0;
  private readonly what: string;

  /** `what` names the document in messages. Throws InputError (400) with line and column if it is not JSON. */
  constructor(bytes: Uint8Array, what: string) {
    this.bytes = bytes;
    this.what = what;
    const room = Math.max(64, bytes.length >> 3);
    this.starts = new Int32Array(room);
    this.ends = new Int32Array(room);
    this.nexts = new Int32Array(room);
    this.escapes = new Uint8Array(room);
    this.read();
  }

  isObject(entry: number): boolean {
    return this.bytes[this.starts[entry]] === OBJECT;
  }

  isArray(entry: number): boolean {
    return this.bytes[this.starts[entry]] === ARRAY;
  }

  isString(entry: number): boolean {
    return this.bytes[this.starts[entry]] === QUOTE;
  }

  isNull(entry: number): boolean {
    return this.bytes[this.starts[entry]] === 0x6e;
  }

  /** Whether a key or string without escapes is exactly `text`. */
  is(entry: number, text: Uint8Array): boolean {
    const lo = this.starts[entry] + 1;
    if (this.ends[entry] - lo - 1 !== text.length || !this.isString(entry)) return false;
    for (let i = 0; i < text.length; i++) {
      if (this.bytes[lo + i] !== text[i]) return false;
    }
    return true;
  }

  /** Throws an InputError that points at the entry. */
  fail(entry: number, wanted: string): never {
    this.failAt(this.starts[entry], wanted);
  }

  private read(): void {
    const { bytes } = this;
    let { starts, ends, nexts, escapes } = this;
    let count = 0;
    const hi = bytes.length;
    /** Containers that are open, innermost last. */
    const open = new Int32Array(DEPTH_MAX);
    let depth = 0;
    let isInObject = false;
    let isKeyNext = false;
    let at = hi >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    for (;;) {
      // Here a value is wanted, or a key with its colon: one entry either way.
      if (count === starts.length) {
        this.count = count;
        this.grow();
        ({ starts, ends, nexts, escapes } = this);
      }
      let byte = at < hi ? bytes[at] : 0;
      while (isSpace(byte)) byte = ++at < hi ? bytes[at] : 0;
      if (byte === QUOTE) {
        const lo = at;
        let hasEscapes = 0;
        for (at = lo + 1; at < hi; at++) {
          const inner = bytes[at];
          if (inner === QUOTE) break;
          if (inner === BACKSLASH) {
            hasEscapes = 1;
            at++;
          }
        }
        if (at >= hi) this.failAt(lo, "a string with a closing quote");
        at++;
        starts[count] = lo;
        ends[count] = at;
        escapes[count] = hasEscapes;
        nexts[count] = ++count;
        if (isKeyNext) {
          byte = at < hi ? bytes[at] : 0;
          while (isSpace(byte)) byte = ++at < hi ? bytes[at] : 0;
          if (byte !== 0x3a) this.failAt(at, ":");
          at++;
          isKeyNext = false;
          continue;
        }
      } else if (isKeyNext) {
        this.failAt(at, "a key in double quotes");
      } else if (byte === OBJECT || byte === ARRAY) {
        if (depth === DEPTH_MAX) this.failAt(at, `nesting of at most ${DEPTH_MAX}`);
        open[depth++] = count;
        starts[count] = at;
        ends[count] = at + 1;
        nexts[count] = ++count;
        isInObject = byte === OBJECT;
        byte = ++at < hi ? bytes[at] : 0;
        while (isSpace(byte)) byte = ++at < hi ? bytes[at] : 0;
        if (byte !== (isInObject ? 0x7d : 0x5d)) {
          isKeyNext = isInObject;
          continue;
        }
      } else {
        const lo = at;
        at = this.findScalarEnd(lo);
        starts[count] = lo;
        ends[count] = at;
        nexts[count] = ++count;
      }
      // Here a value has ended, or an empty container is about to: close what closes, then go on to the next one.
      for (;;) {
        byte = at < hi ? bytes[at] : 0;
        while (isSpace(byte)) byte = ++at < hi ? bytes[at] : 0;
        if (depth === 0) {
          if (at < hi) this.failAt(at, "the end of the document");
          this.count = count;
          return;
        }
        if (byte === 0x2c) {
          at++;
          isKeyNext = isInObject;
          break;
        }
        if (byte !== (isInObject ? 0x7d : 0x5d)) this.failAt(at, isInObject ? ", or }" : ", or ]");
        at++;
        nexts[open[--depth]] = count;
        isInObject = depth > 0 && bytes[starts[open[depth - 1]]] === OBJECT;
      }
    }
  }

  /**
   * Where the number or word ends that starts here. Whether what looks like a number is one, is for the reader of the entry
   * to say.
   */
  private findScalarEnd(lo: number): number {
    const { bytes } = this;
    let at = lo;
    if (lo < bytes.length && isNumberStart(bytes[lo])) {
      while (at < bytes.length && isNumberByte(bytes[at])) at++;
    } else {
      while (at < bytes.length && bytes[at] >= 0x61 && bytes[at] <= 0x7a) at++;
      if (!isWord(bytes, lo, at)) this.failAt(lo, "a JSON value");
    }
    return at;
  }

  private grow(): void {
    const room = this.starts.length * 2;
    const grown = (column: Int32Array): Int32Array => {
      const larger = new Int32Array(room);
      larger.set(column);
      return larger;
    };
    this.starts = grown(this.starts);
    this.ends = grown(this.ends);
    this.nexts = grown(this.nexts);
    const escapes = new Uint8Array(room);
    escapes.set(this.escapes);
    this.escapes = escapes;
  }

  private failAt(at: number, wanted: string): never {
    const { bytes } = this;
    let line = 1;
    let lineLo = 0;
    for (let i = bytes.indexOf(0x0a); i >= 0 && i < at; i = bytes.indexOf(0x0a, i + 1)) {
      line++;
      lineLo = i + 1;
    }
    const column = at - lineLo + 1;
    const got = at >= bytes.length ? "the end of the body" : excerpt(bytes, at, bytes.length, 40);
    const hint =
      bytes[0] === 0x0a && line === 2 && bytes[1] !== 0x7b
        ? " (the body looks like protobuf: want Content-Type: application/x-protobuf for it)"
        : bytes[0] === 0x1f && bytes[1] === 0x8b
          ? " (the body looks like gzip: want Content-Encoding: gzip for it)"
          : "";
    throw new InputError(
      `${this.what} at line ${line}, column ${column}: want ${wanted}, got ${got}${hint}`,
      400,
      line,
      column,
    );
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte <= 0x0d && byte >= 0x09);
}

function isNumberStart(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x2d;
}

function isNumberByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) || byte === 0x2b || byte === 0x2d || byte === 0x2e || byte === 0x65 || byte === 0x45
  );
}

function isWord(bytes: Uint8Array, lo: number, hi: number): boolean {
  const isTrueOrNull = hi - lo === 4 && (bytes[lo] === 0x74 || bytes[lo] === 0x6e);
  const isFalse = hi - lo === 5 && bytes[lo] === 0x66;
  if (!isTrueOrNull && !isFalse) return false;
  const word = isFalse ? "false" : bytes[lo] === 0x74 ? "true" : "null";
  for (let i = lo; i < hi; i++) {
    if (bytes[i] !== word.charCodeAt(i - lo)) return false;
  }
  return true;
}
