/**
 * Every function of windows, as queries reach it, against its rule read literally (rules.test.support.ts), and with `offset` and without. That
 * what slides equals what does not, to the bit, is range-functions.test.ts's.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ZERO_MS } from "../testing/harness.ts";
import {
  counted,
  isClose,
  moderate,
  type Recorded,
  recorded,
  sourceOf,
} from "../testing/random-series.test.support.ts";
import { evaluatePromRange } from "./eval.ts";
import { rangeFunctions } from "./range-functions.ts";
import { RULES, type Window } from "./rules.test.support.ts";

interface Shape {
  readonly startMs: number;
  readonly stepMs: number;
  readonly points: number;
  readonly rangeMs: number;
  readonly offsetMs: number;
}

function shapes({ intervalMs, timesMs }: Recorded): fc.Arbitrary<Shape> {
  const lengthMs = (timesMs.at(-1) ?? ZERO_MS) - ZERO_MS;
  return fc.record({
    startMs: fc.integer({ min: ZERO_MS - 3 * intervalMs, max: ZERO_MS + lengthMs + 3 * intervalMs }),
    stepMs: fc.constantFrom(1, 777, intervalMs / 5, intervalMs, intervalMs, 4 * intervalMs, 600_000),
    points: fc.integer({ min: 1, max: 30 }),
    rangeMs: fc.constantFrom(
      ...[1, intervalMs / 5, intervalMs, intervalMs + 1, 2 * intervalMs, 5 * intervalMs],
      ...[20 * intervalMs, 7_200_000],
    ),
    offsetMs: fc.constantFrom(0, 0, 0, 1, intervalMs, -2 * intervalMs),
  });
}

function windowsOf(series: Recorded, { startMs, stepMs, points, rangeMs, offsetMs }: Shape): Window[] {
  const samples = series.timesMs
    .map((ms, i) => ({ ms, v: series.values[i] as number | "marker" }))
    .filter(({ ms, v }, i) => series.timesMs[i + 1] !== ms && v !== "marker");
  return Array.from({ length: points }, (_, k) => {
    const timeMs = startMs + k * stepMs;
    const endMs = timeMs - offsetMs;
    const inside = samples.filter(({ ms }) => ms > endMs - rangeMs && ms <= endMs);
    return { v: inside.map(({ v }) => v as number), t: inside.map(({ ms }) => ms), endMs, rangeMs, timeMs };
  });
}

/** Sums of products lose the digits of what is small beside an infinity or a huge value. */
const DELICATE: ReadonlySet<string> = new Set(["deriv", "predict_linear"]);

test("there is a rule for every function of windows", () => {
  assert.deepEqual([...RULES.keys()].sort(), [...rangeFunctions.keys()].sort());
});

for (const [name, rule] of RULES) {
  if (name === "absent_over_time") continue;
  test(`${name} is what its rule says`, async () => {
    const args = rangeFunctions.get(name)?.args ?? [];
    const isFactor = name === "double_exponential_smoothing";
    const scalar = isFactor ? fc.constantFrom(0.01, 0.3, 0.99, NaN) : fc.constantFrom(0, 0.3, 1, 2, -1, 20, NaN);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(recorded, counted).chain((one) => fc.tuple(fc.constant(one), shapes(one))),
        scalar,
        scalar,
        async ([raw, shape], x, y) => {
          const series = DELICATE.has(name) ? moderate(raw) : raw;
          const { startMs, stepMs, points, rangeMs, offsetMs } = shape;
          const scalars = [x, y];
          const texts = args.map((type) =>
            type === "matrix" ? `m[${rangeMs}ms] offset ${offsetMs}ms` : `${scalars.shift()}`,
          );
          const query = `${name}(${texts.join(", ")})`;
          const options = {
            source: sourceOf(series),
            nowMs: 0,
            startMs,
            stepMs,
            endMs: startMs + (points - 1) * stepMs,
          };
          const { series: found } = await evaluatePromRange(query, options);
          assert.ok(found.length <= 1, query);
          const { timestamps = new Float64Array(0), values = new Float64Array(0) } = found[0] ?? {};
          const answers = new Map(Array.from(timestamps, (ms, i) => [ms, values[i] as number]));
          for (const w of windowsOf(series, shape)) {
            const want = w.v.length === 0 ? null : rule(w, x, y);
            const got = answers.get(w.timeMs) ?? null;
            assert.ok(isRight(name, got, want, w), `${query}: got ${got}, want ${want} of ${JSON.stringify(w)}`);
          }
        },
      ),
      { seed: 20240108, numRuns: 100 },
    );
  });
}

function isRight(name: string, got: number | null, want: number | null, { v }: Window): boolean {
  if (got === null || want === null) return got === want;
  let scale = 0;
  for (const x of v) if (Number.isFinite(x)) scale += Math.abs(x);
  if (name === "stddev_over_time") return isClose(got ** 2, want ** 2, scale ** 2);
  return isClose(got, want, name === "stdvar_over_time" ? scale ** 2 : scale, DELICATE.has(name) ? 1e-6 : 1e-9);
}
