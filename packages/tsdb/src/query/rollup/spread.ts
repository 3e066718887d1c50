/** Rollups that make several series of one, named by what they find in the windows. */
import { formatShort } from "../number-text.ts";
import { quantileSorted, sortColumn } from "../statistics.ts";
import { VMRANGES, vmrangeIndex } from "../vmrange.ts";
import type { RollupRun } from "./run.ts";

/** The columns of one series, while its windows are looked at. */
export interface Spreading {
  /** Once for each point, in order. */
  visit(k: number): void;
  /** By the value of the label. Points without a value are NaN. */
  columns(): Map<string, Float64Array>;
}

export interface RollupSpread {
  /** A label whose value names the columns; it replaces a label of that name. */
  readonly label: string;
  start(run: RollupRun): Spreading;
}

/** quantiles_over_time: one series a phi. */
export function spreadQuantiles(label: string, phis: readonly number[]): RollupSpread {
  return {
    label,
    start(run) {
      const columns = phis.map(() => new Float64Array(run.points));
      return {
        visit(k) {
          const sorted = run.scratchA();
          const first = run.firsts[k] as number;
          const count = (run.ends[k] as number) - first;
          for (let i = 0; i < count; i++) sorted[i] = run.values[first + i] as number;
          sortColumn(sorted, count);
          for (let p = 0; p < phis.length; p++) {
            (columns[p] as Float64Array)[k] = quantileSorted(phis[p] as number, sorted, count);
          }
        },
        columns: () => new Map(phis.map((phi, p) => [formatShort(phi), columns[p] as Float64Array])),
      };
    },
  };
}

/** count_values_over_time: one series a distinct value, counting its samples. */
export function spreadValues(label: string): RollupSpread {
  return {
    label,
    start(run) {
      const columns = new Map<number, Float64Array>();
      return {
        visit: (k) => eachSample(run, k, (v) => bump(columns, v, k, run.points)),
        columns: () => new Map([...columns].map(([v, column]) => [formatShort(v), column])),
      };
    },
  };
}

/** histogram_over_time: one series a bucket that holds a sample of some window. */
export function spreadHistogram(): RollupSpread {
  return {
    label: "vmrange",
    start(run) {
      const columns = new Map<number, Float64Array>();
      const count = (v: number, k: number): void => {
        const index = vmrangeIndex(v);
        if (index >= 0) bump(columns, index, k, run.points);
      };
      return {
        visit: (k) => eachSample(run, k, (v) => count(v, k)),
        columns: () => new Map([...columns].map(([index, column]) => [VMRANGES[index] as string, column])),
      };
    },
  };
}

function eachSample(run: RollupRun, k: number, visit: (v: number) => void): void {
  const end = run.ends[k] as number;
  for (let i = run.firsts[k] as number; i < end; i++) visit(run.values[i] as number);
}

function bump(columns: Map<number, Float64Array>, key: number, k: number, points: number): void {
  let column = columns.get(key);
  if (column === undefined) {
    column = new Float64Array(points).fill(NaN);
    columns.set(key, column);
  }
  const count = column[k] as number;
  column[k] = count === count ? count + 1 : 1;
}
