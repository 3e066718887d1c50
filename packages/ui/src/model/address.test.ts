import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatAddress, parseAddress } from "./address.ts";
import { BOARDS, FIRST_VIEW } from "./presets.ts";
import { RANGE_CHOICES, type TimeRange } from "./time-range.ts";
import { REFRESH_CHOICES_MS, TABS, type View, viewAlone } from "./view.ts";

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
    board: fc.constant([]),
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

test("any board survives its address", () => {
  const someText = fc.string({ unit: "grapheme" });
  const someQuery = someText.map((text) => text.trim()).filter((text) => text !== "");
  const someBoard = fc.array(fc.record({ title: someText, query: someQuery }, { noNullPrototype: true }), {
    minLength: 2,
    maxLength: 24,
  });
  fc.assert(
    fc.property(someBoard, someRange, (board, range) => {
      const view: View = { ...FIRST_VIEW, query: board[0]?.query ?? "", board, range };
      assert.deepEqual(parseAddress(formatAddress(view), FIRST_VIEW), view);
    }),
  );
});

test("several queries are a board, as vmui and Prometheus number them", () => {
  const queries = (hash: string) => parseAddress(hash, FIRST_VIEW).board.map(({ query }) => query);
  assert.deepEqual(queries("#/?g0.expr=a&g0.range_input=1h&g0.tab=0&g1.expr=b&g1.range_input=2h&g1.tab=1"), ["a", "b"]);
  assert.deepEqual(queries("#/?g0.expr=a&g1.expr=+&g3.expr=c&g3.title=C"), ["a", "c"]);
  assert.deepEqual(queries("#/?g0.expr=a&g1.expr="), []);
  assert.deepEqual(queries("#/?g1.expr=b&g2.title=no+query"), []);
  assert.equal(queries(`#/?${Array.from({ length: 1000 }, (_, i) => `g${i}.expr=${i}`).join("&")}`).length, 24);
  const one = viewAlone(parseAddress("#/?g0.expr=a&g1.expr=b&g0.range_input=1h&g0.tab=1", FIRST_VIEW), "b");
  assert.equal(
    formatAddress(one),
    "#/?g0.expr=b&g0.range_input=1h&g0.relative_time=last_1_hour&g0.tab=0&g0.refresh=5s",
  );
});

test("a board of the presets goes by its name", () => {
  for (const { id, graphs } of BOARDS) {
    const view = parseAddress(`#/?board=${id}&g0.range_input=2m`, FIRST_VIEW);
    assert.equal(view.board, graphs);
    assert.equal(formatAddress(view), `#/?board=${id}&g0.range_input=2m&g0.tab=0&g0.refresh=5s`);
  }
});

test("nonsense falls back", () => {
  const same = (hash: string) => assert.deepEqual(parseAddress(hash, FIRST_VIEW), FIRST_VIEW, hash);
  same("");
  same("#");
  same("#/");
  same("#/?");
  same("#/?board=__proto__");
  same("#/?g0.range_input=x&g0.end_input=y&g0.tab=9&g0.refresh=7s&g0.relative_time=z");
});
