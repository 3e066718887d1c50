import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Family, FamilyType, ProcessAggregation, Sample } from "../exposition/family.ts";
import { writeText } from "../exposition/text-format.ts";
import { MetricSet } from "../native/metric-set.ts";
import { type Contribution, foldDeparted, mergeSnapshots } from "./merge.ts";
import { type Snapshot, takeSnapshot } from "./snapshot.ts";

/** `lines` as a family of samples: `labels value`, or `_suffix labels value`. */
function family(name: string, type: FamilyType, aggregation: ProcessAggregation, ...lines: string[]): Family {
  const samples = lines.map((line): Sample => {
    const [, suffix = "", labels = "", value = ""] = /^(_bucket|_sum|_count)? ?(.*?) ?([^ ]+)$/.exec(line) ?? [];
    return { suffix: suffix as Sample["suffix"], labels, value: Number(value.replace("+Inf", "Infinity")) };
  });
  return { name, type, help: "", unit: "", aggregation, samples };
}

const snapshotOf = (...families: Family[]): Snapshot => takeSnapshot(families, {}, null);
const worker = (name: string, ...families: Family[]): Contribution => ({
  snapshot: snapshotOf(...families),
  worker: name,
});
const textOf = (families: readonly Family[]): string[] => writeText(families, { metadata: false }).trim().split("\n");
const merged = (living: Contribution[], departed: Snapshot | null = null): string[] =>
  textOf(mergeSnapshots(living, departed).families);

test("each aggregation, for gauges and counters", () => {
  const same = (type: FamilyType, aggregation: ProcessAggregation, expected: string[]) =>
    assert.deepEqual(
      merged([
        worker("0", family("x", type, aggregation, 'a="1" 3', 'z="1" 8')),
        worker("1", family("x", type, aggregation, 'a="1" 5')),
      ]),
      expected,
      `${type} ${aggregation}`,
    );
  for (const type of ["gauge", "counter", "unknown"] as const) {
    same(type, "sum", ['x{a="1"} 8', 'x{z="1"} 8']);
    same(type, "min", ['x{a="1"} 3', 'x{z="1"} 8']);
    same(type, "max", ['x{a="1"} 5', 'x{z="1"} 8']);
    same(type, "avg", ['x{a="1"} 4', 'x{z="1"} 8']);
    same(type, "each", ['x{a="1",worker="0"} 3', 'x{worker="0",z="1"} 8', 'x{a="1",worker="1"} 5']);
  }
});

test("two processes of one worker's name: counters add, of gauges the one that joined last shows", () => {
  assert.deepEqual(
    merged([worker("0", family("g", "gauge", "each", "3")), worker("0", family("g", "gauge", "each", "5"))]),
    ['g{worker="0"} 5'],
  );
  assert.deepEqual(
    merged([worker("0", family("c", "counter", "each", "3")), worker("0", family("c", "counter", "each", "5"))]),
    ['c{worker="0"} 8'],
  );
});

test("NaN is no value where another process has one", () => {
  for (const aggregation of ["sum", "min", "max", "avg"] as const) {
    const nan = worker("0", family("g", "gauge", aggregation, "NaN"));
    assert.deepEqual(merged([nan, worker("1", family("g", "gauge", aggregation, "5"))]), ["g 5"]);
    assert.deepEqual(merged([nan]), ["g NaN"]);
  }
});

test("histograms: ranges one by one, in the order of their bounds", () => {
  assert.deepEqual(
    merged([
      worker("0", family("h", "histogram", "sum", '_bucket vmrange="1.000e+00...1.136e+00" 2', "_sum 2", "_count 2")),
      worker(
        "1",
        family(
          "h",
          "histogram",
          "sum",
          '_bucket vmrange="8.799e-01...1.000e+00" 1',
          '_bucket vmrange="1.000e+00...1.136e+00" 3',
          "_sum 4",
          "_count 4",
        ),
      ),
    ]),
    [
      'h_bucket{vmrange="8.799e-01...1.000e+00"} 1',
      'h_bucket{vmrange="1.000e+00...1.136e+00"} 5',
      "h_sum 6",
      "h_count 6",
    ],
  );
});

test("histograms whose versions have other bounds stay cumulative", () => {
  const a = worker(
    "0",
    family(
      "h",
      "histogram",
      "sum",
      '_bucket m="a",le="1" 3',
      '_bucket m="a",le="5" 7',
      '_bucket m="a",le="+Inf" 9',
      '_sum m="a" 1',
      '_count m="a" 9',
    ),
  );
  const b = worker(
    "1",
    family(
      "h",
      "histogram",
      "sum",
      '_bucket m="a",le="0.5" 1',
      '_bucket m="a",le="1" 2',
      '_bucket m="a",le="2" 4',
      '_bucket m="a",le="+Inf" 4',
      '_sum m="a" 1',
      '_count m="a" 4',
    ),
  );
  const expected = [
    'h_bucket{m="a",le="0.5"} 1',
    'h_bucket{m="a",le="1"} 5',
    'h_bucket{m="a",le="2"} 7',
    'h_bucket{m="a",le="5"} 11',
    'h_bucket{m="a",le="+Inf"} 13',
    'h_sum{m="a"} 2',
    'h_count{m="a"} 13',
  ];
  assert.deepEqual(merged([a, b]), expected);
  assert.deepEqual(merged([b, a]), expected);
});

