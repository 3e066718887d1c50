/**
 * Keys of a run of series, of which few or nearly all are wanted, and nobody knows beforehand: new series are told from known ones by a filter over hashes, and
 * need no key; after a restart all series are known, and each is compared.
 */
import type { LabelStore } from "../../kernel/label-store.ts";

/** Keys that are fetched one by one; whoever wants more gets all at once. */
const SINGLE_MAX = 64;

export class RunKeys {
  private readonly store: LabelStore;
  private readonly slots: Uint32Array;
  private singles = 0;
  /** All keys, one behind the other; key `i` ends at `ends[i]`. */
  private bytes: Uint8Array | null = null;
  private ends: Uint32Array = new Uint32Array(0);

  /** The slots are of one tenant. */
  constructor(store: LabelStore, slots: Uint32Array) {
    this.store = store;
    this.slots = slots;
  }

  /** Key of the series in `slots[i]`. It stays. */
  at(i: number): Uint8Array {
    if (this.bytes === null && ++this.singles <= SINGLE_MAX) {
      return this.store.keysOf(this.slots.subarray(i, i + 1), 0).bytes.slice();
    }
    this.bytes ??= this.readAll();
    return this.bytes.subarray(i === 0 ? 0 : this.ends[i - 1], this.ends[i]);
  }

  private readAll(): Uint8Array {
    const { slots } = this;
    const pieces: Uint8Array[] = [];
    let total = 0;
    this.ends = new Uint32Array(slots.length);
    for (let from = 0; from < slots.length; ) {
      const { bytes, ends, count } = this.store.keysOf(slots, from);
      pieces.push(bytes.slice());
      for (let i = 0; i < count; i++) this.ends[from + i] = total + (ends[i] as number);
      total += bytes.length;
      from += count;
    }
    const all = new Uint8Array(total);
    let at = 0;
    for (const piece of pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }
}
