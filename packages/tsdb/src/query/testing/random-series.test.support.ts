/** Series as scrapes leave them, for property tests: a source of one such series, and what asks for it. */
import fc from "fast-check";
import { Labels } from "../../base/labels.ts";
import { ZERO_MS } from "./harness.ts";
import { MemorySource } from "./memory-source.ts";

/** A value, or a staleness marker. */
export type Value = number | "marker";

export interface Recorded {
  /** Distance that most neighbours have. */
  readonly intervalMs: number;
  /** Ascending; of two equal ones the later sample counts. */
  readonly timesMs: readonly number[];
  readonly values: readonly Value[];
}

const whole = fc.integer({ min: -9, max: 9 });
/** From values whose squares are still normal numbers to values whose squares are still finite. */
const wide = fc
  .tuple(fc.double({ min: 1, max: 10, maxExcluded: true }), fc.integer({ min: -120, max: 120 }), fc.boolean())
  .map(([mantissa, exponent, isNegative]) => (isNegative ? -1 : 1) * mantissa * 10 ** exponent);

/** Columns of a kind each: a counter with restarts looks unlike a gauge. */
const columns: fc.Arbitrary<fc.Arbitrary<Value>> = fc.constantFrom<fc.Arbitrary<Value>>(
  whole,
  fc.constantFrom(0, 1),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((v) => (Math.abs(v) < 1e-9 ? 0 : v)),
  fc.integer({ min: 0, max: 2 ** 40 }),
  fc.oneof({ weight: 6, arbitrary: whole }, { weight: 2, arbitrary: wide }),
  fc.oneof({ weight: 9, arbitrary: whole }, { weight: 1, arbitrary: fc.constantFrom(Infinity, -Infinity, -0) }),
  fc.oneof(
    { weight: 6, arbitrary: whole },
    { weight: 1, arbitrary: fc.constantFrom<Value>(NaN, "marker", "marker", Infinity) },
  ),
);

/** Gaps, jitter, and columns of a kind each. */
export const recorded: fc.Arbitrary<Recorded> = fc
  .tuple(fc.constantFrom(1_000, 5_000, 15_000, 60_000), columns)
  .chain(([intervalMs, value]) =>
    fc
      .array(
        fc.tuple(
          fc.oneof(
            { weight: 8, arbitrary: fc.constant(1) },
            { weight: 2, arbitrary: fc.double({ min: 0.9, max: 1.1, noNaN: true }) },
            // No distance: the later sample replaces the earlier one.
            { weight: 1, arbitrary: fc.constant(0) },
            { weight: 1, arbitrary: fc.integer({ min: 2, max: 25 }) },
          ),
          value,
        ),
        { maxLength: 50 },
      )
      .map((list) => {
        let ms = ZERO_MS;
        const timesMs = list.map(([distance]) => (ms += Math.round(distance * intervalMs)));
        return { intervalMs, timesMs, values: list.map(([, v]) => v) };
      }),
  );

/** A growing counter that restarts now and then, or falls a little. */
export const counted: fc.Arbitrary<Recorded> = recorded.chain((series) =>
  fc
    .array(fc.constantFrom(0, 1, 1, 2, 5, 0.5, -1, -1000, -Infinity), {
      minLength: series.values.length,
      maxLength: series.values.length,
    })
    .map((steps) => {
      let v = 0;
      const values = steps.map((step, i) => {
        v = Math.max(step < 0 ? v + (step === -Infinity ? -v : step) : v + step * 7, 0);
        return typeof series.values[i] === "number" && !Number.isNaN(series.values[i])
          ? v
          : (series.values[i] as Value);
      });
      return { ...series, values };
    }),
);

/** A source whose only series, `m`, has these samples. */
export function sourceOf(series: Recorded): MemorySource {
  const source = new MemorySource();
  const values = new Float64Array(series.values.length);
  const words = new Uint32Array(values.buffer);
  series.values.forEach((value, i) => {
    if (value === "marker") words.set([2, 0x7ff00000], 2 * i);
    else values[i] = value;
  });
  source.add(Labels.from([["__name__", "m"]]), series.timesMs, values);
  return source;
}

/** Without what swallows the digits of everything near it: infinities, NaN, markers, huge values. */
export function moderate(series: Recorded): Recorded {
  return { ...series, values: series.values.map((v) => (typeof v === "number" && !(Math.abs(v) < 2 ** 41) ? 3 : v)) };
}

/** Close enough for sums in another order; `scale` is how large what was added up has been. */
export function isClose(got: number, want: number, scale: number, digits = 1e-9): boolean {
  if (got === want || (Number.isNaN(got) && Number.isNaN(want))) return true;
  return Math.abs(got - want) <= digits * Math.abs(want) + 1e-3 * digits * scale;
}
