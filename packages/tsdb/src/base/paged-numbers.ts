/**
 * Number → 32-bit number, 0 where nothing was set, in pages that are made when first written to: it grows without copying, and sparse
 * numbers cost little.
 *
 * Pages can stand in memory that other threads may read while this one writes. A number there is one aligned word: they see the one before or the
 * one after. They have the pages that were handed to them (`pagesFrom`, `adopt`), so of numbers on later ones they see 0.
 */
const PAGE_BITS = 11;
const PAGE_MASK = (1 << PAGE_BITS) - 1;
const NONE: Uint32Array = new Uint32Array(0);

/** A page, to be handed to another thread: a message shares its memory. */
export interface SharedPage {
  readonly at: number;
  readonly page: Uint32Array;
}

export class PagedNumbers {
  private readonly pages: Uint32Array[] = [];
  /** Places of the pages that there are, in the order in which they were made. */
  private readonly places: number[] = [];
  private readonly isShared: boolean;

  constructor(isShared = false) {
    this.isShared = isShared;
  }

  /** Bytes it takes. */
  get usedBytes(): number {
    return this.pageCount * (4 << PAGE_BITS) + 8 * this.pages.length;
  }

  get pageCount(): number {
    return this.places.length;
  }

  get(index: number): number {
    const page = this.pages[index >>> PAGE_BITS];
    return page === undefined || page.length === 0 ? 0 : (page[index & PAGE_MASK] as number);
  }

  /** `index` is below 2^32. */
  set(index: number, value: number): void {
    const at = index >>> PAGE_BITS;
    let page = this.pages[at];
    if (page === undefined || page.length === 0) {
      page = this.isShared ? new Uint32Array(new SharedArrayBuffer(4 << PAGE_BITS)) : new Uint32Array(1 << PAGE_BITS);
      this.put(at, page);
    }
    page[index & PAGE_MASK] = value;
  }

  /** The pages but for the first `known` that were made. */
  pagesFrom(known: number): SharedPage[] {
    return this.places.slice(known).map((at) => ({ at, page: this.pages[at] as Uint32Array }));
  }

  /** Takes pages that another thread writes. */
  adopt(pages: readonly SharedPage[]): void {
    for (const { at, page } of pages) this.put(at, page);
  }

  private put(at: number, page: Uint32Array): void {
    // Filled up so that the list of pages has no holes.
    while (this.pages.length <= at) this.pages.push(NONE);
    this.pages[at] = page;
    this.places.push(at);
  }
}
