/**
 * topk and bottomk: at each point the series with the k best values of each group.
 *
 * Each point of a group has a heap of k with its worst on top; a value enters only if it is better than that one. Which of several equal
 * values stay therefore depends on the order of the series and of the heap, and both are Prometheus' (Go's container/heap), so
 * that ties end alike.
 *
 *   heaps of one group     point 0 [item value] × capacity | point 1 … |
 *   an item                the place of a series, which is let go of when no heap has it any more
 *
 * So k values a point are held, not the columns of all series.
 */
import type { Labels } from "../../base/labels.ts";
import type { PromAggregate } from "../../promql/ast.ts";
import type { QueryRun } from "../context.ts";
import { sortPaced } from "../pace.ts";
import type { PromContext } from "./context.ts";
import { Groups } from "./grouping.ts";
import { countsParam } from "./parameters.ts";
import type { Presence } from "./presence.ts";
import type { AggregateFunction, Aggregation } from "./tables.ts";
import type { PromSeries } from "./value.ts";

/** An instant answer is in order of rank, group by group. */
export const topk: AggregateFunction = (context, node, param) => new Ranking(context, node, countsParam(param), 1);

export const bottomk: AggregateFunction = (context, node, param) => new Ranking(context, node, countsParam(param), -1);

class Ranking implements Aggregation {
  readonly keepsColumns = false;
  readonly onlyReads = true;
  readonly #context: PromContext;
  readonly #groups: Groups<Heaps>;

  /** @param sign of values: the greatest ones stay */
  constructor(context: PromContext, node: PromAggregate, counts: Int32Array, sign: number) {
    this.#context = context;
    const memory = new HeapMemory(context.grid.run, counts.length);
    this.#groups = new Groups(node, () => new Heaps(counts, sign, memory));
  }

  add(labels: Labels, values: Float64Array, present: Presence): boolean {
    this.#groups.of(labels).offer(labels, values, present);
    return false;
  }

  async finish(): Promise<PromSeries[]> {
    const { grid } = this.#context;
    const list: PromSeries[] = [];
    for (const heaps of this.#groups.all()) {
      for (const series of await heaps.series(grid.run, grid.isInstant())) list.push(series);
      if (grid.run.isDue()) await grid.run.breathe();
    }
    return list;
  }
}

/** Asks for what the heaps of all groups take together: twelve bytes an item, as one and a half columns. */
class HeapMemory {
  readonly #run: QueryRun;
  readonly #points: number;
  #capacity = 0;

  constructor(run: QueryRun, points: number) {
    this.#run = run;
    this.#points = points;
  }

  reserve(capacity: number): void {
    this.#capacity += capacity;
    this.#run.reserveColumns(1.5 * this.#capacity, this.#points);
  }
}

/** Items a heap has room for at first; small, since there may be many groups. */
const CAPACITY_MIN = 4;

/** The heaps of one group, one a point. NaN is less than anything. */
class Heaps {
  readonly #counts: Int32Array;
  readonly #most: number;
  readonly #sign: number;
  readonly #memory: HeapMemory;
  #capacity = 0;
  readonly #sizes: Int32Array;
  #items: Int32Array = new Int32Array(0);
  #values: Float64Array = new Float64Array(0);
  /** By item: the series, how many heaps have it, and when it came. */
  readonly #labels: Labels[] = [];
  readonly #holders: number[] = [];
  readonly #arrivals: number[] = [];
  readonly #free: number[] = [];
  #arrived = 0;

  /** `counts`: how many items the heap of each point may have. */
  constructor(counts: Int32Array, sign: number, memory: HeapMemory) {
    this.#counts = counts;
    this.#most = counts.reduce((a, b) => Math.max(a, b), 0);
    this.#sign = sign;
    this.#memory = memory;
    this.#sizes = new Int32Array(counts.length);
  }

