import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { oddFamilies, sources } from "./arbitrary-families.test.ts";
import type { Family, FamilyType, Sample } from "./family.ts";
import { joinFamilies } from "./join.ts";
import { formatCanonical, writeOpenMetrics } from "./openmetrics.ts";
import { type ParsedSample, parseOpenMetrics, parseText } from "./strict-parser.test.ts";
import { writeText } from "./text-format.ts";

test("numbers in canonical form, as the specification lists them", () => {
  const canonical = (values: number[]): string => values.map(formatCanonical).join(" ");
  assert.equal(
    canonical([0, 0.001, 0.002, 0.01, 0.1, 0.9, 0.95, 0.99, 0.999, 1, 1.7, 10]),
    "0.0 0.001 0.002 0.01 0.1 0.9 0.95 0.99 0.999 1.0 1.7 10.0",
  );
  assert.equal(
    canonical([1e-10, 1e-9, 1e-5, 1e-4, 0.1, 1, 1e5, 1e6, 1e10]),
    "1e-10 1e-09 1e-05 0.0001 0.1 1.0 100000.0 1e+06 1e+10",
  );
  assert.equal(canonical([-2.5, 123456789, 1e300]), "-2.5 1.23456789e+08 1e+300");
  assert.equal(canonical([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]), "+Inf -Inf NaN");
});

test("counters: the family without _total, the sample with it", () => {
  shows([family("jobs_total", "counter", [["", 'a="b"', 3]])], '# TYPE jobs counter\njobs_total{a="b"} 3\n');
  shows([family("jobs", "counter", [["", "", 3]])], "# TYPE jobs counter\njobs_total 3\n");
  shows([family("a_total_total", "counter", [["", "", 3]])], "# TYPE a_total counter\na_total_total 3\n");
  shows([family("_total", "counter", [["", "", 3]])], "# TYPE _total unknown\n_total 3\n");
  for (const value of [-1, Number.NaN]) {
    shows([family("jobs_total", "counter", [["", "", value]])], `# TYPE jobs_total unknown\njobs_total ${value}\n`);
  }
});

test("a unit is said where the family's name ends with it; help escapes quotes too", () => {
  const unit = (name: string, type: FamilyType): Family => ({
    ...family(name, type, [["", "", 3]]),
    help: 'say "hi"\\\n',
    unit: "seconds",
  });
  const help = 'say \\"hi\\"\\\\\\n';
  shows(
    [unit("busy_seconds_total", "counter")],
    `# TYPE busy_seconds counter\n# UNIT busy_seconds seconds\n# HELP busy_seconds ${help}\nbusy_seconds_total 3\n`,
  );
  shows([unit("busy", "gauge")], `# TYPE busy gauge\n# HELP busy ${help}\nbusy 3\n`);
  shows([unit("seconds", "gauge")], `# TYPE seconds gauge\n# HELP seconds ${help}\nseconds 3\n`);
});

test("histograms with le stay such, their bounds in canonical form", () => {
  shows(
    [
      family("h", "histogram", [
        ["_bucket", 'a="b",le="1"', 1],
        ["_bucket", 'a="b",le="1000000"', 2],
        ["_bucket", 'a="b",le="+Inf"', 2],
        ["_sum", 'a="b"', 7.5],
        ["_count", 'a="b"', 2],
      ]),
    ],
    '# TYPE h histogram\nh_bucket{a="b",le="1.0"} 1\nh_bucket{a="b",le="1e+06"} 2\nh_bucket{a="b",le="+Inf"} 2\nh_sum{a="b"} 7.5\nh_count{a="b"} 2\n',
  );
});

