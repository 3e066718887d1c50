/** Rollups that make several series of one, named by what they find in the windows. */
import { formatShort } from "../number-text.ts";
import { quantileSorted, sortColumn } from "../statistics.ts";
import { VMRANGES, vmrangeIndex } from "../vmrange.ts";
import type { RollupRun } from "./run.ts";

/** Columns by the value of `label`, which replaces a label of that name. Points without a value are NaN. */
export interface RollupSpread {
  readonly label: string;
  spread(run: RollupRun): Map<string, Float64Array>;
}

/** quantiles_over_time: one series a phi. */
export function spreadQuantiles(label: string, phis: readonly number[]): RollupSpread {
  return {
    label,
    spread(run) {
      const columns = phis.map(() => new Float64Array(run.points));
      const sorted = run.scratchA();
      for (let k = 0; k < run.points; k++) {
        const first = run.firsts[k] as number;
        const count = (run.ends[k] as number) - first;
        for (let i = 0; i < count; i++) sorted[i] = run.values[first + i] as number;
        sortColumn(sorted, count);
        for (let p = 0; p < phis.length; p++) {
          (columns[p] as Float64Array)[k] = quantileSorted(phis[p] as number, sorted, count);
        }
      }
      return new Map(phis.map((phi, p) => [formatShort(phi), columns[p] as Float64Array]));
    },
  };
}

/** count_values_over_time: one series a distinct value, counting its samples. */
export function spreadValues(label: string): RollupSpread {
  return {
    label,
    spread(run) {
      const columns = new Map<number, Float64Array>();
      eachSample(run, (v, k) => bump(columns, v, k, run.points));
      return new Map([...columns].map(([v, column]) => [formatShort(v), column]));
    },
  };
}

/** histogram_over_time: one series a bucket that holds a sample of some window. */
export function spreadHistogram(): RollupSpread {
  return {
    label: "vmrange",
    spread(run) {
      const columns = new Map<number, Float64Array>();
      eachSample(run, (v, k) => {
        const index = vmrangeIndex(v);
        if (index >= 0) bump(columns, index, k, run.points);
      });
      return new Map([...columns].map(([index, column]) => [VMRANGES[index] as string, column]));
    },
  };
}

function eachSample(run: RollupRun, visit: (v: number, k: number) => void): void {
  for (let k = 0; k < run.points; k++) {
    const end = run.ends[k] as number;
    for (let i = run.firsts[k] as number; i < end; i++) visit(run.values[i] as number, k);
  }
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
