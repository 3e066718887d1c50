import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SeriesTerms, SeriesTermsReader } from "./series-terms.ts";

function check(series: readonly (readonly number[])[]): void {
  const terms = new SeriesTerms();
  for (const own of series) terms.add(Uint32Array.of(9, ...own, 9), 1, own.length + 1);
  assert.equal(terms.count, series.length);
  const reader = new SeriesTermsReader(terms);
  for (const own of series) {
    assert.ok(reader.next());
    assert.deepEqual([...reader.terms.subarray(0, reader.length)], own);
  }
  assert.ok(!reader.next());
  const found: number[][] = series.map(() => []);
  const lastEnds = new Map<number, number>();
  const runs = new SeriesTermsReader(terms);
  for (let count = runs.nextRuns(); count > 0; count = runs.nextRuns()) {
    for (let k = 0; k < count; k++) {
      const [term, lo, hi] = runs.runs.subarray(3 * k, 3 * k + 3) as unknown as [number, number, number];
      assert.ok(lo < hi && lo >= (lastEnds.get(term) ?? 0));
      lastEnds.set(term, hi);
      for (let i = lo; i < hi; i++) found[i]?.push(term);
    }
  }
  assert.equal(runs.nextRuns(), 0);
  assert.deepEqual(
    found.map((own) => own.sort((a, b) => a - b)),
    series,
  );
}

test("terms come back as they were, series by series and in runs", () => {
  const term = fc.oneof(fc.nat(5), fc.nat(300), fc.integer({ min: 0, max: 2 ** 31 - 1 }));
  const own = fc.uniqueArray(term, { minLength: 1, maxLength: 40 }).map((terms) => terms.sort((a, b) => a - b));
  const alike = fc.tuple(fc.nat(9), fc.nat(3)).map(([a, b]) => [a, 10 + b, 1000 + a]);
  fc.assert(fc.property(fc.array(fc.oneof(own, alike), { maxLength: 60 }), check));
  check([]);
});

test("many pages and blocks, and a series longer than a page", () => {
  check(Array.from({ length: 60_000 }, (_, i) => [i % 7, 10 + (i % 70_001), 100_000 + ((i * 7919) % 100_000)]));
  const long = Array.from({ length: 120_000 }, (_, i) => 3 * i);
  check([[1, 2], long, [1, 3], [2, 3], [4], long]);
});
