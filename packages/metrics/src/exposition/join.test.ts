import assert from "node:assert/strict";
import { test } from "node:test";
import type { Family, FamilyType, Sample } from "./family.ts";
import { joinFamilies, joinForScrape } from "./join.ts";
import { writeText } from "./text-format.ts";

test("families of several sources come out sorted, each name once", () => {
  const { families, droppedSamples } = joinFamilies([
    [family("b", "gauge", [["", "", 1]]), family("a", "counter", [["", 'x="1"', 2]])],
    [family("a", "counter", [["", 'x="2"', 3]], "Help of the second."), family("empty", "gauge", [])],
  ]);
  assert.deepEqual(
    families.map((family) => [family.name, family.help, family.samples.map((sample) => sample.value)]),
    [
      ["a", "Help of the second.", [2, 3]],
      ["b", "", [1]],
    ],
  );
  assert.equal(droppedSamples, 0);
});

test("of equal label sets the first wins", () => {
  const { families, droppedSamples } = joinFamilies([
    [family("a", "counter", [["", 'x="1"', 1]]), family("a", "counter", [["", 'x="1"', 2]])],
    [
      family("a", "counter", [
        ["", 'x="1"', 3],
        ["", 'x="2"', 4],
        ["", 'x="2"', 5],
      ]),
    ],
  ]);
  assert.equal(text(families), 'a{x="1"} 1\na{x="2"} 4\n');
  assert.equal(droppedSamples, 3);
});

test("of two types under one name the first wins, whole", () => {
  const { families, droppedSamples } = joinFamilies([
    [family("a", "counter", [["", 'x="1"', 1]])],
    [family("a", "gauge", [["", 'x="2"', 2]])],
  ]);
  assert.equal(text(families), 'a{x="1"} 1\n');
  assert.equal(droppedSamples, 1);
});

test("buckets of two histogram series are never mixed", () => {
  const series = (vmrange: string, count: number): Sample[] =>
    samples([
      ["_bucket", `a="b",vmrange="${vmrange}"`, count],
      ["_sum", 'a="b"', count],
      ["_count", 'a="b"', count],
    ]);
  const { families, droppedSamples } = joinFamilies([
    [{ ...family("h", "histogram", []), samples: series("1...2", 5) }],
    [{ ...family("h", "histogram", []), samples: series("2...3", 7) }],
  ]);
  assert.deepEqual(families[0]?.samples, series("1...2", 5));
  assert.equal(droppedSamples, 3);
});

test("families whose sample names meet: the first wins, whichever it is", () => {
  const histogram = family("h", "histogram", [
    ["_bucket", 'le="+Inf"', 1],
    ["_sum", "", 1],
    ["_count", "", 1],
  ]);
  const names = (sources: Family[][]): (string | number)[] => {
    const { families, droppedSamples } = joinFamilies(sources);
    return [...families.map((family) => family.name), droppedSamples];
  };
  for (const suffix of ["_bucket", "_sum", "_count"]) {
    const clash = family(`h${suffix}`, "counter", [["", "", 1]]);
    assert.deepEqual(names([[histogram], [clash]]), ["h", 1], suffix);
    assert.deepEqual(names([[clash], [histogram]]), [`h${suffix}`, 3], suffix);
    assert.deepEqual(names([[clash, histogram]]), [`h${suffix}`, 3], suffix);
  }
  // A summary has no buckets, and a counter's neighbours are its own affair.
  assert.deepEqual(names([[family("s", "summary", [["_sum", "", 1]]), family("s_bucket", "gauge", [["", "", 1]])]]), [
    "s",
    "s_bucket",
    0,
  ]);
  assert.deepEqual(names([[family("c", "gauge", [["", "", 1]]), family("c_total", "counter", [["", "", 1]])]]), [
    "c",
    "c_total",
    0,
  ]);
});

test("a scrape says what was left out", () => {
  const one = family("a", "gauge", [["", "", 1]]);
  assert.deepEqual(
    joinForScrape([[one]]).map((family) => family.name),
    ["a"],
  );
  const squatter = family("metrics_dropped_samples", "counter", [["", "", 9]]);
  assert.equal(text(joinForScrape([[one, one], [squatter]])), "a 1\nmetrics_dropped_samples 1\n");
});

type Row = readonly [suffix: Sample["suffix"], labels: string, value: number];

function family(name: string, type: FamilyType, rows: readonly Row[], help = ""): Family {
  return { name, type, help, unit: "", aggregation: "sum", samples: samples(rows) };
}

function samples(rows: readonly Row[]): Sample[] {
  return rows.map(([suffix, labels, value]) => ({ suffix, labels, value }));
}

function text(families: readonly Family[]): string {
  return writeText(families, { metadata: false });
}
