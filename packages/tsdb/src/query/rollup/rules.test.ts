/**
 * Every rollup, as queries reach it, against its rule read literally (rules.test.support.ts): random series with gaps, restarts, equal values,
 * markers, NaN, infinities, tiny and huge magnitudes; windows shorter and longer than the distance of samples, before, across and behind them.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluateRange } from "../eval.ts";
import { ZERO_MS } from "../testing/harness.ts";
import {
  counted,
  isClose,
  moderate,
  type Recorded,
  recorded,
  sourceOf,
  type Value,
} from "../testing/random-series.test.support.ts";
import type { Rule, Sample, Window } from "./rules.test.support.ts";
import * as rules from "./rules.test.support.ts";
import { ROLLUPS, type RollupEntry } from "./table.ts";

const SEED = 20240107;

interface Shape {
  readonly startMs: number;
  readonly stepMs: number;
  readonly points: number;
  /** 0: not written. */
  readonly windowMs: number;
  readonly lookbackMs: number;
  readonly minStalenessMs: number;
}

function shapes({ intervalMs, timesMs }: Recorded): fc.Arbitrary<Shape> {
  const lengthMs = (timesMs.at(-1) ?? ZERO_MS) - ZERO_MS;
  return fc.record({
    startMs: fc.integer({ min: ZERO_MS - 3 * intervalMs, max: ZERO_MS + lengthMs + 3 * intervalMs }),
    stepMs: fc.constantFrom(1, 777, intervalMs / 5, intervalMs, intervalMs, 4 * intervalMs, 600_000),
    points: fc.oneof(
      { weight: 1, arbitrary: fc.constant(1) },
      { weight: 5, arbitrary: fc.integer({ min: 2, max: 30 }) },
    ),
    windowMs: fc.constantFrom(
      ...[0, 0, 1, intervalMs / 5, intervalMs, intervalMs, intervalMs + 1, 2 * intervalMs, 5 * intervalMs],
      ...[300_000, 7_200_000],
    ),
    lookbackMs: fc.constantFrom(0, 0, 0, 2 * intervalMs),
    minStalenessMs: fc.constantFrom(0, 0, 0, 3 * intervalMs),
  });
}

const scalar = fc.constantFrom(0, 0.3, 1, 2, -1, 20, NaN);

/** Columns by label value; the label's name is not of interest. */
async function answer(query: string, series: Recorded, shape: Shape): Promise<Map<string, number[]>> {
  const { startMs, stepMs, points, lookbackMs, minStalenessMs } = shape;
  const endMs = startMs + (points - 1) * stepMs;
  const range = { startMs, endMs, stepMs, lookbackMs, minStalenessMs };
  const result = await evaluateRange(query, { source: sourceOf(series), nowMs: endMs, mayAlign: false, ...range });
  return new Map(
    result.series.map(({ labels, timestamps, values: found }) => {
      const column = new Array<number>(points).fill(NaN);
      timestamps.forEach((ms, i) => {
        column[(ms - startMs) / stepMs] = found[i] as number;
      });
      return [labels.pairs[1] ?? "", column];
    }),
  );
}

/** The windows that a rollup is shown, its samples prepared. */
function windowsFor(name: string, series: Recorded, shape: Shape): Window[] {
  const { flags } = ROLLUPS.get(name) as RollupEntry;
  const { stepMs, points, windowMs, lookbackMs, minStalenessMs } = shape;
  // Candles look one step ahead.
  const startMs = shape.startMs + (name === "rollup_candlestick" ? stepMs : 0);
  const endMs = startMs + (points - 1) * stepMs;
  const fromMs = startMs - Math.max(windowMs, stepMs) - (flags.previous === true ? minStalenessMs || 300_000 : 0);
  let samples: Sample[] = [];
  series.timesMs.forEach((ms, i) => {
    const value = series.values[i] as Value;
    if (series.timesMs[i + 1] === ms || ms < fromMs || ms > endMs) return;
    if (value === "marker" ? flags.markers === true : !Number.isNaN(value)) {
      samples.push({ v: value === "marker" ? NaN : value, ms });
    }
  });
  if (flags.resets === true) samples = rules.withoutResets(samples, lookbackMs > 0 ? lookbackMs + windowMs : 0);
  if (flags.between !== undefined) samples = rules.between(flags.between, samples);
  const isDefaultRollup = name === "default_rollup";
  return rules.windowsOf(samples, { ...shape, startMs, mayWiden: flags.widens === true, isDefaultRollup });
}

/** Where digits may differ: how large what is added up has been. */
function scaleOf({ v, previous, realPrevious, next }: Window): number {
  let scale = 0;
  for (const x of [...v, previous?.v, realPrevious?.v, next?.v]) if (Number.isFinite(x)) scale += Math.abs(x as number);
  return scale;
}

/** Powers of the values' magnitude that a result's rounding errors grow with; 1 if it is not here. */
const POWERS: ReadonlyMap<string, number> = new Map([
  ["stdvar_over_time", 2],
  ["sum2_over_time", 2],
]);

/** What loses digits, or all of them, to a single large value: series of moderate ones only. */
const DELICATE: ReadonlySet<string> = new Set(["deriv", "predict_linear", "zscore_over_time", "mad_over_time"]);

