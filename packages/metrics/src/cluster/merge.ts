/**
 * Many snapshots into one answer.
 *
 *     worker 0   http_requests_total{method="GET"} 17  ┐
 *     worker 1   http_requests_total{method="GET"} 25  ├─▶  http_requests_total{method="GET"} 142
 *     departed   http_requests_total{method="GET"} 100 ┘
 *
 * | type | how |
 * |---|---|
 * | counter, gauge, unknown | by the family's `aggregation` |
 * | histogram with `le` | bucket by bucket; where bounds differ over all bounds (bucket-columns.ts) |
 * | histogram with `vmrange` | range by range |
 * | summary | sum and count added; quantiles cannot be added, so each process shows its own (or min, max, avg if the family says so) |
 *
 * `each` gives every process its own series, told apart by the label `worker`. What a dead process has counted stays
 * (`foldDeparted`); its gauges and quantiles go with it. A family that two processes type differently, as versions do while one replaces
 * another, is taken from the first; what says otherwise is left out and counted.
 *
 * Sums are exact before they are rounded (exact-sum.ts): who departed, and in which order, cannot be seen in them.
 */
import type { Family, ProcessAggregation, Sample } from "../exposition/family.ts";
import { appendLabel, formatLabel } from "../exposition/labels.ts";
import { listSampleNames } from "../exposition/sample-names.ts";
import { BucketColumns } from "./bucket-columns.ts";
import { ExactSum } from "./exact-sum.ts";
import { addWorkerLabel } from "./label-text.ts";
import { layoutSeries, type SeriesLayout } from "./series-layout.ts";
import type { Shape, ShapeFamily, Snapshot } from "./snapshot.ts";

/** What one process has to say. */
export interface Contribution {
  readonly snapshot: Pick<Snapshot, "shape" | "values">;
  /** Value of the label `worker`; null for what was folded already, which carries the label where it needs one. */
  readonly worker: string | null;
}

export interface Merged {
  /** Sorted by name. */
  readonly families: Family[];
  /** Families of a process that were left out because an earlier one gave their name another type, or to another family. */
  readonly conflicts: number;
}

export interface Folded {
  /** A label set may stand more than once: the parts of an exact sum. Merging adds them. */
  readonly families: Family[];
  /** Samples left out because there would have been more than `samplesMax`. */
  readonly dropped: number;
}

/** The sum of the group. `living` in the order they joined: the first one's types hold, the last one's value where two gauges collide. */
export function mergeSnapshots(living: readonly Contribution[], departed: Snapshot | null): Merged {
  const merge = new GroupMerge(false, Number.POSITIVE_INFINITY);
  for (const contribution of living) merge.add(contribution);
  if (departed !== null) merge.add({ snapshot: departed, worker: null });
  const families = withoutCollisions(merge.finish());
  const conflicts = merge.conflicts + (families.all - families.kept.length);
  return { families: families.kept.sort((a, b) => (a.name < b.name ? -1 : 1)), conflicts };
}

/** What `departed` and the `dead` have counted, as the new `departed`. At most `samplesMax` samples; those already kept stay. */
export function foldDeparted(departed: Snapshot | null, dead: readonly Contribution[], samplesMax: number): Folded {
  const merge = new GroupMerge(true, samplesMax);
  if (departed !== null) merge.add({ snapshot: withoutConflicts(departed, dead), worker: null });
  for (const contribution of dead) merge.add(contribution);
  return { families: merge.finish(), dropped: merge.dropped };
}

/** Without families whose samples are named like an earlier one's: a counter `x_count` of one version, a histogram `x` of another. */
function withoutCollisions(families: readonly Family[]): { kept: Family[]; all: number } {
  const owners = new Set<string>();
  const kept = families.filter((family) => {
    const names = listSampleNames(family);
    if (names.some((name) => owners.has(name))) return false;
    for (const name of names) owners.add(name);
    return true;
  });
  return { kept, all: families.length };
}

/** The younger version's type holds: what was counted under another one would hide its series for ever. */
function withoutConflicts(departed: Snapshot, dead: readonly Contribution[]): Contribution["snapshot"] {
  const types = new Map<string, string>();
  for (const { snapshot } of dead) for (const { name, type } of snapshot.shape) types.set(name, type);
  const shape: ShapeFamily[] = [];
  const values: number[] = [];
  forEachFamily(departed, (family, lo, hi) => {
    if ((types.get(family.name) ?? family.type) !== family.type) return;
    shape.push(family);
    for (let i = lo; i < hi; i++) values.push(departed.values[i] as number);
  });
  return { shape, values: Float64Array.from(values) };
}

