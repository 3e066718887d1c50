/**
 * Decoded index pages in memory, bounded in bytes: one cache for all segments of a database.
 *
 * Who owns pages keeps a row of slots, one a page, so that a hit is a look into an array. What goes when room is needed is chosen by a clock's hand:
 * it goes round over all entries, takes the mark of use from those that have one, and drops the first that has none.
 */

/** What is kept. */
export interface CachedPage {
  /** Bytes of memory it takes when it comes. */
  readonly bytes: number;
}

export interface CacheSlot<P extends CachedPage> {
  readonly page: P;
  readonly row: CacheRow<P>;
  readonly number: number;
  bytes: number;
  wasUsed: boolean;
  /** Where the cache has it; -1 when it is no longer there. */
  position: number;
}

/** The pages of one owner by number; those that are not in memory are undefined. */
export type CacheRow<P extends CachedPage> = (CacheSlot<P> | undefined)[];

/** Running totals since the start. */
export interface CacheCounters {
  requests: number;
  misses: number;
}

export class PageCache {
  readonly counters: CacheCounters = { requests: 0, misses: 0 };
  readonly bytesMax: number;
  /** Bytes of all pages that are kept. */
  bytes = 0;
  private readonly slots: CacheSlot<CachedPage>[] = [];
  private hand = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Pages that are kept. */
  get count(): number {
    return this.slots.length;
  }

  get<P extends CachedPage>(row: CacheRow<P>, number: number): P | undefined {
    this.counters.requests++;
    const slot = row[number];
    if (slot === undefined) {
      this.counters.misses++;
      return undefined;
    }
    slot.wasUsed = true;
    return slot.page;
  }

  /** Keeps a page that was not there; if another reader was faster, its page is the answer. */
  put<P extends CachedPage>(row: CacheRow<P>, number: number, page: P): P {
    const known = row[number];
    if (known !== undefined) return known.page;
    if (page.bytes > this.bytesMax) return page;
    this.makeRoom(page.bytes);
    // It has to be asked for once more to outlive the next round: who reads everything once drives nobody out.
    const slot: CacheSlot<P> = { page, row, number, bytes: page.bytes, wasUsed: false, position: this.slots.length };
    this.slots.push(slot as unknown as CacheSlot<CachedPage>);
    row[number] = slot;
    this.bytes += slot.bytes;
    return page;
  }

  /** A page in this place has grown by `bytes`. */
  grow<P extends CachedPage>(row: CacheRow<P>, number: number, page: P, bytes: number): void {
    const slot = row[number];
    if (slot === undefined || slot.page !== page) return; // It has gone already: what grew is its reader's alone.
    slot.bytes += bytes;
    this.bytes += bytes;
    this.makeRoom(0);
  }

  /** Forgets all pages of an owner. */
  drop(row: CacheRow<CachedPage>): void {
    for (const slot of row) if (slot !== undefined) this.remove(slot);
  }

  /** For so many bytes more. */
  private makeRoom(bytes: number): void {
    while (this.slots.length > 0 && this.bytes + bytes > this.bytesMax) {
      if (this.hand >= this.slots.length) this.hand = 0;
      const slot = this.slots[this.hand] as CacheSlot<CachedPage>;
      if (slot.wasUsed) {
        slot.wasUsed = false;
        this.hand++;
      } else this.remove(slot);
    }
  }

  private remove(slot: CacheSlot<CachedPage>): void {
    const last = this.slots.pop() as CacheSlot<CachedPage>;
    if (last !== slot) {
      this.slots[slot.position] = last;
      last.position = slot.position;
    }
    slot.position = -1;
    slot.row[slot.number] = undefined;
    this.bytes -= slot.bytes;
  }
}
