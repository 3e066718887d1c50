/** Families as no sane program has them, for the formats' properties. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { Family, FamilyType, Sample } from "./family.ts";
import { joinFamilies } from "./join.ts";
import { appendLabel, formatLabel, formatLabels } from "./labels.ts";

/** Few names, and such that meet in each other's suffixes. */
const name = fc.constantFrom(
  ..."a a_total a_total_total a_count a_sum a_bucket a_created a_seconds a_seconds_total b b_total b_count _total :c".split(
    " ",
  ),
);
const value = fc.oneof(
  fc.double(),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, 1e300, 5e-324, -1, 2 ** 53),
  fc.integer({ min: -5, max: 1e9 }),
);
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(fc.constantFrom("\\", '"', "\n", ",", "}", "{", 'le="1"', "vmrange", "\0", "\r", "\ud800", " # "), {
      maxLength: 6,
    })
    .map((parts) => parts.join("")),
);
/** A label that looks like a member's own among them. */
const labels = fc
  .uniqueArray(fc.tuple(fc.constantFrom("a", "b", "mile", "__proto__", "constructor"), text), {
    selector: ([label]) => label,
    maxLength: 3,
  })
  .map((pairs) => formatLabels(pairs));

const plainSamples = fc.array(fc.record({ suffix: fc.constant("" as const), labels, value }), { maxLength: 4 });
const anySamples = fc.array(
  fc.record({
    suffix: fc.constantFrom("" as const, "_bucket" as const, "_sum" as const, "_count" as const),
    labels,
    value,
  }),
  { maxLength: 5 },
);

/** As a histogram of ours shows itself. */
const boundedSeries = fc
  .tuple(labels, fc.uniqueArray(fc.double({ noNaN: true, min: -10, max: 1e9 }), { maxLength: 4 }), fc.boolean())
  .map(([base, bounds, hasNegative]): Sample[] => {
    const sorted = bounds.filter((bound) => hasNegative || bound >= 0).sort((a, b) => a - b);
    const texts = [...sorted.filter((bound) => !Object.is(bound, -0)).map(String), "+Inf"];
    const buckets = texts.map(
      (bound, i): Sample => ({
        suffix: "_bucket",
        labels: appendLabel(base, `le="${bound}"`),
        value: i * 2,
      }),
    );
    const count = (texts.length - 1) * 2;
    return [
      ...buckets,
      { suffix: "_sum", labels: base, value: count },
      { suffix: "_count", labels: base, value: count },
    ];
  });
const rangedSeries = fc.tuple(labels, fc.nat(9)).map(([base, count]): Sample[] => [
  { suffix: "_bucket", labels: appendLabel(base, formatLabel("vmrange", "8.799e-01...1.000e+00")), value: count },
  { suffix: "_sum", labels: base, value: count },
  { suffix: "_count", labels: base, value: count },
]);
const quantileSeries = fc
  .tuple(labels, fc.uniqueArray(fc.constantFrom("0.5", "0.50", "0", "1", "0.99"), { maxLength: 3 }), value)
  .map(([base, quantiles, value]): Sample[] => [
    ...quantiles.map(
      (quantile): Sample => ({ suffix: "", labels: appendLabel(base, `quantile="${quantile}"`), value }),
    ),
    { suffix: "_sum", labels: base, value },
    { suffix: "_count", labels: base, value: 3 },
  ]);
/** Equal labels may occur twice: a source that cuts values can do that. */
const seriesOf = (series: fc.Arbitrary<Sample[]>): fc.Arbitrary<Sample[]> =>
  fc.array(series, { maxLength: 3 }).map((all) => all.flat());

const kinds: readonly (readonly [FamilyType, fc.Arbitrary<Sample[]>])[] = [
  ["counter", plainSamples],
  ["gauge", plainSamples],
  ["unknown", plainSamples],
  ["histogram", seriesOf(boundedSeries)],
  ["histogram", seriesOf(rangedSeries)],
  ["summary", seriesOf(quantileSeries)],
];
const family = fc.oneof(
  ...kinds.map(([type, samples]) =>
    fc.record({
      name,
      type: fc.constant(type),
      help: text,
      unit: fc.constantFrom("", "seconds", "total"),
      aggregation: fc.constant("sum" as const),
      samples,
    }),
  ),
);

/** Sources of one process, well-formed one by one, at odds with each other. */
export const sources: fc.Arbitrary<Family[][]> = fc.array(fc.array(family, { maxLength: 6 }), { maxLength: 3 });

/** Also samples that do not belong to their family's type. */
export const oddFamilies: fc.Arbitrary<Family[]> = fc.array(
  fc.record({
    name: fc.constantFrom("x", "y_total"),
    type: fc.constantFrom<FamilyType>("counter", "gauge", "unknown", "histogram", "summary"),
    help: text,
    unit: fc.constant(""),
    aggregation: fc.constant("sum" as const),
    samples: anySamples,
  }),
  { maxLength: 3 },
);

test("a join drops what it counts, and joining again changes nothing", () => {
  const count = (families: readonly Family[]): number => families.reduce((sum, { samples }) => sum + samples.length, 0);
  fc.assert(
    fc.property(sources, (all) => {
      const { families, droppedSamples } = joinFamilies(all);
      assert.equal(count(families) + droppedSamples, count(all.flat()));
      assert.deepEqual(joinFamilies([families]), { families, droppedSamples: 0 });
    }),
  );
});
