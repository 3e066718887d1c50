/**
 * The labels of the point being read: those of its resource at the bottom, then its scope's, then its own. A level is
 * dropped by going back to a mark, so that a resource is read once for all of its points.
 *
 * A label is four offsets. Most point into the body itself and nothing is copied; what had to be written (numbers, nested names,
 * unescaped text) lies in the arena.
 */
import type { RowSink } from "../row-sink.ts";

/** More than this for one series is refused: 40 labels of VictoriaMetrics' longest names and values fit. */
const LABEL_BYTES_MAX = 256 * 1024;
const LABELS_MAX = 4096;

/** Levels to go back to. */
export const RESOURCE = 0;
export const SCOPE = 1;
export const BUCKET = 2;

const FIELDS = 5;

export class LabelStack {
  readonly body: Uint8Array;
  /** Bytes written for labels; `arenaEnd` is where the next goes. Replaced when it grows. */
  arena: Uint8Array = new Uint8Array(4096);
  arenaEnd = 0;
  count = 0;
  /** Bytes of all names and values on the stack. */
  byteLength = 0;
  /** Too many labels or bytes: the series cannot be used. */
  isOverfull = false;
  private readonly renameLabel: ((name: string) => string) | null;
  /** Name's start and end, value's start and end, and 1 if they are in the arena. */
  private places: Int32Array = new Int32Array(64 * FIELDS);
  private readonly marks = new Float64Array(3 * 4);

  constructor(body: Uint8Array, renameLabel: ((name: string) => string) | null) {
    this.body = body;
    this.renameLabel = renameLabel;
  }

  /** Remembers the stack as it is now under this level. */
  mark(level: number): void {
    this.marks[level * 4] = this.count;
    this.marks[level * 4 + 1] = this.arenaEnd;
    this.marks[level * 4 + 2] = this.byteLength;
    this.marks[level * 4 + 3] = this.isOverfull ? 1 : 0;
  }

  /** Drops all that came after `mark(level)`. */
  backTo(level: number): void {
    this.count = this.marks[level * 4];
    this.arenaEnd = this.marks[level * 4 + 1];
    this.byteLength = this.marks[level * 4 + 2];
    this.isOverfull = this.marks[level * 4 + 3] === 1;
  }

  clear(): void {
    this.count = 0;
    this.arenaEnd = 0;
    this.byteLength = 0;
    this.isOverfull = false;
  }

  /** A label whose name and value stand in the body. */
  addFromBody(nameLo: number, nameHi: number, valueLo: number, valueHi: number): void {
    if (this.renameLabel === null) {
      this.add(nameLo, nameHi, valueLo, valueHi, 0);
      return;
    }
    const lo = this.arenaEnd;
    this.write(this.body, nameLo, nameHi);
    const middle = this.arenaEnd;
    this.write(this.body, valueLo, valueHi);
    this.addFromArena(lo, middle, middle, this.arenaEnd);
  }

  /** A label whose name and value were written to the arena. */
  addFromArena(nameLo: number, nameHi: number, valueLo: number, valueHi: number): void {
    if (this.renameLabel === null) {
      this.add(nameLo, nameHi, valueLo, valueHi, 1);
      return;
    }
    const name = this.renameLabel(decoder.decode(this.arena.subarray(nameLo, nameHi)));
    const lo = this.arenaEnd;
    this.writeAscii(name);
    this.add(lo, this.arenaEnd, valueLo, valueHi, 1);
  }

  /** A label made here: both texts are ASCII, the name is taken as it is. */
  addAscii(name: string, value: string): void {
    const lo = this.arenaEnd;
    this.writeAscii(name);
    const middle = this.arenaEnd;
    this.writeAscii(value);
    this.add(lo, middle, middle, this.arenaEnd, 1);
  }

  private add(nameLo: number, nameHi: number, valueLo: number, valueHi: number, isInArena: number): void {
    this.byteLength += nameHi - nameLo + (valueHi - valueLo);
    if (this.isOverfull || this.byteLength > LABEL_BYTES_MAX || this.count >= LABELS_MAX) {
      this.isOverfull = true;
      return;
    }
    const at = this.count++ * FIELDS;
    if (at === this.places.length) {
      const larger = new Int32Array(at * 2);
      larger.set(this.places);
      this.places = larger;
    }
    const { places } = this;
    places[at] = nameLo;
    places[at + 1] = nameHi;
    places[at + 2] = valueLo;
    places[at + 3] = valueHi;
    places[at + 4] = isInArena;
  }

  /** Hands all labels on. */
  emit(batch: RowSink): void {
    const { places, body, arena } = this;
    const end = this.count * FIELDS;
    for (let i = 0; i < end; i += FIELDS) {
      batch.addLabelBytes(places[i + 4] === 0 ? body : arena, places[i], places[i + 1], places[i + 2], places[i + 3]);
    }
  }

  /** Appends bytes that are not the arena's to it. */
  write(source: Uint8Array, lo: number, hi: number): void {
    if (!this.reserve(hi - lo)) return;
    const { arena } = this;
    let end = this.arenaEnd;
    for (let i = lo; i < hi; i++) arena[end++] = source[i];
    this.arenaEnd = end;
  }

  /** Appends part of the arena to its end. */
  writeAgain(lo: number, hi: number): void {
    if (!this.reserve(hi - lo)) return;
    this.arena.copyWithin(this.arenaEnd, lo, hi);
    this.arenaEnd += hi - lo;
  }

  writeByte(byte: number): void {
    if (this.reserve(1)) this.arena[this.arenaEnd++] = byte;
  }

  writeAscii(text: string): void {
    if (!this.reserve(text.length)) return;
    const { arena } = this;
    let end = this.arenaEnd;
    for (let i = 0; i < text.length; i++) arena[end++] = text.charCodeAt(i);
    this.arenaEnd = end;
  }

  /** Appends `"…"` with what JSON wants escaped. */
  writeJsonString(source: Uint8Array, lo: number, hi: number): void {
    this.writeByte(0x22);
    for (let i = lo; i < hi; i++) {
      const byte = source[i];
      if (byte === 0x22 || byte === 0x5c) {
        this.writeByte(0x5c);
        this.writeByte(byte);
      } else if (byte < 0x20) {
        this.writeAscii(`\\u${byte.toString(16).padStart(4, "0")}`);
      } else {
        this.writeByte(byte);
      }
    }
    this.writeByte(0x22);
  }

  /** Room for `length` bytes more. The arena holds a few times what a usable series may have; beyond, the series is overfull. */
  reserve(length: number): boolean {
    const wanted = this.arenaEnd + length;
    if (wanted <= this.arena.length) return true;
    if (wanted > 4 * LABEL_BYTES_MAX) {
      this.isOverfull = true;
      return false;
    }
    const larger = new Uint8Array(wanted * 2);
    larger.set(this.arena.subarray(0, this.arenaEnd));
    this.arena = larger;
    return true;
  }
}

const decoder = new TextDecoder();
