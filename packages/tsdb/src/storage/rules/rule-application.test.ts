/** Rules on the samples of one series, against models that are written down without cleverness. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SampleColumns } from "../../base/columns.ts";
import { Labels } from "../../base/labels.ts";
import { DEFAULT_TENANT } from "../../base/tenant.ts";
import { STALE_NAN_BYTES } from "../../ingest/stale-marker.ts";
import { orderSamples } from "../search/sample-order.ts";
import { ALL_TIME, applyAggregates, applyRules, deduplicate } from "./rule-application.ts";
import { type Aggregate, NO_RULES, RuleBook, type SeriesRules } from "./sample-rules.ts";

type Samples = readonly (readonly [ms: number, value: number | "stale"])[];

function columnsOf(samples: Samples): SampleColumns {
  const columns = new SampleColumns(Math.max(1, samples.length));
  const bytes = new Uint8Array(columns.values.buffer);
  for (const [ms, value] of samples) {
    const at = columns.length++;
    columns.timestamps[at] = ms;
    if (value === "stale") bytes.set(STALE_NAN_BYTES, 8 * at);
    else columns.values[at] = value;
  }
  return columns;
}

function samplesOf({ timestamps, values, length }: SampleColumns): [number, number | "stale"][] {
  return Array.from({ length }, (_, i) => {
    const value = values[i] as number;
    return [timestamps[i] as number, value === value ? value : "stale"];
  });
}

const deduplicated = (samples: Samples, intervalMs: number, untilMs?: number): unknown[] => {
  const columns = columnsOf(samples);
  orderSamples(columns, 0);
  deduplicate(columns, 0, intervalMs, untilMs);
  return samplesOf(columns);
};

test("the last sample of each interval stays; an interval's end belongs to it", () => {
  const samples: Samples = [
    [0, 1],
    [1, 2],
    [10, 3],
    [11, 4],
    [15, 5],
    [20, 6],
    [41, 7],
  ];
  assert.deepEqual(deduplicated(samples, 10), [
    [0, 1],
    [10, 3],
    [20, 6],
    [41, 7],
  ]);
  assert.deepEqual(deduplicated(samples, 1), samples);
  assert.deepEqual(deduplicated(samples, 10, 10), [[0, 1], [10, 3], ...samples.slice(3)], "until a time");
  assert.deepEqual(deduplicated(samples, 10, 19), [[0, 1], [10, 3], ...samples.slice(3)], "not before its end");
});

test("at one time the larger value wins, and a number over a staleness marker; a later marker wins over numbers", () => {
  const samples: Samples = [
    [5, 9],
    [8, "stale"],
    [8, 1],
    [8, 3],
    [8, 2],
    [15, 4],
    [16, "stale"],
  ];
  assert.deepEqual(deduplicated(samples, 10), [
    [8, 3],
    [16, "stale"],
  ]);
});

const sampleLists: fc.Arbitrary<Samples> = fc.array(
  fc.tuple(fc.integer({ min: 0, max: 300 }), fc.oneof(fc.integer({ min: -9, max: 9 }), fc.constant("stale" as const))),
  { maxLength: 60 },
);

test("property: deduplication is a model's, in any order, in parts first or all at once", () => {
  fc.assert(
    fc.property(sampleLists, sampleLists, fc.integer({ min: 1, max: 70 }), (one, two, intervalMs) => {
      const best = new Map<number, readonly [number, number | "stale"]>();
      for (const sample of [...one, ...two]) {
        const end = Math.ceil(sample[0] / intervalMs);
        const known = best.get(end);
        const wins =
          known === undefined ||
          sample[0] > known[0] ||
          (sample[0] === known[0] && sample[1] !== "stale" && (known[1] === "stale" || sample[1] > known[1]));
        if (wins) best.set(end, sample);
      }
      const expected = [...best.values()].sort((a, b) => a[0] - b[0]);
      assert.deepEqual(deduplicated([...one, ...two], intervalMs), expected);
      const parts = [...deduplicated(two, intervalMs), ...deduplicated(one, intervalMs)] as unknown as Samples;
      assert.deepEqual(deduplicated(parts, intervalMs), expected);
    }),
  );
});

const rulesOf = (aggregate: Aggregate, steps: readonly (readonly [number, number])[]): SeriesRules => ({
  retentionMs: 1e9,
  dedupMs: 0,
  aggregate,
  steps: steps.map(([offsetMs, intervalMs]) => ({ offsetMs, intervalMs })),
});

const applied = (samples: Samples, rules: SeriesRules, nowMs: number, results: Samples = []): unknown[] => {
  const columns = columnsOf(samples);
  orderSamples(columns, 0);
  applyRules(columns, 0, rules, nowMs);
  if (rules.aggregate !== "last") applyAggregates(columns, 0, columnsOf(results), rules, nowMs, ALL_TIME);
  return samplesOf(columns);
};

test("aggregates stand at the time of the last number; a staleness marker behind it stays", () => {
  const samples: Samples = [
    [1, 4],
    [4, 2],
    [9, 6],
    [12, 5],
    [13, "stale"],
    [25, "stale"],
    [26, "stale"],
    [31, 1],
  ];
  const rest: Samples = [
    [12, 5],
    [13, "stale"],
    [26, "stale"],
    [31, 1],
  ];
  for (const [aggregate, value] of [
    ["min", 2],
    ["max", 6],
    ["avg", 4],
    ["sum", 12],
  ] as const) {
    assert.deepEqual(applied(samples, rulesOf(aggregate, [[10, 10]]), 40), [[9, value], ...rest], aggregate);
  }
  assert.deepEqual(applied(samples, rulesOf("count", [[10, 10]]), 40), [
    [9, 3],
    [12, 1],
    ...samples.slice(4, 5),
    ...samples.slice(6),
  ]);
  assert.deepEqual(applied(samples, rulesOf("sum", [[10, 10]]), 19), samples, "none has ended");
  assert.deepEqual(applied(samples, rulesOf("sum", [[10, 10]]), 20), [[9, 12], ...samples.slice(3)], "one has ended");
});

test("results of earlier aggregations count as what they are", () => {
  const late: Samples = [[3, 7]];
  const results: Samples = [
    [9, 12],
    [12, 5],
  ];
  const of = (aggregate: Aggregate): unknown[] => applied(late, rulesOf(aggregate, [[10, 10]]), 40, results);
  assert.deepEqual(of("count"), [
    [9, 13],
    [12, 5],
  ]);
  assert.deepEqual(of("sum"), [
    [9, 19],
    [12, 5],
  ]);
  assert.deepEqual(of("max"), results);
  assert.deepEqual(of("min"), [
    [9, 7],
    [12, 5],
  ]);
});

test("coarse steps get what the fine ones left: a mean of means", () => {
  const samples: Samples = [
    [1, 1],
    [2, 3],
    [8, 10],
  ];
  const steps = [
    [10, 5],
    [20, 10],
  ] as const;
  assert.deepEqual(applied(samples, rulesOf("avg", steps), 20), [
    [2, 2],
    [8, 10],
  ]);
  assert.deepEqual(applied(samples, rulesOf("avg", steps), 30), [[8, 6]]);
  assert.deepEqual(applied(samples, rulesOf("count", steps), 30), [[8, 3]]);
});

test("retention takes intervals of aggregates as a whole, and samples one by one otherwise", () => {
  const samples: Samples = [
    [11, 1],
    [15, 2],
    [21, 4],
  ];
  const rules = { ...rulesOf("sum", [[10, 10]]), retentionMs: 100 };
  assert.deepEqual(applied(samples, rules, 111), [
    [15, 3],
    [21, 4],
  ]);
  assert.deepEqual(applied(samples, rules, 112), [[21, 4]]);
  assert.deepEqual(applied(samples, { ...rules, aggregate: "last", steps: [] }, 112), samples.slice(1));
});

test("which rules a series gets: the first that matches for downsampling, the shortest for retention", () => {
  const groups = (label: string, value: string) => [[{ label, op: "=~" as const, value }]];
  const steps = (intervalMs: number) => [{ offsetMs: 1000, intervalMs }];
  const book = new RuleBook(
    {
      ...NO_RULES,
      downsampling: [
        { groups: groups("env", "dev.*"), aggregate: "max", steps: steps(10) },
        { groups: groups("vm_account_id", "7"), aggregate: "last", steps: [] },
        { groups: null, aggregate: "last", steps: steps(20) },
      ],
      retentions: [
        { groups: groups("team", "a|b"), retentionMs: 500 },
        { groups: groups("env", "dev"), retentionMs: 300 },
        { groups: groups("env", "prod"), retentionMs: 5000 },
      ],
    },
    1000,
  );
  const of = (labels: Record<string, string>, accountId = 0): readonly unknown[] => {
    const tenant = { ...DEFAULT_TENANT, accountId };
    const rules = book.forSeries(tenant, Labels.from(Object.entries(labels)));
    assert.equal(
      book.forSeries(tenant, Labels.from(Object.entries(labels))),
      rules,
      "one object for those treated alike",
    );
    return [rules.retentionMs, rules.aggregate, rules.steps[0]?.intervalMs];
  };
  assert.deepEqual(of({ env: "dev", team: "a" }), [300, "max", 10]);
  assert.deepEqual(of({ env: "dev2", team: "b" }, 7), [500, "max", 10]);
  assert.deepEqual(of({ env: "prod" }, 7), [1000, "last", undefined]);
  assert.deepEqual(of({}), [1000, "last", 20]);
  assert.equal(book.shortestMs, 300);
  assert.deepEqual(book.ages(), [300, 500, 1000]);
});
