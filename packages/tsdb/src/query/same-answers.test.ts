/**
 * Ways of asking that must not matter, on random queries over random series: with the optimizer and without, at one time and over a range of one
 * point, at every time and over the range, whatever the order in which series come.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InputError } from "../base/errors.ts";
import { optimize } from "../metricsql/optimize.ts";
import { parse } from "../metricsql/parse.ts";
import { AGGREGATES } from "./aggregate/table.ts";
import { evaluateInstant, evaluateRange } from "./eval.ts";
import type { QueryResult } from "./result.ts";
import { ROLLUPS } from "./rollup/table.ts";
import { SCRAPE_MS, ZERO_MS } from "./testing/harness.ts";
import {
  EVERYTHING,
  randomAggregates,
  randomQueries,
  randomSeries,
  randomSource,
  SCRAPES,
} from "./testing/random-queries.test.support.ts";
import { isClose } from "./testing/random-series.test.support.ts";

const SEED = 20240109;
const END_MS = ZERO_MS + (SCRAPES + 3) * SCRAPE_MS;
const RANGE = { startMs: ZERO_MS - SCRAPE_MS, endMs: END_MS, stepMs: 2 * SCRAPE_MS, nowMs: END_MS, mayAlign: false };

const whole = fc.integer({ min: -3, max: 9 });
/** No two alike, so that no order is left to chance. */
const unlike = fc.double({ min: -100, max: 100, noNaN: true }).map((v) => (Math.abs(v) < 1e-9 ? 0 : v));

const OPERATORS = ["+", "-", "*", "/", ">", "<=", "== bool", "and", "unless", "if", "ifnot", "or", "default"];
const MATCHINGS = [
  "",
  "",
  "",
  "on (x)",
  "on (x, y)",
  "ignoring (y)",
  "ignoring (z)",
  "on (y) group_left ()",
  "on () group_left ()",
];
/** Right sides that filters go into, some of them a single series without labels, and some around other operators. */
const narrowable = fc.constantFrom(
  ...[
    "a",
    "b",
    "c",
    'b{x="2"}',
    "rate(b[1m])",
    "abs(a)",
    "max_over_time(b[2m])",
    "(a, b)",
    "(a, 1)",
    "sum(b)",
    "scalar(b)",
  ],
  ...[
    "sum(b) by (x)",
    "sum(b) by (x, y)",
    "max(b) without (y)",
    "sum(a) by (z)",
    "topk(1, a) by (x)",
    "count(b) by (x) limit 1",
  ],
  ...["(a + b)", "(sum(a) by (x) + sum(b))", "sum(a) by (x) or sum(b)", "sum(a) or sum(b)", 'label_set(a, "x", "1")'],
  ...[
    'label_del(limitk(1, b), "x", "y", "z", "__name__")',
    "vector(2)",
    "sum(rate(b[1m])) by (y)",
    "quantile(0.5, a) by (x)",
  ],
);

/** Labels, and values by time; in no order of series. */
type Answer = Map<string, Map<number, number>>;

function read({ series }: QueryResult): Answer {
  return new Map(
    series.map(({ labels, timestamps, values }) => [
      `${labels}`,
      new Map(Array.from(timestamps, (ms, i) => [ms, values[i] as number])),
    ]),
  );
}

/** null where the query is refused: two series of one label set, mostly. */
async function answered(result: Promise<QueryResult>): Promise<Answer | null> {
  try {
    return read(await result);
  } catch (error) {
    assert.ok(error instanceof InputError, String(error));
    return null;
  }
}

function assertClose(got: Answer, want: Answer, query: string, scale: number, digits: number): void {
  assert.deepEqual([...got.keys()].sort(), [...want.keys()].sort(), query);
  for (const [labels, points] of want) {
    const others = got.get(labels) as Map<number, number>;
    assert.deepEqual([...others.keys()], [...points.keys()], `${query}: ${labels}`);
    for (const [ms, value] of points) {
      const other = others.get(ms) as number;
      assert.ok(isClose(other, value, scale, digits), `${query}: ${labels} at ${ms}: got ${other}, want ${value}`);
    }
  }
}

test("a query that was made to read less answers the same", async () => {
  const seen = { answers: 0, lessRead: 0 };
  await fc.assert(
    fc.asyncProperty(randomSeries(whole), randomQueries(EVERYTHING, 3), async (list, query) => {
      const source = randomSource(list);
      const tree = parse(query);
      // What no text may be refused for, a smaller reading may spare: the other way round must not be.
      const plain = await answered(evaluateRange(tree, { source, ...RANGE }));
      if (plain === null) return;
      const less = await answered(evaluateRange(optimize(tree), { source, ...RANGE }));
      assert.deepEqual(less, plain, query);
      if (plain.size > 0) seen.answers++;
      if (optimize(tree) !== tree) seen.lessRead++;
    }),
    { seed: SEED, numRuns: 1500 },
  );
  assert.ok(seen.answers > 300 && seen.lessRead > 100, JSON.stringify(seen));
});