  offer(labels: Labels, column: Float64Array, present: Presence): void {
    const counts = this.#counts;
    const sizes = this.#sizes;
    const sign = this.#sign;
    this.#arrived++;
    let item = -1;
    for (let k = 0; k < counts.length; k++) {
      if (present !== null && present[k] === 0) continue;
      const limit = counts[k];
      if (limit <= 0) continue;
      const value = sign * column[k];
      const size = sizes[k];
      if (size < limit) {
        if (size === this.#capacity) this.#grow();
        if (item < 0) item = this.#take(labels);
        const base = k * this.#capacity;
        this.#put(base + size, item, value);
        sizes[k] = size + 1;
        this.#rise(base, size);
        continue;
      }
      const base = k * this.#capacity;
      const worst = this.#values[base];
      if (!(worst < value || (worst !== worst && value === value))) continue;
      if (item < 0) item = this.#take(labels);
      this.#release(this.#items[base]);
      this.#put(base, item, value);
      this.#sink(base, size);
    }
  }

  /** The series that some heap has, with their values where it does: in order of arrival, or of rank at the one point there is. */
  async series(run: QueryRun, isRanked: boolean): Promise<PromSeries[]> {
    const points = this.#counts.length;
    const order = await (isRanked ? this.#bestFirst(run) : this.#byArrival(run));
    run.reserveColumns(order.length, points);
    const found: (PromSeries & { present: Uint8Array })[] = [];
    for (const item of order) {
      if (run.isDue()) await run.breathe();
      found[item] = {
        labels: this.#labels[item],
        values: new Float64Array(points),
        present: new Uint8Array(points),
      };
    }
    for (let k = 0; k < points; k++) {
      if (run.isDue()) await run.breathe();
      const base = k * this.#capacity;
      for (let n = base; n < base + this.#sizes[k]; n++) {
        const { values, present } = found[this.#items[n]];
        values[k] = this.#sign * this.#values[n];
        present[k] = 1;
      }
    }
    return order.map((item) => found[item]);
  }

  #byArrival(run: QueryRun): Promise<number[]> {
    const arrivals = this.#arrivals;
    const order: number[] = [];
    for (let item = 0; item < this.#holders.length; item++) if (this.#holders[item] > 0) order.push(item);
    return sortPaced(run, order, (a, b) => arrivals[a] - arrivals[b]);
  }

  /** The items of the first point by value, greatest first and NaN last. */
  async #bestFirst(run: QueryRun): Promise<number[]> {
    const values = this.#values;
    const places = Array.from({ length: this.#sizes[0] }, (_, n) => n);
    await sortPaced(run, places, (a, b) => {
      const [x, y] = [values[a], values[b]];
      if (x !== x || y !== y) return Number(x !== x) - Number(y !== y);
      return x === y ? 0 : x > y ? -1 : 1;
    });
    return places.map((n) => this.#items[n]);
  }

  /** An item for a series that is about to enter its first heap. */
  #take(labels: Labels): number {
    const item = this.#free.pop() ?? this.#holders.length;
    this.#labels[item] = labels;
    this.#holders[item] = 0;
    this.#arrivals[item] = this.#arrived;
    return item;
  }

  #release(item: number): void {
    if (--this.#holders[item] === 0) this.#free.push(item);
  }

  #put(n: number, item: number, value: number): void {
    this.#items[n] = item;
    this.#values[n] = value;
    this.#holders[item]++;
  }

  #grow(): void {
    const before = this.#capacity;
    const capacity = Math.min(this.#most, Math.max(CAPACITY_MIN, 2 * before));
    this.#memory.reserve(capacity - before);
    const points = this.#counts.length;
    const items = new Int32Array(points * capacity);
    const values = new Float64Array(points * capacity);
    for (let k = 0; k < points; k++) {
      items.set(this.#items.subarray(k * before, (k + 1) * before), k * capacity);
      values.set(this.#values.subarray(k * before, (k + 1) * before), k * capacity);
    }
    this.#capacity = capacity;
    this.#items = items;
    this.#values = values;
  }

  #rise(base: number, from: number): void {
    let child = from;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#isLess(base + child, base + parent)) return;
      this.#swap(base + child, base + parent);
      child = parent;
    }
  }

  #sink(base: number, size: number): void {
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= size) return;
      if (child + 1 < size && this.#isLess(base + child + 1, base + child)) child++;
      if (!this.#isLess(base + child, base + parent)) return;
      this.#swap(base + parent, base + child);
      parent = child;
    }
  }

  #isLess(n: number, m: number): boolean {
    const value = this.#values[n];
    return value !== value || value < this.#values[m];
  }

  #swap(n: number, m: number): void {
    const items = this.#items;
    const values = this.#values;
    const item = items[n];
    items[n] = items[m];
    items[m] = item;
    const value = values[n];
    values[n] = values[m];
    values[m] = value;
  }
}
