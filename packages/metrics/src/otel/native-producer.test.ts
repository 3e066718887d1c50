import assert from "node:assert/strict";
import { test } from "node:test";
import * as resources from "@opentelemetry/resources";
import * as sdk from "@opentelemetry/sdk-metrics";
import type { Family, FamilyType, Sample } from "../exposition/family.ts";
import { NativeProducer } from "./native-producer.ts";

function family(name: string, type: FamilyType, samples: [Sample["suffix"], string, number][]): Family {
  const list = samples.map(([suffix, labels, value]) => ({ suffix, labels, value }));
  return { name, type, help: `Help of ${name}.`, unit: "", aggregation: "sum", samples: list };
}

/** Name, kind, and each point's attributes and value. */
function convert(...families: Family[]): unknown[] {
  const metrics = new NativeProducer(sdk, resources, () => []).convert(families, 1_700_000_000_500);
  return metrics.map((metric) => [
    metric.descriptor.name,
    metric.dataPointType === sdk.DataPointType.SUM && metric.isMonotonic
      ? "COUNTER"
      : sdk.DataPointType[metric.dataPointType],
    ...metric.dataPoints.map(({ attributes, value }) => [{ ...attributes }, value]),
  ]);
}

test("counters and gauges", () => {
  assert.deepEqual(
    convert(
      family("a_total", "counter", [
        ["", "", 1],
        ["", 'x="1,\\"\\n",y="2"', 2],
      ]),
      family("g", "gauge", [["", "", Number.NaN]]),
      family("u", "unknown", [["", "", 4]]),
      family("empty", "gauge", []),
    ),
    [
      ["a_total", "COUNTER", [{}, 1], [{ x: '1,"\n', y: "2" }, 2]],
      ["g", "GAUGE", [{}, Number.NaN]],
      ["u", "GAUGE", [{}, 4]],
    ],
  );
});

test("histograms by le, of several series", () => {
  const series = (labels: string, le: string, counts: readonly number[]): [Sample["suffix"], string, number][] => [
    ["_bucket", `${le}le="0.5"`, counts[0] as number],
    ["_bucket", `${le}le="1"`, counts[1] as number],
    ["_bucket", `${le}le="+Inf"`, counts[2] as number],
    ["_sum", labels, 12.5],
    ["_count", labels, counts[2] as number],
  ];
  const h = family("h", "histogram", [...series("", "", [1, 3, 4]), ...series('a="le"', 'a="le",', [0, 0, 7])]);
  const value = (counts: number[], count: number) => ({ buckets: { boundaries: [0.5, 1], counts }, count, sum: 12.5 });
  assert.deepEqual(convert(h), [["h", "HISTOGRAM", [{}, value([1, 2, 1], 4)], [{ a: "le" }, value([0, 0, 7], 7)]]]);
});

test("histograms by vmrange and summaries keep the names VictoriaMetrics stores", () => {
  assert.deepEqual(
    convert(
      family("v", "histogram", [
        ["_bucket", 'a="b",vmrange="1...2"', 3],
        ["_sum", 'a="b"', -4],
        ["_count", 'a="b"', 3],
      ]),
      family("s", "summary", [
        ["", 'quantile="0.5"', 9],
        ["_sum", "", 20],
        ["_count", "", 2],
      ]),
    ),
    [
      ["v_bucket", "COUNTER", [{ a: "b", vmrange: "1...2" }, 3]],
      ["v_sum", "SUM", [{ a: "b" }, -4]],
      ["v_count", "COUNTER", [{ a: "b" }, 3]],
      ["s", "GAUGE", [{ quantile: "0.5" }, 9]],
      ["s_sum", "SUM", [{}, 20]],
      ["s_count", "COUNTER", [{}, 2]],
    ],
  );
});

test("times: since the process started, until now", () => {
  const producer = new NativeProducer(sdk, resources, () => []);
  const [metric] = producer.convert([family("a", "counter", [["", "", 1]])], 1_700_000_000_500);
  const point = metric?.dataPoints[0];
  assert.deepEqual(point?.endTime, [1_700_000_000, 500_000_000]);
  assert.equal(point?.startTime[0], Math.floor(performance.timeOrigin / 1000));
});

test("a source that throws is an error of the collection", async () => {
  const producer = new NativeProducer(sdk, resources, () => {
    throw new Error("boo");
  });
  const { resourceMetrics, errors } = await producer.collect();
  assert.deepEqual(resourceMetrics.scopeMetrics, []);
  assert.equal(String(errors[0]), "Error: boo");
});