test("an operator whose right side is read for what the left one has answers the same", async () => {
  const seen = { answers: 0, lessRead: 0 };
  const kinds = { ...EVERYTHING, aggregates: EVERYTHING.aggregates.filter((name) => name !== "any") };
  const sides = fc.tuple(
    randomQueries(kinds, 2),
    fc.constantFrom(...OPERATORS),
    fc.constantFrom(...MATCHINGS),
    narrowable,
  );
  await fc.assert(
    fc.asyncProperty(randomSeries(whole), sides, fc.constantFrom(1, 2, 100), async (list, sides, valuesMax) => {
      const [left, op, matching, right] = sides;
      const isSet = /^[a-z]/.test(op);
      const query = `(${left}) ${op} ${isSet ? matching.replace(/ group_left.*/, "") : matching} ${right}`;
      const source = randomSource(list);
      const tree = parse(query);
      const within = async (values: number): Promise<Answer | null> => {
        const limits = { maxBinaryOpPushdownLabelValues: values };
        try {
          const result = await evaluateRange(tree, { source, limits, ...RANGE });
          samplesRead.push(result.stats.samplesRead);
          return read(result);
        } catch (error) {
          assert.ok(error instanceof InputError, String(error));
          return null;
        }
      };
      const samplesRead: number[] = [];
      const plain = await within(0);
      // What no text may be refused for, a smaller reading may spare: the other way round must not be.
      if (plain === null) return;
      assert.deepEqual(await within(valuesMax), plain, query);
      if (plain.size > 0) seen.answers++;
      if ((samplesRead[1] as number) < (samplesRead[0] as number)) seen.lessRead++;
    }),
    { seed: SEED, numRuns: 2000 },
  );
  assert.ok(seen.answers > 300 && seen.lessRead > 100, JSON.stringify(seen));
});

test("a query at one time is the query over a range of one point", async () => {
  await fc.assert(
    fc.asyncProperty(
      randomSeries(whole),
      randomQueries(EVERYTHING, 2),
      fc.integer({ min: -2, max: SCRAPES + 3 }),
      async (list, query, at) => {
        const timeMs = ZERO_MS + at * SCRAPE_MS + (at % 3);
        const options = { source: randomSource(list), stepMs: 2 * SCRAPE_MS, nowMs: END_MS, mayAlign: false };
        const instant = await answered(evaluateInstant(query, { ...options, timeMs }));
        assert.deepEqual(
          instant,
          await answered(evaluateRange(query, { ...options, startMs: timeMs, endMs: timeMs })),
          query,
        );
      },
    ),
    { seed: SEED, numRuns: 1000 },
  );
});

/**
 * Not so in MetricsQL: what looks at whole series of the range (`topk_avg`, `running_sum`, `any`, `union`) or has a value for gaps (`sgn`,
 * `histogram`, `!=`, `== bool`, and `^` where 1 is on the left), windows that are not written and values before them (an instant query knows no
 * distance of samples), deviations to the last digit (they slide), and what asks whether a side has a series at all (`default`, `if`, `fill`).
 */
const POINTWISE = {
  transforms: EVERYTHING.transforms.filter(
    (name) =>
      !/^(range_|running_|keep_|drop_|smooth_|sort|limit_offset|interpolate|remove_resets|scalar|sgn|bitmap|union|start$|end$)/.test(
        name,
      ),
  ),
  rollups: EVERYTHING.rollups.filter((name) => {
    const flags = ROLLUPS.get(name)?.flags ?? {};
    const looksBack = flags.previous ?? flags.widens ?? flags.resets;
    return looksBack !== true && !/^(aggr|mode|tlast_change|zscore|holt|std)/.test(name);
  }),
  aggregates: EVERYTHING.aggregates.filter((name) => !/^(any|limitk|outliers|histogram|(top|bottom)k_)/.test(name)),
  operators: EVERYTHING.operators.filter(
    (op) => !["if", "ifnot", "default", "!=", "^"].includes(op) && !op.endsWith("bool"),
  ),
  isExplicit: true,
};

test("a query over a range is the query at each of its times, where it looks at points one by one", async () => {
  let answers = 0;
  await fc.assert(
    fc.asyncProperty(randomSeries(whole), randomQueries(POINTWISE, 2), async (list, query) => {
      const source = randomSource(list);
      const whole = await answered(evaluateRange(query, { source, ...RANGE }));
      if (whole === null) return;
      const pieces: Answer = new Map();
      for (let timeMs = RANGE.startMs; timeMs <= RANGE.endMs; timeMs += RANGE.stepMs) {
        const { stepMs, nowMs } = RANGE;
        const piece = await answered(evaluateInstant(query, { source, timeMs, stepMs, nowMs, mayAlign: false }));
        // Two series of one group that meet at a point or two: a range lets that pass.
        if (piece === null) return;
        for (const [labels, points] of piece) {
          const joined = pieces.get(labels) ?? new Map<number, number>();
          pieces.set(labels, new Map([...joined, ...points]));
        }
      }
      assertClose(pieces, whole, query, 1, 1e-9);
      answers += whole.size;
    }),
    { seed: SEED, numRuns: 600 },
  );
  assert.ok(answers > 300, `${answers}`);
});

test("aggregates do not depend on the order of series", async () => {
  const names = [...AGGREGATES.keys()].filter((name) => name !== "any" && name !== "limitk");
  const kinds = { ...POINTWISE, aggregates: names };
  const shuffled = randomSeries(unlike).chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
  );
  await fc.assert(
    fc.asyncProperty(shuffled, randomAggregates(kinds), async ([list, other], query) => {
      const options = { ...RANGE, stepMs: SCRAPE_MS };
      const a = await answered(evaluateRange(query, { source: randomSource(list), ...options }));
      const b = await answered(evaluateRange(query, { source: randomSource(other), ...options }));
      // Squares of 100 that cancel each other leave something beside 0.
      assertClose(b ?? new Map(), a ?? new Map(), query, 1e5, 1e-12);
    }),
    { seed: SEED, numRuns: 1000 },
  );
});
