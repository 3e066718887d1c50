import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatAddress, parseAddress } from "./address.ts";
import { FIRST_VIEW } from "./presets.ts";
import { RANGE_CHOICES, type TimeRange } from "./time-range.ts";
import { REFRESH_CHOICES_MS, TABS } from "./view.ts";

const someRange: fc.Arbitrary<TimeRange> = fc.oneof(
  fc.integer({ min: 1, max: 10_000_000 }).map((seconds) => ({ kind: "last" as const, ms: seconds * 1000 })),
  fc.constantFrom(...RANGE_CHOICES).map(({ ms }) => ({ kind: "last" as const, ms })),
  fc
    .tuple(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: 1, max: 1e10 }))
    .map(([fromMs, lengthMs]) => ({ kind: "fixed" as const, fromMs, toMs: fromMs + lengthMs })),
);

test("any view survives its address", () => {
  const someView = fc.record({
    query: fc.string({ unit: "grapheme" }),
    range: someRange,
    step: fc.constantFrom("", "15s", "1h30m", "nonsense &=#"),
    tab: fc.constantFrom(...TABS),
    refreshMs: fc.constantFrom(...REFRESH_CHOICES_MS),
  });
  fc.assert(
    fc.property(someView, (view) => {
      assert.deepEqual(parseAddress(formatAddress(view), FIRST_VIEW), { ...view });
    }),
  );
});

test("addresses that vmui writes", () => {
  const view = parseAddress(
    "#/?g0.expr=sum%28up%29&g0.range_input=1h&g0.end_input=2026-01-02T03%3A04%3A05&g0.step_input=15s&g0.relative_time=last_1_hour&g0.tab=1",
    FIRST_VIEW,
  );
  assert.equal(view.query, "sum(up)");
  assert.deepEqual(view.range, { kind: "last", ms: 3_600_000 });
  assert.equal(view.step, "15s");
  assert.equal(view.tab, "table");
  const fixed = parseAddress(
    "#/?g0.expr=up&g0.range_input=10m&g0.end_input=2026-01-02T03:00:00Z&g0.relative_time=none&g0.tab=chart",
    FIRST_VIEW,
  );
  const toMs = Date.UTC(2026, 0, 2, 3);
  assert.deepEqual(fixed.range, { kind: "fixed", fromMs: toMs - 600_000, toMs });
  assert.equal(fixed.tab, "graph");
});

test("nonsense falls back", () => {
  const same = (hash: string) => assert.deepEqual(parseAddress(hash, FIRST_VIEW), FIRST_VIEW, hash);
  same("");
  same("#");
  same("#/");
  same("#/?");
  same("#/?g0.range_input=x&g0.end_input=y&g0.tab=9&g0.refresh=7s&g0.relative_time=z");
});