test("summaries: sum and count added, quantiles a process each", () => {
  const summary = (quantile: string, aggregation: ProcessAggregation = "sum") =>
    family("s", "summary", aggregation, `m="a",quantile="0.5" ${quantile}`, '_sum m="a" 1.5', '_count m="a" 2');
  assert.deepEqual(merged([worker("0", summary("1")), worker("1", summary("2"))]), [
    's{m="a",worker="0",quantile="0.5"} 1',
    's{m="a",worker="1",quantile="0.5"} 2',
    's_sum{m="a"} 3',
    's_count{m="a"} 4',
  ]);
  assert.deepEqual(
    merged([worker("0", summary("1", "max")), worker("1", summary("2", "max"))])[0],
    's{m="a",quantile="0.5"} 2',
  );
});

test("types that disagree: the first one's holds, the rest is counted", () => {
  const { families, conflicts } = mergeSnapshots(
    [
      worker("0", family("x", "counter", "sum", "1")),
      worker("1", family("x", "gauge", "sum", "2"), family("y", "gauge", "sum", "3")),
    ],
    snapshotOf(family("x", "histogram", "sum", "_count 7")),
  );
  assert.deepEqual(textOf(families), ["x 1", "y 3"]);
  assert.equal(conflicts, 2);
});

test("of the dead remains what they counted; the younger version's type holds", () => {
  const dead = worker(
    "3",
    family("c", "counter", "sum", 'a="1" 5'),
    family("each_total", "counter", "each", "4"),
    family("g", "gauge", "sum", "7"),
    family("most", "counter", "max", "7"),
    family("s", "summary", "sum", 'quantile="0.5" 1', "_sum 1.5", "_count 2"),
    family("turned", "counter", "sum", "1"),
  );
  const departed = snapshotOf(
    family("turned", "histogram", "sum", "_count 7"),
    family("c", "counter", "sum", 'a="1" 1', 'a="2" 1'),
  );
  const { families } = foldDeparted(departed, [dead, dead], 1000);
  assert.deepEqual(merged([], snapshotOf(...families)), [
    'c{a="1"} 11',
    'c{a="2"} 1',
    'each_total{worker="3"} 8',
    "most 7",
    "s_sum 3",
    "s_count 4",
    "turned 2",
  ]);
});

test("what is kept of the dead is bounded, and what was kept stays", () => {
  const departed = snapshotOf(family("c", "counter", "sum", 'a="1" 1', 'a="2" 1'));
  const dead = worker("0", family("c", "counter", "sum", 'a="0" 5', 'a="2" 5', 'a="3" 5', 'a="4" 5'));
  const { families, dropped } = foldDeparted(departed, [dead], 3);
  assert.deepEqual(textOf(families), ['c{a="1"} 1', 'c{a="2"} 6', 'c{a="0"} 5']);
  assert.equal(dropped, 2);
});

type Update = { readonly worker: number; readonly metric: number; readonly value: number };

/** Everything a native set can count, in integers and sixteenths: what one process adds up exactly. */
function apply(set: MetricSet, { metric, value }: Update): void {
  const path = `path="${metric % 3}"`;
  set.getOrCreateCounter(`a_total{${path}}`).add(value);
  set.getOrCreateFloatCounter(`b_total{${path}}`).add(value / 16);
  set.getOrCreateHistogram(`c{${path}}`).update(value / 16);
}

test("property: updates split over workers, of whom any die in any order, sum up to those of one process", () => {
  const update = fc.record({ worker: fc.nat(4), metric: fc.nat(5), value: fc.nat(1000) });
  fc.assert(
    fc.property(fc.array(update, { maxLength: 40 }), fc.uniqueArray(fc.nat(4), { maxLength: 5 }), (updates, deaths) => {
      const whole = new MetricSet();
      const sets = Array.from({ length: 5 }, () => new MetricSet());
      for (const step of updates) {
        apply(whole, step);
        apply(sets[step.worker] as MetricSet, step);
      }
      const living = sets.map((set, i) => worker(String(i), ...set.collect()));
      let departed: Snapshot | null = null;
      for (const death of deaths) {
        const { families } = foldDeparted(departed, [living[death] as Contribution], 1000);
        departed = snapshotOf(...families);
      }
      const left = living.filter((_, i) => !deaths.includes(i));
      assert.deepEqual(merged(left, departed).sort(), textOf(whole.collect()).sort());
    }),
    { numRuns: 50 },
  );
});

test("property: whoever dies, and in whatever order, no sum of floats changes by a bit", () => {
  const values = fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { minLength: 3, maxLength: 8 });
  fc.assert(
    fc.property(values, fc.infiniteStream(fc.nat()), (numbers, picks) => {
      let living = numbers.map((value, i) =>
        worker(
          String(i),
          family("f_total", "counter", "sum", String(value)),
          family("h", "histogram", "sum", `_sum ${value}`),
        ),
      );
      const before = merged(living);
      let departed: Snapshot | null = null;
      while (living.length > 0) {
        const [dead] = living.splice((picks.next().value as number) % living.length, 1) as [Contribution];
        departed = snapshotOf(...foldDeparted(departed, [dead], 1000).families);
        assert.deepEqual(merged(living.toReversed(), departed), before);
        living = living.toReversed();
      }
    }),
  );
});
