/** topk and bottomk against a plain reading: few values a point, which are kept while series pass by, and many, which are sorted for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Labels } from "../../base/labels.ts";
import type { QueryRun } from "../context.ts";
import type { Series } from "../series.ts";
import { rankPoints } from "./ranking.ts";

const run = { isDue: () => false } as unknown as QueryRun;

const value = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -3, max: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom(NaN, 0, -0, Infinity, -Infinity) },
);

/** What stays at one point, by series. */
function keep(values: readonly number[], k: number, sign: number): number[] {
  const ranked = values
    .map((v, place) => ({ v, place }))
    .filter(({ v }) => !Number.isNaN(v))
    .sort((a, b) => (a.v === b.v ? a.place - b.place : a.v > b.v ? -sign : sign));
  const kept = new Set(ranked.slice(0, k >= 1 ? Math.trunc(k) : 0).map(({ place }) => place));
  return values.map((v, place) => (kept.has(place) ? v : NaN));
}

test("every point keeps its best", async () => {
  const points = 3;
  const column = fc.array(value, { minLength: points, maxLength: points });
  const k = fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constantFrom(NaN, -1, 1.9, 40, Infinity));
  const ks = fc.array(k, { minLength: points, maxLength: points });
  await fc.assert(
    fc.asyncProperty(
      fc.array(column, { minLength: 1, maxLength: 30 }),
      ks,
      fc.constantFrom(1 as const, -1 as const),
      async (columns, counts, sign) => {
        const series = columns.map((values, i): Series => {
          return { labels: Labels.from([["n", String(100 + i)]]), values: Float64Array.from(values) };
        });
        const got = await rankPoints({ labels: Labels.empty, series }, run, Float64Array.from(counts), sign);
        const byName = new Map(got.map(({ labels, values }) => [labels.get("n"), [...values]]));
        const blank: number[] = new Array(points).fill(NaN);
        const want = columns.map(() => [] as number[]);
        for (let at = 0; at < points; at++) {
          const stays = keep(
            columns.map((values) => values[at] as number),
            counts[at] as number,
            sign,
          );
          for (const [i, v] of stays.entries()) want[i]?.push(v);
        }
        assert.deepEqual(
          columns.map((_, i) => byName.get(String(100 + i)) ?? blank),
          want,
        );
      },
    ),
  );
});