test("what OpenMetrics calls no histogram is unknown, member by member", () => {
  const ranges: Row[] = [
    ["_bucket", 'vmrange="1.000e+00...1.136e+00"', 2],
    ["_sum", "", 2.1],
    ["_count", "", 2],
  ];
  shows(
    [family("h", "histogram", ranges)],
    '# TYPE h_bucket unknown\nh_bucket{vmrange="1.000e+00...1.136e+00"} 2\n# TYPE h_sum unknown\nh_sum 2.1\n# TYPE h_count unknown\nh_count 2\n',
  );
  const isUnknown = (...rows: Row[]): void => {
    const text = writeOpenMetrics([family("h", "histogram", rows)]);
    assert.doesNotMatch(text, /histogram/);
    parseOpenMetrics(text);
  };
  isUnknown(["_bucket", 'le="1"', 1], ["_sum", "", 1], ["_count", "", 1]);
  isUnknown(["_bucket", 'le="1"', 3], ["_bucket", 'le="+Inf"', 2]);
  isUnknown(["_bucket", 'le="2"', 1], ["_bucket", 'le="1"', 2], ["_bucket", 'le="+Inf"', 2]);
  isUnknown(["_bucket", 'le="+Inf"', 1.5]);
  isUnknown(["_bucket", 'le="x"', 1], ["_bucket", 'le="+Inf"', 1]);
  isUnknown(["_bucket", 'le="+Inf"', 1], ["_sum", "", -1], ["_count", "", 1]);
  isUnknown(["_bucket", 'le="+Inf"', 1], ["_sum", "", 1]);
  isUnknown(["_bucket", 'le="+Inf"', 1], ["_sum", "", 1], ["_count", "", 2]);
  isUnknown(["_bucket", 'le="-1"', 1], ["_bucket", 'le="+Inf"', 1], ["_sum", "", 0], ["_count", "", 1]);
  isUnknown(["_sum", "", 0], ["_count", "", 1]);
});

test("summaries: quantiles in canonical form; a negative one makes it unknown", () => {
  const rows = (low: number): Row[] => [
    ["", 'quantile="0.5"', low],
    ["", 'quantile="1"', 4],
    ["_sum", "", 9],
    ["_count", "", 3],
  ];
  shows(
    [family("s", "summary", rows(2))],
    '# TYPE s summary\ns{quantile="0.5"} 2\ns{quantile="1.0"} 4\ns_sum 9\ns_count 3\n',
  );
  shows(
    [family("s", "summary", rows(-2))],
    '# TYPE s unknown\ns{quantile="0.5"} -2\ns{quantile="1.0"} 4\n# TYPE s_sum unknown\ns_sum 9\n# TYPE s_count unknown\ns_count 3\n',
  );
});

test("families that would meet in a name step back to unknown; nothing is lost", () => {
  const one = (name: string, type: FamilyType): Family => family(name, type, [["", "", 1]]);
  shows(
    [one("jobs", "gauge"), one("jobs_total", "counter")],
    "# TYPE jobs gauge\njobs 1\n# TYPE jobs_total unknown\njobs_total 1\n",
  );
  shows(
    [one("jobs_created", "gauge"), one("jobs_total", "counter")],
    "# TYPE jobs_created gauge\njobs_created 1\n# TYPE jobs_total unknown\njobs_total 1\n",
  );
  shows(
    [one("jobs", "counter"), one("jobs_total", "counter")],
    "# TYPE jobs unknown\njobs 1\n# TYPE jobs_total unknown\njobs_total 1\n",
  );
});

test("whatever the families hold, a strict parser reads the samples of text 0.0.4 back", () => {
  fc.assert(
    fc.property(sources, (all) => {
      const { families } = joinFamilies(all);
      const plain = new Set(families.map(({ name }) => name));
      const key = (sample: ParsedSample): string => {
        // A counter without `_total` has it here.
        const isRenamed = sample.type === "counter" && !plain.has(sample.name);
        const labels = sample.labels.map(([name, text]) =>
          name === "le" || name === "quantile"
            ? `${name}=${Number(text.replace("Inf", "Infinity"))}`
            : `${name}=${text}`,
        );
        const value = Object.is(sample.value, -0) ? "-0" : String(sample.value);
        return JSON.stringify([isRenamed ? sample.family : sample.name, labels, value]);
      };
      const keys = (parsed: { readonly samples: readonly ParsedSample[] }[]): string[] =>
        parsed.flatMap(({ samples }) => samples.map(key)).sort();
      assert.deepEqual(
        keys(parseOpenMetrics(writeOpenMetrics(families))),
        keys(parseText(writeText(families, { metadata: true }))),
      );
    }),
  );
});

test("samples that do not belong to their type are written as unknown", () => {
  fc.assert(fc.property(oddFamilies, (all) => void parseOpenMetrics(writeOpenMetrics(joinFamilies([all]).families))));
});

type Row = readonly [suffix: Sample["suffix"], labels: string, value: number];

function family(name: string, type: FamilyType, rows: readonly Row[]): Family {
  const samples = rows.map(([suffix, labels, value]) => ({ suffix, labels, value }));
  return { name, type, help: "", unit: "", aggregation: "sum", samples };
}

function shows(families: readonly Family[], text: string): void {
  assert.equal(writeOpenMetrics(families), `${text}# EOF\n`);
  parseOpenMetrics(`${text}# EOF\n`);
}
