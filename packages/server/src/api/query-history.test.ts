import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { QueryHistory, type QueryRecord, type QueryTotals } from "./query-history.ts";
import { printGoDuration } from "./top-queries.ts";

function record(text: string, more: Partial<QueryRecord> = {}): QueryRecord {
  return { text, rangeMs: 0, endedMs: 1000, durationMs: 5, memoryBytes: 100, ...more };
}

test("records of the same question are added up; others and older ones are not", () => {
  const history = new QueryHistory({ recordsMax: 10, minDurationMs: 0, minMemoryBytes: 0 });
  history.add(record("a"));
  history.add(record("a", { durationMs: 7, memoryBytes: 50 }));
  history.add(record("a", { rangeMs: 61_999 }));
  history.add(record("b", { endedMs: 999 }));
  assert.deepEqual(history.totals(1000), [
    { text: "a", rangeSeconds: 0, count: 2, durationMs: 12, memoryBytes: 150 },
    { text: "a", rangeSeconds: 61, count: 1, durationMs: 5, memoryBytes: 100 },
  ]);
  assert.equal(history.totals(0).length, 3);
  assert.deepEqual(history.totals(1001), []);
});

test("what is too short or too small is not kept, and nothing without room", () => {
  const history = new QueryHistory({ recordsMax: 10, minDurationMs: 5, minMemoryBytes: 100 });
  history.add(record("a", { durationMs: 4.9 }));
  history.add(record("a", { memoryBytes: 99 }));
  history.add(record("a"));
  assert.equal(history.totals(0)[0]?.count, 1);
  const none = new QueryHistory({ recordsMax: 0, minDurationMs: 0, minMemoryBytes: 0 });
  none.add(record("a"));
  assert.deepEqual([none.size, none.totals(0)], [0, []]);
});

test("texts do not take more than they may, whatever is asked", () => {
  const history = new QueryHistory({ recordsMax: 1000, minDurationMs: 0, minMemoryBytes: 0, charsMax: 10_000 });
  for (let i = 0; i < 500; i++) history.add(record(`${i}${"x".repeat(998)}`));
  assert.equal(history.size, 9);
  // One alone that is too long is not kept at all.
  history.add(record("y".repeat(20_000)));
  assert.equal(history.size, 0);
  for (let i = 0; i < 500; i++) history.add(record("z".repeat(9_000)));
  assert.deepEqual([history.size, history.totals(0)[0]?.count], [500, 500]);
});

test("property: it is the list of the last records", () => {
  const records = fc.array(
    fc.record({
      text: fc.constantFrom("a", "b", "", "__proto__", "0 a"),
      rangeMs: fc.constantFrom(0, 999, 60_000),
      endedMs: fc.nat(100),
      durationMs: fc.nat(9),
      memoryBytes: fc.nat(9),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), records, fc.nat(100), (recordsMax, list, sinceMs) => {
      const history = new QueryHistory({ recordsMax, minDurationMs: 2, minMemoryBytes: 1 });
      for (const one of list) history.add(one);
      const kept = list.filter((one) => one.durationMs >= 2 && one.memoryBytes >= 1).slice(-recordsMax);
      const wanted = new Map<string, QueryTotals>();
      for (const { text, rangeMs, endedMs, durationMs, memoryBytes } of kept) {
        if (endedMs < sinceMs) continue;
        const rangeSeconds = Math.floor(rangeMs / 1000);
        const key = JSON.stringify([text, rangeSeconds]);
        const before = wanted.get(key) ?? { text, rangeSeconds, count: 0, durationMs: 0, memoryBytes: 0 };
        wanted.set(key, {
          ...before,
          count: before.count + 1,
          durationMs: before.durationMs + durationMs,
          memoryBytes: before.memoryBytes + memoryBytes,
        });
      }
      const sorted = (totals: Iterable<QueryTotals>): string[] => [...totals].map((one) => JSON.stringify(one)).sort();
      assert.equal(history.size, kept.length);
      assert.deepEqual(sorted(history.totals(sinceMs)), sorted(wanted.values()));
    }),
  );
});

test("printGoDuration", () => {
  const same = (ms: number, text: string) => assert.equal(printGoDuration(ms), text);
  same(0, "0s");
  same(1, "1ms");
  same(1500, "1.5s");
  same(600_000, "10m0s");
  same(3_600_500, "1h0m0.5s");
  same(90_061_000, "25h1m1s");
});