async function check(name: string, tag: string | null, rule: Rule): Promise<void> {
  const { args, flags } = ROLLUPS.get(name) as RollupEntry;
  const series = flags.resets === true || name === "resets" ? fc.oneof(recorded, counted) : recorded;
  await fc.assert(
    fc.asyncProperty(
      series.chain((one) => fc.tuple(fc.constant(one), shapes(one))),
      scalar,
      scalar,
      async ([raw, shape], x, y) => {
        const one = DELICATE.has(name) ? moderate(raw) : flags.resets === true ? withoutAbyss(raw) : raw;
        const scalars = [x, y];
        const texts = args.map((kind) =>
          kind === "series" ? rolled(shape.windowMs) : kind === "scalar" ? `${scalars.shift()}` : `"${tag}"`,
        );
        const query = `${name}(${texts.join(", ")})`;
        const columns = await answer(query, one, shape);
        assert.ok(columns.size <= 1, query);
        const got = columns.values().next().value;
        windowsFor(name, one, shape).forEach((w, k) => {
          const want = rule(w, x, y);
          const value = got?.[k] ?? NaN;
          const isRoot = name === "stddev_over_time";
          const scale = scaleOf(w) ** (isRoot ? 2 : (POWERS.get(name) ?? 1)) * (name === "integrate" ? 1e4 : 1);
          const isRight = isRoot
            ? isClose(value ** 2, want ** 2, scale)
            : isClose(value, want, scale, DELICATE.has(name) ? 1e-6 : 1e-9);
          assert.ok(isRight, `${query}, point ${k}: got ${value}, want ${want} of ${JSON.stringify(w)}`);
        });
      },
    ),
    { seed: SEED, numRuns: 60 },
  );
}

function rolled(windowMs: number): string {
  return windowMs === 0 ? "m" : `m[${windowMs}ms]`;
}

/** No counter falls to -Inf: what it would have lost is no number. */
function withoutAbyss(series: Recorded): Recorded {
  return { ...series, values: series.values.map((v) => (v === -Infinity ? 0 : v)) };
}

const MANY: readonly [string, ReadonlyMap<string, Rule>][] = [
  ...["rollup", "rollup_delta", "rollup_deriv", "rollup_increase", "rollup_rate", "rollup_scrape_interval"].map(
    (name): [string, ReadonlyMap<string, Rule>] => [name, rules.EXTREMES],
  ),
  ["rollup_candlestick", rules.CANDLES],
];

test("there is a rule for every rollup", () => {
  const named = [...rules.RULES.keys(), ...rules.SPREADS.keys(), ...MANY.map(([name]) => name), "aggr_over_time"];
  assert.deepEqual(named.sort(), [...ROLLUPS.keys()].sort());
});

for (const [name, rule] of rules.RULES) test(`${name} is what its rule says`, () => check(name, null, rule));

for (const [name, parts] of MANY) {
  for (const [tag, rule] of parts) test(`${name}, ${tag}, is what its rule says`, () => check(name, tag, rule));
}

for (const [name, rule] of rules.SPREADS) {
  test(`${name} is what its rule says`, async () => {
    const text = (window: string): string =>
      name === "histogram_over_time"
        ? `${name}(${window})`
        : `${name}("by", ${name.startsWith("q") ? "0.25, 1, " : ""}${window})`;
    await fc.assert(
      fc.asyncProperty(
        recorded.chain((one) => fc.tuple(fc.constant(one), shapes(one))),
        async ([raw, shape]) => {
          const one = moderate(raw);
          const query = text(rolled(shape.windowMs));
          const columns = await answer(query, one, shape);
          windowsFor(name, one, shape).forEach((w, k) => {
            const got = [...columns].map(([label, column]) => [label, column[k]] as const);
            const found = new Map(got.filter(([, value]) => !Number.isNaN(value)));
            const wanted = new Map([...rule(w)].filter(([, value]) => !Number.isNaN(value)));
            assert.deepEqual(found, wanted, `${query}, point ${k} of ${JSON.stringify(w)}`);
          });
        },
      ),
      { seed: SEED, numRuns: 60 },
    );
  });
}

test("aggr_over_time answers what the rollups it names answer to the samples it reads", async () => {
  const names = [...ROLLUPS].filter(([name, { args, flags }]) => {
    const isPlain = args.length === 1 && args[0] === "series" && rules.RULES.has(name);
    return (
      isPlain && flags.resets !== true && flags.markers !== true && flags.widens !== true && name !== "absent_over_time"
    );
  });
  await fc.assert(
    fc.asyncProperty(
      recorded.chain((one) => fc.tuple(fc.constant(one), shapes(one))),
      fc.constantFrom(...names.map(([name]) => name)),
      async ([raw, shape], name) => {
        const one = moderate(raw);
        const got = [...(await answer(`aggr_over_time("${name}", ${rolled(shape.windowMs)})`, one, shape)).values()][0];
        const rule = rules.RULES.get(name) as Rule;
        windowsFor("aggr_over_time", one, shape).forEach((w, k) => {
          const want = rule(w, NaN, NaN);
          const scale = Math.max(scaleOf(w), scaleOf(w) ** 2) * 1e4;
          assert.ok(isClose(got?.[k] ?? NaN, want, scale), `${name}, point ${k}: got ${got?.[k]}, want ${want}`);
        });
      },
    ),
    { seed: SEED, numRuns: 300 },
  );
});
