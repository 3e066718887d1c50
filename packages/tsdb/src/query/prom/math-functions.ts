/**
 * Functions of one number at a time: each point of each series by itself. NaN gives NaN where nothing else is said. The metric's name is
 * dropped.
 */
import type { QueryRun } from "../context.ts";
import { scalarOf, seriesOf } from "./arguments.ts";
import { dropMetadataOfAll } from "./label-sets.ts";
import type { InstantFunction } from "./tables.ts";
import type { PromSeries, PromValue } from "./value.ts";

export const mathFunctions: ReadonlyMap<string, InstantFunction> = new Map<string, InstantFunction>([
  /** abs(v): without the sign. */
  ["abs", pointwise(Math.abs)],
  /** ceil(v): up to a whole number. */
  ["ceil", pointwise(Math.ceil)],
  /** floor(v): down to a whole number. */
  ["floor", pointwise(Math.floor)],
  /** exp(v): exponential function, e^v. */
  ["exp", pointwise(Math.exp)],
  /** sqrt(v): square root; NaN below 0. */
  ["sqrt", pointwise(Math.sqrt)],
  /** ln(v): natural logarithm; -Inf for 0, NaN below. */
  ["ln", pointwise(Math.log)],
  /** log2(v): logarithm to base 2. */
  ["log2", pointwise(Math.log2)],
  /** log10(v): logarithm to base 10. */
  ["log10", pointwise(Math.log10)],
  /** sgn(v): -1 below 0, 1 above, else the value itself, NaN too. */
  ["sgn", pointwise((value) => (value < 0 ? -1 : value > 0 ? 1 : value))],

  /** sin(v): sine of radians. */
  ["sin", pointwise(Math.sin)],
  /** cos(v): cosine of radians. */
  ["cos", pointwise(Math.cos)],
  /** tan(v): tangent of radians. */
  ["tan", pointwise(Math.tan)],
  /** asin(v): arc sine in radians; NaN outside [-1, 1]. */
  ["asin", pointwise(Math.asin)],
  /** acos(v): arc cosine in radians; NaN outside [-1, 1]. */
  ["acos", pointwise(Math.acos)],
  /** atan(v): arc tangent in radians. Of two numbers: the operator `atan2`. */
  ["atan", pointwise(Math.atan)],
  /** sinh(v): hyperbolic sine. */
  ["sinh", pointwise(Math.sinh)],
  /** cosh(v): hyperbolic cosine. */
  ["cosh", pointwise(Math.cosh)],
  /** tanh(v): hyperbolic tangent. */
  ["tanh", pointwise(Math.tanh)],
  /** asinh(v): inverse hyperbolic sine. */
  ["asinh", pointwise(Math.asinh)],
  /** acosh(v): inverse hyperbolic cosine; NaN below 1. */
  ["acosh", pointwise(Math.acosh)],
  /** atanh(v): inverse hyperbolic tangent; NaN outside [-1, 1]. */
  ["atanh", pointwise(Math.atanh)],
  /** deg(v): radians to degrees. */
  ["deg", pointwise((value) => (value * 180) / Math.PI)],
  /** rad(v): degrees to radians. */
  ["rad", pointwise((value) => (value * Math.PI) / 180)],

  /** round(v [, to]): to the nearest multiple of `to`, 1 if not given; from half way upwards, so -2.5 becomes -2. */
  [
    "round",
    {
      args: ["vector", "scalar"],
      optional: 1,
      returns: "vector",
      evaluate: ({ grid }, _call, args) =>
        round(grid.run, seriesOf(args, 0), args.length > 1 ? scalarOf(args, 1) : null),
    },
  ],
  /**
   * clamp(v, min, max): at least min, at most max. No value at points where max is below min; NaN where one of them is
   * NaN.
   */
  [
    "clamp",
    {
      args: ["vector", "scalar", "scalar"],
      returns: "vector",
      evaluate: ({ grid }, _call, args) => clamp(grid.run, seriesOf(args, 0), scalarOf(args, 1), scalarOf(args, 2)),
    },
  ],
  /** clamp_min(v, min): at least min. */
  [
    "clamp_min",
    {
      args: ["vector", "scalar"],
      returns: "vector",
      evaluate: ({ grid }, _call, args) => clamp(grid.run, seriesOf(args, 0), scalarOf(args, 1), null),
    },
  ],
  /** clamp_max(v, max): at most max. */
  [
    "clamp_max",
    {
      args: ["vector", "scalar"],
      returns: "vector",
      evaluate: ({ grid }, _call, args) => clamp(grid.run, seriesOf(args, 0), null, scalarOf(args, 1)),
    },
  ],
  /** min_of(a, b): the smaller of two scalars. */
  ["min_of", ofTwo(minOf)],
  /** max_of(a, b): the larger of two scalars. */
  ["max_of", ofTwo(maxOf)],
]);

