/**
 * topk and bottomk: at each point the series with the k best values of each group.
 *
 * A heap of k keeps its worst on top; a value enters only if it is better than that one. Which of several equal values stay therefore
 * depends on the order of the series and of the heap, and both are Prometheus' (Go's container/heap), so that ties end alike.
 */
import { groupSeries, type PromGroup } from "./grouping.ts";
import { countsParam } from "./parameters.ts";
import type { AggregateFunction } from "./tables.ts";
import type { PromSeries } from "./value.ts";

/** An instant answer is in order of rank, group by group. */
export const topk: AggregateFunction = (context, node, series, param) =>
  rank(groupSeries(node, series), countsParam(param, series.length), 1, context.grid.isInstant());

export const bottomk: AggregateFunction = (context, node, series, param) =>
  rank(groupSeries(node, series), countsParam(param, series.length), -1, context.grid.isInstant());

function rank(groups: readonly PromGroup[], counts: Int32Array, sign: number, isRanked: boolean): PromSeries[] {
  const most = counts.reduce((a, b) => Math.max(a, b), 0);
  const largest = groups.reduce((size, { series }) => Math.max(size, series.length), 0);
  const heap = new WorstFirst(Math.min(most, largest));
  const results: PromSeries[] = [];
  for (const { series } of groups) {
    const masks: (Uint8Array | undefined)[] = new Array(series.length);
    for (let k = 0; k < counts.length; k++) {
      heap.restart(counts[k]);
      for (let i = 0; i < series.length; i++) {
        const { values, present } = series[i];
        if (present === null || present[k] === 1) heap.offer(i, sign * values[k]);
      }
      for (let n = 0; n < heap.size; n++) {
        const i = heap.items[n];
        const mask = masks[i] ?? (masks[i] = new Uint8Array(counts.length));
        mask[k] = 1;
      }
    }
    const order = isRanked ? heap.bestFirst() : series.keys();
    for (const i of order) {
      const present = masks[i];
      if (present !== undefined) results.push({ labels: series[i].labels, values: series[i].values, present });
    }
  }
  return results;
}

/** Up to `limit` items with their values, the least on top; NaN is less than anything. */
class WorstFirst {
  readonly items: Int32Array;
  size = 0;
  #limit = 0;
  readonly #values: Float64Array;

  constructor(capacity: number) {
    this.items = new Int32Array(capacity);
    this.#values = new Float64Array(capacity);
  }

  restart(limit: number): void {
    this.size = 0;
    this.#limit = Math.min(limit, this.items.length);
  }

  offer(item: number, value: number): void {
    const values = this.#values;
    if (this.size < this.#limit) {
      this.items[this.size] = item;
      values[this.size] = value;
      this.#rise(this.size++);
    } else if (this.#limit > 0 && (values[0] < value || (values[0] !== values[0] && value === value))) {
      this.items[0] = item;
      values[0] = value;
      this.#sink();
    }
  }

  /** The items by value, greatest first and NaN last. */
  bestFirst(): number[] {
    const values = this.#values;
    const places = Array.from({ length: this.size }, (_, n) => n);
    places.sort((a, b) => {
      const [x, y] = [values[a], values[b]];
      if (x !== x || y !== y) return Number(x !== x) - Number(y !== y);
      return x === y ? 0 : x > y ? -1 : 1;
    });
    return places.map((n) => this.items[n]);
  }

  #isLess(n: number, m: number): boolean {
    const value = this.#values[n];
    return value !== value || value < this.#values[m];
  }

  #rise(from: number): void {
    let child = from;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#isLess(child, parent)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  #sink(): void {
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= this.size) return;
      if (child + 1 < this.size && this.#isLess(child + 1, child)) child++;
      if (!this.#isLess(child, parent)) return;
      this.#swap(child, parent);
      parent = child;
    }
  }

  #swap(n: number, m: number): void {
    const { items } = this;
    const values = this.#values;
    const item = items[n];
    items[n] = items[m];
    items[m] = item;
    const value = values[n];
    values[n] = values[m];
    values[m] = value;
  }
}