function forEachFamily(
  snapshot: { readonly shape: Shape },
  visit: (family: ShapeFamily, lo: number, hi: number) => void,
): void {
  let lo = 0;
  for (const family of snapshot.shape) {
    const hi = lo + family.labels.length;
    visit(family, lo, hi);
    lo = hi;
  }
}

class GroupMerge {
  conflicts = 0;
  readonly #families = new Map<string, FamilyMerge>();
  readonly #folding: boolean;
  readonly #budget: Budget;

  constructor(folding: boolean, samplesMax: number) {
    this.#folding = folding;
    this.#budget = { left: samplesMax, dropped: 0 };
  }

  get dropped(): number {
    return this.#budget.dropped;
  }

  add({ snapshot, worker }: Contribution): void {
    forEachFamily(snapshot, (family, lo) => {
      if (this.#folding && !outlivesProcess(family)) return;
      let merge = this.#families.get(family.name);
      if (merge === undefined) {
        merge =
          family.type === "histogram" || family.type === "summary" ? new SeriesMerge(family) : new PlainMerge(family);
        this.#families.set(family.name, merge);
      }
      if (merge.family.type === family.type) merge.add(family, snapshot.values, lo, worker, this.#budget);
      else this.conflicts++;
    });
  }

  finish(): Family[] {
    return Array.from(this.#families.values(), (merge) => {
      const { name, type, help, unit, aggregation } = merge.family;
      const samples: Sample[] = [];
      merge.finish(samples, this.#folding);
      return { name, type, help, unit, aggregation, samples };
    });
  }
}

/** Only what counts outlives its process, and only where that has a meaning: not an average, not the least. */
function outlivesProcess({ type, aggregation }: ShapeFamily): boolean {
  if (type === "histogram" || type === "summary") return true;
  return type === "counter" && aggregation !== "avg" && aggregation !== "min";
}

/** Samples that may still be made. */
interface Budget {
  left: number;
  dropped: number;
}

interface FamilyMerge {
  readonly family: ShapeFamily;
  add(family: ShapeFamily, values: Float64Array, lo: number, worker: string | null, budget: Budget): void;
  finish(samples: Sample[], folding: boolean): void;
}

/** Counters and gauges: a cell a label set. */
class PlainMerge implements FamilyMerge {
  readonly family: ShapeFamily;
  readonly #cells = new Map<string, Cell>();

  constructor(family: ShapeFamily) {
    this.family = family;
  }

  add({ labels }: ShapeFamily, values: Float64Array, lo: number, worker: string | null, budget: Budget): void {
    const each = this.family.aggregation === "each" && worker !== null;
    const fresh = this.family.type !== "counter" && each;
    for (let i = 0; i < labels.length; i++) {
      const text = labels[i] as string;
      const cell = cellOf(this.#cells, each ? addWorkerLabel(text, worker) : text, budget);
      if (fresh) cell?.clear();
      cell?.add(values[lo + i] as number);
    }
  }

  finish(samples: Sample[], folding: boolean): void {
    const { aggregation } = this.family;
    for (const [labels, cell] of this.#cells) cell.show(samples, "", labels, aggregation, folding);
  }
}

/** Histograms and summaries: everything of one series together. */
class SeriesMerge implements FamilyMerge {
  readonly family: ShapeFamily;
  readonly #series = new Map<string, SeriesCells>();

  constructor(family: ShapeFamily) {
    this.family = family;
  }

  add(family: ShapeFamily, values: Float64Array, lo: number, worker: string | null, budget: Budget): void {
    const each = this.family.aggregation === "each" && worker !== null;
    for (const layout of layoutSeries(family)) {
      const labels = each ? addWorkerLabel(layout.labels, worker) : layout.labels;
      let cells = this.#series.get(labels);
      if (cells === undefined) {
        if (!spend(budget, layout.sampleCount)) continue;
        cells = new SeriesCells();
        this.#series.set(labels, cells);
      }
      cells.add(layout, values, lo, worker, this.family.aggregation);
    }
  }

  finish(samples: Sample[], folding: boolean): void {
    for (const [labels, cells] of this.#series) cells.show(samples, labels, this.family.aggregation, folding);
  }
}

class SeriesCells {
  readonly #columns = new BucketColumns();
  readonly #ranges = new Map<string, Cell>();
  /** Quantile's label text → worker, "" where they are aggregated → cell. */
  readonly #quantiles = new Map<string, Map<string, Cell>>();
  readonly #sum = new Cell();
  readonly #count = new Cell();

  add(
    layout: SeriesLayout,
    values: Float64Array,
    lo: number,
    worker: string | null,
    aggregation: ProcessAggregation,
  ): void {
    this.#columns.add(layout.buckets, values, lo);
    for (const { value, at } of layout.ranges) cellOf(this.#ranges, value, null)?.add(values[lo + at] as number);
    for (const { value, at } of layout.quantiles) {
      const cells = this.#quantiles.get(value) ?? new Map<string, Cell>();
      this.#quantiles.set(value, cells);
      cellOf(cells, aggregation === "sum" ? (worker ?? "") : "", null)?.add(values[lo + at] as number);
    }
    for (const at of layout.sums) this.#sum.add(values[lo + at] as number);
    for (const at of layout.counts) this.#count.add(values[lo + at] as number);
  }

  show(samples: Sample[], labels: string, aggregation: ProcessAggregation, folding: boolean): void {
    this.#columns.forEach((bound, sum) => {
      const text = appendLabel(labels, formatLabel("le", bound));
      for (const value of folding ? sum.parts : [sum.value]) samples.push({ suffix: "_bucket", labels: text, value });
    });
    const ranges = [...this.#ranges].sort(([a], [b]) => Number.parseFloat(a) - Number.parseFloat(b));
    for (const [range, cell] of ranges) {
      cell.show(samples, "_bucket", appendLabel(labels, formatLabel("vmrange", range)), "sum", folding);
    }
    if (!folding) this.#showQuantiles(samples, labels, aggregation);
    this.#sum.show(samples, "_sum", labels, "sum", folding);
    this.#count.show(samples, "_count", labels, "sum", folding);
  }

  #showQuantiles(samples: Sample[], labels: string, aggregation: ProcessAggregation): void {
    for (const [quantile, cells] of this.#quantiles) {
      for (const [worker, cell] of cells) {
        const series = worker === "" ? labels : addWorkerLabel(labels, worker);
        // Two processes under one name of a worker: the greater one, as good as any.
        const how = aggregation === "sum" || aggregation === "each" ? "max" : aggregation;
        cell.show(samples, "", appendLabel(series, formatLabel("quantile", quantile)), how, false);
      }
    }
  }
}

/** The values that meet under one label set. NaN is no value: it shows only if there is no other. */
class Cell {
  #sum = new ExactSum();
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #count = 0;
  #isSeen = false;

  add(value: number): void {
    this.#isSeen = true;
    if (Number.isNaN(value)) return;
    this.#sum.add(value);
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    this.#count++;
  }

  clear(): void {
    this.#sum = new ExactSum();
    this.#min = Number.POSITIVE_INFINITY;
    this.#max = Number.NEGATIVE_INFINITY;
    this.#count = 0;
  }

  /** Nothing if nothing was added. `exact` shows a sum in parts. */
  show(
    samples: Sample[],
    suffix: Sample["suffix"],
    labels: string,
    aggregation: ProcessAggregation,
    exact: boolean,
  ): void {
    if (!this.#isSeen) return;
    if (exact && (aggregation === "sum" || aggregation === "each")) {
      for (const value of this.#sum.parts) samples.push({ suffix, labels, value });
    } else {
      samples.push({ suffix, labels, value: this.#count === 0 ? Number.NaN : this.#value(aggregation) });
    }
  }

  #value(aggregation: ProcessAggregation): number {
    if (aggregation === "min") return this.#min;
    if (aggregation === "max") return this.#max;
    return aggregation === "avg" ? this.#sum.value / this.#count : this.#sum.value;
  }
}

/** The cell of `key`, made if there is none and the budget allows it. */
function cellOf(cells: Map<string, Cell>, key: string, budget: Budget | null): Cell | undefined {
  let cell = cells.get(key);
  if (cell === undefined) {
    if (budget !== null && !spend(budget, 1)) return undefined;
    cell = new Cell();
    cells.set(key, cell);
  }
  return cell;
}

function spend(budget: Budget, samples: number): boolean {
  if (budget.left < samples) {
    budget.dropped += samples;
    return false;
  }
  budget.left -= samples;
  return true;
}
