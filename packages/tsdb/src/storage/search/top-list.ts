/** The entries with the largest counts out of any number of them: a heap with the smallest of those on top. */
export interface TopEntry {
  readonly name: string;
  readonly count: number;
}

export class TopList {
  private readonly size: number;
  private readonly heap: TopEntry[] = [];

  constructor(size: number) {
    this.size = size;
  }

  /** Entries of equal counts are ranked by name; those of none are left out. */
  add(name: string, count: number): void {
    if (count === 0 || this.size < 1) return;
    const { heap } = this;
    if (heap.length === this.size && !isLess(heap[0] as TopEntry, { name, count })) return;
    if (heap.length < this.size) {
      heap.push({ name, count });
      for (let at = heap.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1;
        if (!this.swapIfLess(at, parent)) break;
        at = parent;
      }
      return;
    }
    heap[0] = { name, count };
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child = right < heap.length && isLess(heap[right] as TopEntry, heap[left] as TopEntry) ? right : left;
      if (!this.swapIfLess(child, at)) break;
      at = child;
    }
  }

  /** Largest first. */
  sorted(): TopEntry[] {
    return [...this.heap].sort((a, b) => (isLess(a, b) ? 1 : -1));
  }

  private swapIfLess(below: number, above: number): boolean {
    const { heap } = this;
    const a = heap[below] as TopEntry;
    const b = heap[above] as TopEntry;
    if (!isLess(a, b)) return false;
    heap[below] = b;
    heap[above] = a;
    return true;
  }
}

function isLess(a: TopEntry, b: TopEntry): boolean {
  return a.count !== b.count ? a.count < b.count : a.name > b.name;
}
