/**
 * Samples as Prometheus counts them for `stats=`: not what was read, but what the evaluation looked at, point by point.
 *
 * - A selector looks at one sample a series at each point that sees one, a function of windows at all samples of each window, whether or not
 *   the window before had them too.
 * - What has the same value at every point, because `@` pins it, is counted at every point.
 * - Inside a subquery nothing is counted: its points are, by the windows over them.
 *
 * The peak counts an expression's points as held until the expression around it is done, though aggregates here let series pass one by one.
 * Rules: the engine of Prometheus 3.9, samplesStats and currentSamples.
 */
import type { PromSeries, PromValue } from "./value.ts";

/** Shared by the counts of a whole query. */
interface Held {
  now: number;
  most: number;
}

export class SampleCount {
  /** Samples looked at, by point of the grid. */
  readonly steps: Float64Array;
  readonly #held: Held;

  constructor(points: number, held: Held = { now: 0, most: 0 }) {
    this.steps = new Float64Array(points);
    this.#held = held;
  }

  /** For what is evaluated on another grid: counts apart, with the same peak. */
  inner(points: number): SampleCount {
    return new SampleCount(points, this.#held);
  }

  get total(): number {
    let sum = 0;
    for (const count of this.steps) sum += count;
    return sum;
  }

  get held(): number {
    return this.#held.now;
  }

  get peak(): number {
    return this.#held.most;
  }

  /** One series of a selector. */
  addSeries(present: Uint8Array): void {
    let count = 0;
    for (let k = 0; k < present.length; k++) {
      const one = present[k] as number;
      this.steps[k] = (this.steps[k] as number) + one;
      count += one;
    }
    this.hold(count);
  }

  /** As many at every point. */
  addEverywhere(count: number): void {
    for (let k = 0; k < this.steps.length; k++) this.steps[k] = (this.steps[k] as number) + count;
  }

  hold(count: number): void {
    this.#held.now += count;
    this.peek(0);
  }

  /** `count` more are held for a moment. */
  peek(count: number): void {
    this.#held.most = Math.max(this.#held.most, this.#held.now + count);
  }

  /** An expression is done: of what has been held since there were `before`, its value is left. */
  settle(before: number, left: number): void {
    this.#held.now = before + left;
    this.peek(0);
  }
}

/** Points that a value has. */
export function countPoints(value: PromValue, points: number): number {
  if (value.kind !== "vector") return value.kind === "scalar" ? points : 0;
  return value.series.reduce((sum, series) => sum + countPresent(series), 0);
}

function countPresent({ values, present }: PromSeries): number {
  if (present === null) return values.length;
  let count = 0;
  for (const one of present) count += one;
  return count;
}
