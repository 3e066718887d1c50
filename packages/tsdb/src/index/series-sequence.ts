/**
 * Looks hashes up in the order in which they came the last time.
 *
 * Senders repeat themselves: behind one series comes, nearly always, the one that came behind it before. So hashes are kept one behind the other as they
 * were first met, and the next to be looked up is compared with the next in the row: memory that is read forwards and a branch that is always the same, where
 * the table costs a jump to anywhere. A wrong guess costs a comparison; then the table says, and the row goes on from where it has that hash.
 *
 *   row (a ring)   │ hash words 0–2, number + 1 (0: never written) │ … the oldest is overwritten first
 *   places         number's last bits → where in the row
 */
import { type SeriesTable, UNKNOWN_SERIES } from "./series-table.ts";

const ENTRY_WORDS = 4;
/**
 * Where more series come round than there is room for, or in no order, guessing only costs. So a wrong guess costs credit, which a right one earns; without
 * any, so many times as many hashes are looked up in the table before guessing is tried again.
 */
const PAUSE_FACTOR = 16;
/** Behind so many unknown hashes more of them are expected: the rest is looked up in the table, which is quicker for all together. */
const STRANGERS_MAX = 4;

export class SeriesSequence {
  readonly #table: SeriesTable;
  readonly #row: Uint32Array;
  readonly #places: Uint32Array;
  readonly #mask: number;
  /** Where the next hash is expected, and where the next one that the row does not have goes. */
  #next = 0;
  #end = 0;
  #credit: number;
  /** Hashes that are only looked up in the table from now on. */
  #paused = 0;

  /** The row has 2^`bits` entries: 20 bytes each. Nothing may leave the table. */
  constructor(table: SeriesTable, bits = 16) {
    this.#table = table;
    this.#row = new Uint32Array(ENTRY_WORDS << bits);
    this.#places = new Uint32Array(1 << bits);
    this.#mask = (1 << bits) - 1;
    this.#credit = this.#fullCredit;
  }

  /** Bytes it takes. */
  get usedBytes(): number {
    return this.#row.byteLength + this.#places.byteLength;
  }

  /** Numbers of hashes `[from, to)` into `target`, UNKNOWN_SERIES of those that are not in the table. */
  findAll(hashes: Uint32Array, from: number, to: number, target: Uint32Array): void {
    if (this.#paused > 0) {
      this.#paused -= to - from;
      this.#table.findAll(hashes, from, to, target);
      return;
    }
    const row = this.#row;
    const mask = this.#mask;
    let next = this.#next;
    let gained = 0;
    let strangers = 0;
    for (let i = from; i < to; i++) {
      const at = i * ENTRY_WORDS;
      const word = next * ENTRY_WORDS;
      if (
        row[word] === hashes[at] &&
        row[word + 1] === hashes[at + 1] &&
        row[word + 2] === hashes[at + 2] &&
        row[word + 3] !== 0
      ) {
        target[i] = (row[word + 3] as number) - 1;
        next = (next + 1) & mask;
        gained++;
        continue;
      }
      const number = this.#table.find(hashes, at);
      target[i] = number;
      if (number === UNKNOWN_SERIES) {
        if (++strangers < STRANGERS_MAX) continue;
        this.#table.findAll(hashes, i + 1, to, target);
        break;
      }
      strangers = 0;
      next = (this.#placeOf(hashes, at, number) + 1) & mask;
      gained--;
    }
    this.#next = next;
    this.#credit = Math.min(this.#credit + gained, this.#fullCredit);
    if (this.#credit > 0) return;
    this.#credit = this.#fullCredit;
    this.#paused = PAUSE_FACTOR * this.#fullCredit;
  }

  /** Enough to learn the row anew four times. */
  get #fullCredit(): number {
    return 4 * this.#places.length;
  }

  /** Where in the row the hash is, from now on if it was not. */
  #placeOf(hashes: Uint32Array, at: number, number: number): number {
    const row = this.#row;
    const known = this.#places[number & this.#mask] as number;
    // A number may have several hashes, and shares its place with others.
    if (
      row[known * ENTRY_WORDS] === hashes[at] &&
      row[known * ENTRY_WORDS + 1] === hashes[at + 1] &&
      row[known * ENTRY_WORDS + 2] === hashes[at + 2] &&
      row[known * ENTRY_WORDS + 3] === number + 1
    ) {
      return known;
    }
    const place = this.#end;
    this.#end = (place + 1) & this.#mask;
    this.#places[number & this.#mask] = place;
    for (let word = 0; word < 3; word++) row[place * ENTRY_WORDS + word] = hashes[at + word] as number;
    row[place * ENTRY_WORDS + 3] = number + 1;
    return place;
  }
}
