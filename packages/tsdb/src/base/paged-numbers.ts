/**
 * Number → 32-bit number, 0 where nothing was set, in pages that are made when first written to: it grows without copying, and sparse
 * numbers cost little.
 */
const PAGE_BITS = 11;
const PAGE_MASK = (1 << PAGE_BITS) - 1;
const NONE: Uint32Array = new Uint32Array(0);

export class PagedNumbers {
  private readonly pages: Uint32Array[] = [];
  private pageCount = 0;

  /** Bytes it takes. */
  get usedBytes(): number {
    return this.pageCount * (4 << PAGE_BITS) + 8 * this.pages.length;
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
      // Filled up so that the list of pages has no holes.
      while (this.pages.length <= at) this.pages.push(NONE);
      page = new Uint32Array(1 << PAGE_BITS);
      this.pages[at] = page;
      this.pageCount++;
    }
    page[index & PAGE_MASK] = value;
  }
}
