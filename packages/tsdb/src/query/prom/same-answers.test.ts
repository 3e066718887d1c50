/**
 * A PromQL query over a range is the query at each of its times, whatever the query: what is pinned by `@` and evaluated once for all points
 * (invariant.ts), what slides, what is aggregated. And aggregations do not depend on the order of series.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InputError } from "../../base/errors.ts";
import { AGGREGATE_PARAMS } from "../../promql/operators.ts";
import { parsePromql } from "../../promql/parse.ts";
import type { QueryResult } from "../result.ts";
import { SCRAPE_MS, ZERO_MS } from "../testing/harness.ts";
import { randomSeries, randomSource } from "../testing/random-queries.test.support.ts";
import { isClose } from "../testing/random-series.test.support.ts";
import { evaluatePromInstant, evaluatePromRange } from "./eval.ts";
import { findInvariant } from "./invariant.ts";
import { randomPromql } from "./testing/random-promql.test.support.ts";

const SEED = 20240110;
const START_MS = ZERO_MS - SCRAPE_MS;
const RANGE = { startMs: START_MS, endMs: START_MS + 10 * 20_000, stepMs: 20_000, nowMs: 0 };

/** Labels, and `time value`s. */
type Answer = Map<string, string[]>;

function add(answer: Answer, { series }: QueryResult): void {
  for (const { labels, timestamps, values } of series) {
    const points = answer.get(`${labels}`) ?? [];
    answer.set(`${labels}`, points);
    for (let i = 0; i < values.length; i++) points.push(`${timestamps[i]} ${values[i]}`);
  }
}

/** What the times of the query are, written out: an instant query has others. */
function at(text: string, isRange: boolean): string {
  const time = (name: string, ms: number): string => (isRange ? `${name}()` : `${ms / 1000}`);
  return text.replaceAll("START", time("start", RANGE.startMs)).replaceAll("END", time("end", RANGE.endMs));
}

test("a query over a range is the query at each of its times", async () => {
  const seen = { answers: 0, refused: 0, invariant: 0 };
  const value = fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: -3, max: 9 }) },
    { weight: 1, arbitrary: fc.constantFrom(NaN, Infinity, -0, 0.1) },
  );
  await fc.assert(
    fc.asyncProperty(randomSeries(value), randomPromql("vector", 3), async (list, text) => {
      const source = randomSource(list);
      const whole: Answer = new Map();
      const pieces: Answer = new Map();
      let isRefused = false;
      try {
        add(whole, await evaluatePromRange(at(text, true), { source, ...RANGE }));
      } catch (error) {
        assert.ok(error instanceof InputError, `${text}: ${error}`);
        isRefused = true;
      }
      for (let timeMs = RANGE.startMs; timeMs <= RANGE.endMs; timeMs += RANGE.stepMs) {
        try {
          add(pieces, await evaluatePromInstant(at(text, false), { source, nowMs: 0, timeMs }));
        } catch (error) {
          assert.ok(error instanceof InputError, `${text}: ${error}`);
          // What two series collide at here, they collide at there.
          assert.ok(isRefused, `${text}: refused at ${timeMs} only: ${error.message}`);
        }
      }
      if (isRefused) seen.refused++;
      else assert.deepEqual(whole, pieces, text);
      if (whole.size > 0) seen.answers++;
      const tree = parsePromql(at(text, true));
      for (const node of findInvariant(tree)) {
        if (node.kind === "number" || node.kind === "string") continue;
        seen.invariant++;
        break;
      }
    }),
    { seed: SEED, numRuns: 500 },
  );
  assert.ok(seen.answers > 100 && seen.invariant > 100, JSON.stringify(seen));
});

test("aggregations do not depend on the order of series", async () => {
  // limitk is about the order, and nothing else.
  const aggregations = [...AGGREGATE_PARAMS].filter(([op]) => op !== "limitk");
  const unlike = fc.integer({ min: 1, max: 2 ** 30 }).map((v) => v / 2 ** 20 + 1 / 3);
  const lists = randomSeries(unlike).chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
  );
  await fc.assert(
    fc.asyncProperty(
      lists,
      fc.constantFrom(...aggregations),
      fc.constantFrom("", "by (x)", "without (z)"),
      async ([list, other], [op, param], grouping) => {
        const first = param === null ? "" : param === "string" ? '"v", ' : op.endsWith("k") ? "2, " : "0.4, ";
        const query = `${op} ${grouping} (${first}{__name__=~"a|b"})`;
        const [a, b] = [new Map<string, string[]>(), new Map<string, string[]>()];
        add(a, await evaluatePromRange(query, { source: randomSource(list), ...RANGE }));
        add(b, await evaluatePromRange(query, { source: randomSource(other), ...RANGE }));
        assert.deepEqual([...a.keys()].sort(), [...b.keys()].sort(), query);
        for (const [labels, points] of a) {
          points.forEach((point, i) => {
            const [ms, value] = point.split(" ") as [string, string];
            const [otherMs, otherValue] = (b.get(labels)?.[i] ?? "").split(" ") as [string, string];
            assert.equal(otherMs, ms, `${query}: ${labels}`);
            assert.ok(
              isClose(Number(otherValue), Number(value), 1e5, 1e-12),
              `${query}: ${labels} ${value}, ${otherValue}`,
            );
          });
        }
      },
    ),
    { seed: SEED, numRuns: 400 },
  );
});
