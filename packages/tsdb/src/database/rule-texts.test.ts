import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InputError } from "../base/errors.ts";
import { parseRules } from "./rule-texts.ts";

const DAY = 86_400_000;
const YEAR = 365 * DAY;

test("downsampling: steps of a filter are one rule, in order of their offsets; rules in order of their filters", () => {
  const { downsampling } = parseRules(
    { downsampling: ['{env="dev"}:1d:1m:avg', "180d:1h", "30d:5m", '{env="dev"}:2d:5m:avg', "a:b:0s:0s"] },
    YEAR,
  );
  assert.deepEqual(downsampling, [
    {
      groups: [[{ label: "env", op: "=", value: "dev" }]],
      aggregate: "avg",
      steps: [
        { offsetMs: DAY, intervalMs: 60_000 },
        { offsetMs: 2 * DAY, intervalMs: 300_000 },
      ],
    },
    {
      groups: null,
      aggregate: "last",
      steps: [
        { offsetMs: 30 * DAY, intervalMs: 300_000 },
        { offsetMs: 180 * DAY, intervalMs: 3_600_000 },
      ],
    },
    { groups: [[{ label: "__name__", op: "=", value: "a:b" }]], aggregate: "last", steps: [] },
  ]);
});

test("retention filters: units of -retentionPeriod, bounded by the whole", () => {
  const { retentions } = parseRules({ retentionFilters: ['{team="a:1"}:3d', "up:1", 'x{a="b" or c="d"}:1.5h'] }, YEAR);
  assert.deepEqual(
    retentions.map(({ retentionMs }) => retentionMs),
    [3 * DAY, 31 * DAY, 5_400_000],
  );
  assert.equal(retentions[2]?.groups.length, 2);
});

test("what cannot be meant is refused with the text and a reason", () => {
  const refused = (texts: Parameters<typeof parseRules>[0], reason: RegExp): void => {
    assert.throws(
      () => parseRules(texts, YEAR),
      (error) => error instanceof InputError && reason.test(error.message) && error.message.length < 1_000,
    );
  };
  const downsampling = (...texts: string[]): { downsampling: string[] } => ({ downsampling: texts });
  refused(downsampling(""), /got no offset/);
  refused(downsampling("5m"), /got no offset/);
  refused(downsampling("30d:5m:median"), /the interval: .*median/);
  refused(downsampling("30d:-5m"), /negative/);
  refused(downsampling("30d:0s"), /interval of 0/);
  refused(downsampling(":30d:5m"), /empty filter/);
  refused(downsampling("7m:5m"), /multiple of the interval/);
  refused(downsampling("1d:1m", "2d:90s"), /multiple of the one before/);
  refused(downsampling("1d:1h", "2d:1m"), /multiple of the one before/);
  refused(downsampling("1d:1m", "2d:1m"), /longer intervals/);
  refused(downsampling("1d:1m", "1d:2m"), /comes twice/);
  refused(downsampling("0s:0s", "1d:2m"), /means none/);
  refused(downsampling("1d:1m:sum", "2d:2m:avg"), /one aggregate a filter/);
  refused(downsampling("sum(x):1d:1m"), /series filter/);
  refused(downsampling('{a=~"("}:1d:1m'), /\(/);
  refused(downsampling(`{a="${"x".repeat(5_000)}"}:1d`), /downsampling/);
  refused({ dedupMs: 7_000, downsampling: ["1d:1m"] }, /deduplication/);
  refused({ dedupMs: -1 }, /whole milliseconds/);
  refused({ dedupMs: 0.5 }, /whole milliseconds/);
  refused({ retentionFilters: ["3d"] }, /no duration/);
  refused({ retentionFilters: [":3d"] }, /no filter/);
  refused({ retentionFilters: ['{a="b"}:2y'] }, /at most .* 365d/);
  refused({ retentionFilters: ['{a="b"}:0d'] }, /above 0/);
  refused({ retentionFilters: ['{a="b"}:3x'] }, /a duration such as/);
  refused({ retentionFilters: [`up:${"9".repeat(400)}d`] }, /a duration such as/);
  refused({ retentionFilters: new Array(1_001).fill("up:1d") }, /at most 1000/);
});

test("property: any text is a rule or an InputError", () => {
  const text = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.string({
      unit: fc.constantFrom("{", "}", '"', ":", "=", "~", "a", "1", "0", "d", "s", "(", ",", " or "),
      maxLength: 30,
    }),
  );
  fc.assert(
    fc.property(text, text, (a, b) => {
      for (const texts of [{ downsampling: [a, b] }, { retentionFilters: [a, b] }]) {
        try {
          parseRules(texts, YEAR);
        } catch (error) {
          assert.ok(error instanceof InputError, String(error));
        }
      }
    }),
  );
});