function pointwise(compute: (value: number) => number): InstantFunction {
  return {
    args: ["vector"],
    returns: "vector",
    evaluate: async ({ grid: { run } }, _call, args) => {
      const list = seriesOf(args, 0);
      for (const { values } of list) {
        // What stands where no value is present is computed along: cheaper than asking.
        for (let k = 0; k < values.length; k++) values[k] = compute(values[k] as number);
        if (run.isDue()) await run.breathe();
      }
      return { kind: "vector", series: await dropMetadataOfAll(run, list) };
    },
  };
}

function ofTwo(compute: (a: number, b: number) => number): InstantFunction {
  return {
    args: ["scalar", "scalar"],
    returns: "scalar",
    evaluate: (_context, _call, args) => {
      const b = scalarOf(args, 1);
      return { kind: "scalar", values: scalarOf(args, 0).map((value, k) => compute(value, b[k] as number)) };
    },
  };
}

async function round(run: QueryRun, list: PromSeries[], to: Float64Array | null): Promise<PromValue> {
  for (const { values } of list) {
    for (let k = 0; k < values.length; k++) {
      // Multiplying by the inverse hurts fewer decimal steps than dividing does.
      const inverse = to === null ? 1 : 1 / (to[k] as number);
      values[k] = Math.floor((values[k] as number) * inverse + 0.5) / inverse;
    }
    if (run.isDue()) await run.breathe();
  }
  return { kind: "vector", series: await dropMetadataOfAll(run, list) };
}

async function clamp(
  run: QueryRun,
  list: PromSeries[],
  min: Float64Array | null,
  max: Float64Array | null,
): Promise<PromValue> {
  const crossed = min === null || max === null ? null : crossedPoints(min, max);
  const kept: PromSeries[] = [];
  for (const series of list) {
    if (run.isDue()) await run.breathe();
    const { values } = series;
    for (let k = 0; k < values.length; k++) {
      const low = min === null ? -Infinity : (min[k] as number);
      const high = max === null ? Infinity : (max[k] as number);
      values[k] = maxOf(low, minOf(high, values[k] as number));
    }
    if (crossed !== null) {
      const present = series.present?.slice() ?? new Uint8Array(values.length).fill(1);
      for (let k = 0; k < present.length; k++) if (crossed[k] === 1) present[k] = 0;
      if (!present.includes(1)) continue;
      series.present = present;
    }
    kept.push(series);
  }
  return { kind: "vector", series: await dropMetadataOfAll(run, kept) };
}

/** 1 where max is below min; null if nowhere. */
function crossedPoints(min: Float64Array, max: Float64Array): Uint8Array | null {
  let crossed: Uint8Array | null = null;
  for (let k = 0; k < min.length; k++) {
    if ((max[k] as number) < (min[k] as number)) {
      crossed ??= new Uint8Array(min.length);
      crossed[k] = 1;
    }
  }
  return crossed;
}

/** NaN when one is NaN, except that nothing is below -Inf. Math.min has no such exception; Prometheus does. */
function minOf(a: number, b: number): number {
  return a === -Infinity || b === -Infinity ? -Infinity : Math.min(a, b);
}

function maxOf(a: number, b: number): number {
  return a === Infinity || b === Infinity ? Infinity : Math.max(a, b);
}
