import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "@nyanza/tsdb";
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  AggregationType,
  InstrumentType,
  MeterProvider,
  MetricReader,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { ParseReport } from "../report.ts";
import { RowRecorder } from "../row-recorder.ts";
import type { MetricMetadata } from "../row-sink.ts";
import { attributesOf, encodeOtlpJson, encodeOtlpProtobuf, requestOf } from "./oracle.ts";
import { type OtlpEncoding, type OtlpOptions, otlpEncodingOf, parseOtlp, parseOtlpInSteps } from "./parse.ts";

const TIME = "1700000000123456789";
const TIME_MS = 1_700_000_000_123;

interface Parsed {
  readonly rows: string[];
  readonly report: ParseReport;
  readonly recorder: RowRecorder;
}

function parseBytes(bytes: Uint8Array, encoding: OtlpEncoding, options: OtlpOptions = {}): Parsed {
  const recorder = new RowRecorder();
  const report = parseOtlp(bytes, encoding, recorder, options);
  assert.equal(report.rows, recorder.sampleCount);
  return { rows: recorder.lines(), report, recorder };
}

/** Encodes the request both ways, expects the same of both, returns it. */
function parse(message: object, options: OtlpOptions = {}): Parsed {
  const fromProtobuf = parseBytes(encodeOtlpProtobuf(message), "protobuf", options);
  const fromJson = parseBytes(encodeOtlpJson(message), "json", options);
  assert.deepEqual(fromJson.rows, fromProtobuf.rows);
  assert.deepEqual(fromJson.report.skipped, fromProtobuf.report.skipped);
  return fromProtobuf;
}

const gauge = (point: object, name = "g"): object => ({
  name,
  gauge: { dataPoints: [{ timeUnixNano: TIME, ...point }] },
});

const same = (metric: object, ...rows: string[]) => {
  const { rows: got, report } = parse(requestOf([metric]));
  assert.deepEqual(
    got,
    rows.map((row) => `${row}@${TIME_MS}`),
  );
  assert.equal(report.skipped.size, 0, [...report.skipped.keys()].join());
};

const skipped = (metric: object, reason: RegExp) => {
  const good = gauge({ asDouble: 1 }, "neighbour");
  const { rows, report } = parse(requestOf([good, metric, good]));
  assert.deepEqual(rows, [`neighbour{} 1@${TIME_MS}`, `neighbour{} 1@${TIME_MS}`]);
  assert.match([...report.skipped.keys()].join(), reason);
};

/** `inner` as a protobuf field of bytes. */
function wrap(tag: number, inner: Buffer): Buffer {
  const head = [tag];
  for (let rest = inner.length; ; rest >>>= 7) {
    head.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from(head), inner]);
}

test("OTLP: numbers", () => {
  same(gauge({ asDouble: 0.1 }), "g{} 0.1");
  same(gauge({ asInt: "-5" }), "g{} -5");
  same(gauge({ asInt: "9223372036854775807" }), "g{} 9223372036854776000");
  same(gauge({ asInt: "9007199254740993" }), "g{} 9007199254740992");
  same(gauge({ asDouble: "NaN" }), "g{} NaN");
  same(gauge({ asDouble: "-Infinity" }), "g{} -Infinity");
  same(gauge({ asDouble: 1, attributes: attributesOf({ a: "b", c: "d" }) }), 'g{a="b",c="d"} 1');
  same(
    {
      name: "s.total",
      sum: { isMonotonic: true, aggregationTemporality: 1, dataPoints: [{ timeUnixNano: TIME, asInt: 7 }] },
    },
    "s.total{} 7",
  );
  skipped(gauge({}), /data point without a value/);
  skipped(gauge({ asDouble: 1, timeUnixNano: "0" }), /without a timestamp/);
  skipped(gauge({ asDouble: 1 }, ""), /metric without a name/);
  skipped({ name: "x" }, /unknown kind/);
});

test("OTLP: the flag of no recorded value makes stale markers", () => {
  const flags = 1;
  same(gauge({ flags }), "g{} stale");
  same(gauge({ flags, asDouble: 5 }), "g{} stale");
  const point = { timeUnixNano: TIME, flags, count: 3, sum: 4, bucketCounts: [1, 2], explicitBounds: [0.5] };
  same(
    { name: "h", histogram: { dataPoints: [point] } },
    "h_count{} stale",
    "h_sum{} stale",
    'h_bucket{le="0.5"} stale',
    'h_bucket{le="+Inf"} stale',
  );
});

test("OTLP: a float64 keeps its bits", () => {
  const bytes = encodeOtlpProtobuf(requestOf([gauge({ asDouble: 1234.5678 })]));
  const at = Buffer.from(bytes).indexOf(Buffer.from(new Float64Array([1234.5678]).buffer));
  Buffer.from(bytes.buffer, bytes.byteOffset).writeBigUInt64LE(0xfff4_dead_beef_0001n, at);
  assert.equal(parseBytes(bytes, "protobuf").recorder.series[0]?.samples[0]?.bits, 0xfff4_dead_beef_0001n);
});

test("OTLP: times", () => {
  const timeOf = (timeUnixNano: string | number): number | undefined => {
    const message = requestOf([gauge({ asDouble: 1, timeUnixNano })]);
    return parse(message).recorder.series[0]?.samples[0]?.timestampMs;
  };
  assert.equal(timeOf("1"), 0);
  assert.equal(timeOf("999999"), 0);
  assert.equal(timeOf("1000000"), 1);
  assert.equal(timeOf("1699999999999999999"), 1_699_999_999_999);
  assert.equal(timeOf("1700000000000000000"), 1_700_000_000_000);
  assert.equal(timeOf("18446744073709551615"), 18_446_744_073_709);
  assert.equal(timeOf(1_700_000_000_123_000_000), 1_700_000_000_123);
  const jsonTimeOf = (text: string): Parsed =>
    parseBytes(
      Buffer.from(
        Buffer.from(encodeOtlpJson(requestOf([gauge({ asDouble: 1, timeUnixNano: 0 })])))
          .toString()
          .replace('"timeUnixNano":0', `"timeUnixNano":${text}`),
      ),
      "json",
    );
  assert.equal(jsonTimeOf("1.7e18").recorder.series[0]?.samples[0]?.timestampMs, 1_700_000_000_000);
  assert.match(
    jsonTimeOf('"tomorrow"').report.firstError,
    /byte \d+: want nanoseconds within 64 bits as timeUnixNano, got "\\"tomorrow/,
  );
  assert.match(jsonTimeOf('"99999999999999999999"').report.firstError, /nanoseconds/);
  assert.match(jsonTimeOf("-1").report.firstError, /nanoseconds/);
});

test("OTLP: resource and scope become labels", () => {
  const resource = { attributes: attributesOf({ "service.name": "shop", job: "vm" }) };
  const scope = { name: "lib", version: "1.2", attributes: attributesOf({ k: "v" }) };
  const message = requestOf([gauge({ asDouble: 1, attributes: attributesOf({ job: "own" }) })], resource, scope);
  const rowOf = (options: OtlpOptions): string => (parse(message, options).rows[0] as string).replace(/ .*/, "");
  const scopeLabels = 'scope.name="lib",scope.version="1.2",scope.attributes.k="v"';
  assert.equal(rowOf({}), `g{service.name="shop",job="vm",${scopeLabels},job="own"}`);
  assert.equal(rowOf({ promoteScopeMetadata: false }), 'g{service.name="shop",job="vm",job="own"}');
  assert.equal(
    rowOf({ ignoreResourceAttributes: ["job"], promoteScopeMetadata: false }),
    'g{service.name="shop",job="own"}',
  );
  assert.equal(
    rowOf({ promoteAllResourceAttributes: false, promoteResourceAttributes: ["job"], promoteScopeMetadata: false }),
    'g{job="vm",job="own"}',
  );
  assert.equal(rowOf({ promoteAllResourceAttributes: false, promoteScopeMetadata: false }), 'g{job="own"}');
  // A scope that says nothing of itself is unknown; no scope at all is no label.
  const unnamed = parse(requestOf([gauge({ asDouble: 1 })], {}, {})).rows[0];
  assert.equal(unnamed, `g{scope.name="unknown",scope.version="unknown"} 1@${TIME_MS}`);
});

test("OTLP: fields may come in any order", () => {
  const good = {
    resourceMetrics: [
      {
        scopeMetrics: [
          {
            metrics: [
              {
                gauge: {
                  dataPoints: [
                    { asDouble: 1, attributes: [{ value: { stringValue: "b" }, key: "a" }], timeUnixNano: TIME },
                  ],
                },
                unit: "s",
                name: "g",
              },
            ],
            scope: { version: "2", name: "n" },
          },
        ],
        resource: { attributes: attributesOf({ r: "s" }) },
      },
    ],
  };
  const row = `g{r="s",scope.name="n",scope.version="2",a="b"} 1@${TIME_MS}`;
  assert.deepEqual(parseBytes(encodeOtlpJson(good), "json").rows, [row]);
  assert.deepEqual(parseBytes(encodeOtlpProtobuf(good), "protobuf").rows, [row]);
  // protobufjs writes fields by number: put the scope before the resource by hand.
  const [resourceMetrics] = good.resourceMetrics;
  const payloadOf = (part: object): Buffer => {
    const bytes = encodeOtlpProtobuf({ resourceMetrics: [part] });
    return Buffer.from(bytes.subarray((bytes[1] as number) < 0x80 ? 2 : 3));
  };
  const scopeFirst = [
    payloadOf({ scopeMetrics: resourceMetrics?.scopeMetrics }),
    payloadOf({ resource: resourceMetrics?.resource }),
  ];
  assert.deepEqual(parseBytes(wrap(0x0a, Buffer.concat(scopeFirst)), "protobuf").rows, [row]);
});

test("OTLP: attributes of every type", () => {
  const rowOf = (value: object, options: OtlpOptions = {}): string | undefined =>
    parse(requestOf([gauge({ asDouble: 1, attributes: [{ key: "k", value }] })]), options).rows[0]?.replace(
      / 1@.*/,
      "",
    );
  assert.equal(rowOf({ stringValue: 'é\n"x' }), `g{k=${JSON.stringify('é\n"x')}}`);
  assert.equal(rowOf({ boolValue: true }), 'g{k="true"}');
  assert.equal(rowOf({ boolValue: false }), 'g{k="false"}');
  assert.equal(rowOf({ intValue: "-9223372036854775808" }), 'g{k="-9223372036854775808"}');
  assert.equal(rowOf({ intValue: "9007199254740993" }), 'g{k="9007199254740993"}');
  assert.equal(rowOf({ intValue: 42 }), 'g{k="42"}');
  assert.equal(rowOf({ doubleValue: 1e21 }), 'g{k="1000000000000000000000"}');
  assert.equal(rowOf({ doubleValue: -1.5e-7 }), 'g{k="-0.00000015"}');
  assert.equal(rowOf({ doubleValue: "Infinity" }), 'g{k="+Inf"}');
  assert.equal(rowOf({ bytesValue: "3q2+7w==" }), 'g{k="3q2+7w=="}');
  const list = {
    arrayValue: {
      values: [
        { stringValue: 'a"b' },
        { intValue: "1" },
        { doubleValue: 0.5 },
        { boolValue: true },
        {},
        { bytesValue: "AQ==" },
      ],
    },
  };
  assert.equal(rowOf(list), `g{k=${JSON.stringify('["a\\"b",1,0.5,true,null,"AQ=="]')}}`);
  const pairs = {
    kvlistValue: {
      values: [
        { key: "x", value: { intValue: 1 } },
        { key: "y", value: { kvlistValue: { values: [{ key: "z", value: list }] } } },
      ],
    },
  };
  assert.equal(rowOf(pairs), `g{k.x="1",k.y.z=${JSON.stringify('["a\\"b",1,0.5,true,null,"AQ=="]')}}`);
  assert.equal(
    rowOf({ arrayValue: { values: [pairs] } }),
    `g{k=${JSON.stringify('[{"x":1,"y":{"z":["a\\"b",1,0.5,true,null,"AQ=="]}}]')}}`,
  );
  assert.equal(rowOf({ arrayValue: {} }), 'g{k="[]"}');
  assert.equal(rowOf({ kvlistValue: {} }), "g{}");
  assert.equal(rowOf({}), "g{}");
  // What is no label: no key, no value. What is one all the same: a name twice, a name of JavaScript's own.
  const attributes = [
    { key: "", value: { stringValue: "x" } },
    { key: "n" },
    { value: { stringValue: "x" } },
    ...attributesOf({ constructor: "c" }),
    { key: "__proto__", value: { stringValue: "p" } },
    ...attributesOf({ a: "1" }),
    ...attributesOf({ a: "2" }),
  ];
  assert.equal(
    parse(requestOf([gauge({ asDouble: 1, attributes })])).rows[0],
    `g{constructor="c",__proto__="p",a="1",a="2"} 1@${TIME_MS}`,
  );
});

test("OTLP: histograms", () => {
  const histogram = (point: object): object => ({
    name: "h",
    histogram: { dataPoints: [{ timeUnixNano: TIME, ...point }] },
  });
  same(
    histogram({
      count: 15,
      sum: 30,
      bucketCounts: [0, 5, 10, 0, 0],
      explicitBounds: [0.1, 0.5, 1, 5],
      attributes: attributesOf({ a: "b" }),
    }),
    'h_count{a="b"} 15',
    'h_sum{a="b"} 30',
    'h_bucket{a="b",le="0.1"} 0',
    'h_bucket{a="b",le="0.5"} 5',
    'h_bucket{a="b",le="1"} 15',
    'h_bucket{a="b",le="5"} 15',
    'h_bucket{a="b",le="+Inf"} 15',
  );
  same(histogram({ count: 2, bucketCounts: ["2"] }), "h_count{} 2", 'h_bucket{le="+Inf"} 2');
  same(histogram({ count: 2, sum: 3 }), "h_count{} 2", "h_sum{} 3", 'h_bucket{le="+Inf"} 2');
  same(
    histogram({ count: 3, bucketCounts: [1, 2, 0], explicitBounds: [1, "Infinity"] }),
    "h_count{} 3",
    'h_bucket{le="1"} 1',
    'h_bucket{le="+Inf"} 3',
  );
  same(
    histogram({ count: 3, bucketCounts: [1, 2], explicitBounds: [1e-7] }),
    "h_count{} 3",
    'h_bucket{le="0.0000001"} 1',
    'h_bucket{le="+Inf"} 3',
  );
  skipped(histogram({ count: 3, bucketCounts: [1, 2], explicitBounds: [1, 2] }), /not one more than its bounds/);
  skipped(histogram({ count: 3, explicitBounds: [1, 2] }), /not one more than its bounds/);
  skipped(histogram({ count: 3, bucketCounts: [1, 2, 3], explicitBounds: [2, 1] }), /not ascending/);
  skipped(histogram({ count: 3, bucketCounts: [1, 2], explicitBounds: ["NaN"] }), /not ascending/);
  skipped(histogram({ count: 3, bucketCounts: new Array(70_000).fill(0) }), /65536 buckets/);
});

test("OTLP: exponential histograms", () => {
  const histogram = (point: object): object => ({
    name: "e",
    exponentialHistogram: { dataPoints: [{ timeUnixNano: TIME, ...point }] },
  });
  same(
    histogram({
      count: 31,
      sum: 588,
      scale: 0,
      positive: { offset: 2, bucketCounts: [1, 2, 3, 4, 5, 0, 0, 1] },
      negative: { offset: 2, bucketCounts: [1, 2] },
    }),
    "e_count{} 31",
    "e_sum{} 588",
    'e_bucket{vmrange="4.000e+00...8.000e+00"} 1',
    'e_bucket{vmrange="8.000e+00...1.600e+01"} 2',
    'e_bucket{vmrange="1.600e+01...3.200e+01"} 3',
    'e_bucket{vmrange="3.200e+01...6.400e+01"} 4',
    'e_bucket{vmrange="6.400e+01...1.280e+02"} 5',
    'e_bucket{vmrange="5.120e+02...1.024e+03"} 1',
    'e_bucket{vmrange="-8.000e+00...-4.000e+00"} 1',
    'e_bucket{vmrange="-1.600e+01...-8.000e+00"} 2',
  );
  same(histogram({ count: 1, zeroCount: 4 }), "e_count{} 1", 'e_bucket{vmrange="-0.000e+00...0.000e+00"} 4');
  same(
    histogram({ count: 1, zeroCount: 4, zeroThreshold: 0.25 }),
    "e_count{} 1",
    'e_bucket{vmrange="-2.500e-01...2.500e-01"} 4',
  );
  // At scale 20 a thousand buckets share four digits: one series, nothing lost.
  same(
    histogram({ count: 9, scale: 20, positive: { offset: 10, bucketCounts: [4, 0, 5] } }),
    "e_count{} 9",
    'e_bucket{vmrange="1.000e+00...1.000e+00"} 9',
  );
  same(
    histogram({ count: 1, scale: -10, positive: { bucketCounts: [1] } }),
    "e_count{} 1",
    'e_bucket{vmrange="1.000e+00...+Inf"} 1',
  );
  for (const scale of [2 ** 31 - 1, -(2 ** 31), 21, -11]) {
    skipped(histogram({ count: 1, scale, positive: { bucketCounts: [1] } }), /scale outside/);
  }
  for (const zeroThreshold of [-1, "NaN"]) skipped(histogram({ count: 1, zeroThreshold }), /negative zero threshold/);
  skipped(histogram({ positive: { bucketCounts: new Array(70_000).fill(0) } }), /65536 buckets/);
  const beyond = parse(requestOf([histogram({ count: 1, positive: { offset: 2 ** 31 - 1, bucketCounts: [1] } })]));
  assert.deepEqual(beyond.rows, [`e_count{} 1@${TIME_MS}`]);
  assert.equal(beyond.report.skipped.get("exponential histogram bucket beyond float64"), 1);
});

test("OTLP: summaries", () => {
  const point = {
    timeUnixNano: TIME,
    count: 5,
    sum: 32.5,
    attributes: attributesOf({ a: "b" }),
    quantileValues: [{ quantile: 0.1, value: 7.5 }, { quantile: 1, value: 15 }, {}],
  };
  same(
    { name: "my-summary", summary: { dataPoints: [point] } },
    'my-summary_count{a="b"} 5',
    'my-summary_sum{a="b"} 32.5',
    'my-summary{a="b",quantile="0.1"} 7.5',
    'my-summary{a="b",quantile="1"} 15',
    'my-summary{a="b",quantile="0"} 0',
  );
});

test("OTLP: Prometheus' names when asked for", () => {
  const metric = {
    name: "my-sum.of/things",
    unit: "By/s",
    description: "Some",
    sum: {
      isMonotonic: true,
      dataPoints: [
        { timeUnixNano: TIME, asInt: 1, attributes: attributesOf({ "a.b": "x", "1st": "y", _u: "z", __v: "w" }) },
      ],
    },
  };
  const message = requestOf([metric], { attributes: attributesOf({ "service.name": "s" }) }, { name: "n" });
  const seen: MetricMetadata[] = [];
  const rowOf = (options: OtlpOptions): string | undefined => parse(message, options).rows[0];
  assert.equal(
    rowOf({ usePrometheusNaming: true, onMetadata: (metadata) => seen.push(metadata) }),
    `my_sum_of_things_bytes_per_second_total{service_name="s",scope_name="n",scope_version="unknown",a_b="x",key_1st="y",key_u="z",__v="w"} 1@${TIME_MS}`,
  );
  assert.deepEqual(
    seen,
    new Array(2).fill({ name: "my_sum_of_things_bytes_per_second_total", type: "counter", help: "Some", unit: "By/s" }),
  );
  assert.match(rowOf({ usePrometheusNaming: true, labelNameUnderscoreSanitization: false }) as string, /,_u="z"/);
  assert.match(
    rowOf({ convertMetricNamesToPrometheus: true }) as string,
    /^my_sum_of_things_bytes_per_second_total\{service\.name=/,
  );
});

test("OTLP: steps", () => {
  const metrics = Array.from({ length: 10 }, (_, i) => ({
    name: `g${i}`,
    gauge: { dataPoints: Array.from({ length: 25 }, (_, k) => ({ timeUnixNano: TIME, asInt: k })) },
  }));
  for (const encoding of ["protobuf", "json"] as const) {
    const bytes = (encoding === "json" ? encodeOtlpJson : encodeOtlpProtobuf)(requestOf(metrics));
    const report = new ParseReport();
    const recorder = new RowRecorder();
    const pauses: number[] = [];
    for (const _ of parseOtlpInSteps(bytes, encoding, recorder, report, { stepSamples: 100 })) pauses.push(report.rows);
    assert.deepEqual(pauses, [100, 200]);
    assert.equal(report.rows, 250);
    assert.deepEqual(recorder.lines(), parseBytes(bytes, encoding).rows);
  }
});

test("OTLP: what labels multiply to is bounded", () => {
  const resource = { attributes: attributesOf({ big: "x".repeat(100_000) }) };
  const dataPoints = Array.from({ length: 100 }, () => ({ timeUnixNano: TIME, asInt: 1 }));
  const { report } = parse(requestOf([{ name: "g", gauge: { dataPoints } }], resource), { labelBytesMax: 1_000_000 });
  assert.equal(report.rows, 9);
  assert.equal(report.skipped.get("labels that multiply to more than one body may have"), 91);
  const thousand = {
    attributes: attributesOf(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`a${i}`, "v"]))),
  };
  assert.equal(parse(requestOf([gauge({ asInt: 1 })], thousand)).recorder.series[0]?.labels.length, 1001);
  const tooMany = {
    attributes: attributesOf(Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`a${i}`, "v"]))),
  };
  assert.match([...parse(requestOf([gauge({ asInt: 1 })], tooMany)).report.skipped.keys()].join(), /4096/);
  const tooLong = { attributes: attributesOf({ a: "v".repeat(300_000) }) };
  assert.match([...parse(requestOf([gauge({ asInt: 1 })], tooLong)).report.skipped.keys()].join(), /256 KiB/);
});

test("OTLP: attributes nested without end cost no more than themselves", () => {
  const nested = (depth: number, kind: "arrayValue" | "kvlistValue"): object => {
    let value: object = { stringValue: "deep" };
    for (let i = 0; i < depth; i++) {
      value = { [kind]: { values: [kind === "arrayValue" ? value : { key: "k", value }] } };
    }
    return value;
  };
  for (const kind of ["arrayValue", "kvlistValue"] as const) {
    const attributes = [{ key: "a", value: nested(45, kind) }, ...attributesOf({ b: "c" })];
    const { rows, report } = parse(requestOf([gauge({ asInt: 1, attributes })]));
    assert.deepEqual(rows, [`g{b="c"} 1@${TIME_MS}`]);
    assert.equal(report.skipped.get("attribute nested deeper than 32"), 1);
    assert.equal(
      parse(requestOf([gauge({ asInt: 1, attributes: [{ key: "a", value: nested(20, kind) }] })])).recorder.series[0]
        ?.labels.length,
      2,
    );
  }
  // Ten thousand levels: protobuf skips what is below 32, JSON refuses the document.
  let value: Buffer = Buffer.from([0x0a, 0x01, 0x78]);
  for (let i = 0; i < 10_000; i++) value = wrap(0x2a, wrap(0x0a, value));
  const attribute = wrap(0x3a, Buffer.concat([Buffer.from([0x0a, 0x01, 0x61]), wrap(0x12, value)]));
  const time = Buffer.from([
    0x19,
    ...new Uint8Array(new BigUint64Array([BigInt(TIME)]).buffer),
    0x31,
    1,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ]);
  const metric = Buffer.concat([
    wrap(0x0a, Buffer.from("g")),
    wrap(0x2a, wrap(0x0a, Buffer.concat([time, attribute]))),
  ]);
  const body = wrap(0x0a, wrap(0x12, wrap(0x12, metric)));
  const { rows, report } = parseBytes(body, "protobuf");
  assert.deepEqual(rows, [`g{} 1@${TIME_MS}`]);
  assert.equal(report.skipped.get("attribute nested deeper than 32"), 1);
  assert.throws(() => parseBytes(Buffer.from('{"a":'.repeat(10_000)), "json"), /want nesting of at most 256/);
});

test("OTLP: bodies that are something else", () => {
  const message = requestOf([gauge({ asInt: 1 })]);
  const fails = (bytes: Uint8Array, encoding: OtlpEncoding, expected: RegExp) =>
    assert.throws(
      () => parseBytes(bytes, encoding),
      (error) => error instanceof InputError && error.status === 400 && expected.test(error.message),
      `${encoding} ${Buffer.from(bytes).toString("latin1").slice(0, 50)}`,
    );
  fails(encodeOtlpJson(message), "protobuf", /byte \d+ of \d+: .*looks like JSON/);
  fails(encodeOtlpProtobuf(message), "json", /line \d+, column \d+: want .*looks like protobuf/);
  fails(Buffer.from([0x1f, 0x8b, 8, 0]), "protobuf", /looks like gzip/);
  fails(Buffer.from([0x1f, 0x8b, 8, 0]), "json", /looks like gzip/);
  fails(Buffer.from(""), "json", /want a JSON value, got the end of the body/);
  fails(Buffer.from("[]"), "json", /want an object/);
  fails(Buffer.from('{"resourceMetrics":{}}'), "json", /want an array as resourceMetrics/);
  fails(Buffer.from('{"resourceMetrics":[]} x'), "json", /column 24: want the end of the document/);
  fails(Buffer.from('{"resourceMetrics":[1]}'), "json", /want an object/);
  fails(Buffer.from('{"a":1,}'), "json", /want a key in double quotes/);
  fails(Buffer.from('{"a":[1,]}'), "json", /want a JSON value/);
  fails(Buffer.from('{"a":tru}'), "json", /want a JSON value/);
  fails(Buffer.from('{"a":"x'), "json", /closing quote/);
  fails(Buffer.from([0x0a, 0x05, 0x00]), "protobuf", /at byte 1 of 3: want 5 bytes for field 1, got 1/);
  fails(Buffer.from([0x0b]), "protobuf", /wire type/);
  fails(Buffer.from([0x0e]), "protobuf", /wire type 0, 1, 2 or 5|bytes for field 1, got wire type 6/);
  fails(Buffer.from([0x00]), "protobuf", /field number, got 0/);
  fails(Buffer.from([0x10, ...new Array(11).fill(0xff)]), "protobuf", /varint of at most 10 bytes/);
  fails(
    Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
    "protobuf",
    /want 18446744073709552000 bytes/,
  );
  assert.deepEqual(parseBytes(Buffer.from(""), "protobuf").rows, []);
  assert.deepEqual(parseBytes(Buffer.from("{}"), "json").rows, []);
  assert.deepEqual(
    parseBytes(Buffer.from('\ufeff {"resourceMetrics":null,"__proto__":{"x":[true,false,null,-1e5]}} '), "json").rows,
    [],
  );
});

test("OTLP: a point whose JSON is no number is counted, its neighbours stay", () => {
  const text = Buffer.from(
    encodeOtlpJson(requestOf([gauge({ asDouble: 1 }), gauge({ asDouble: "x1" }), gauge({ asDouble: 3 })])),
  );
  const { rows, report } = parseBytes(text, "json");
  assert.deepEqual(rows, [`g{} 1@${TIME_MS}`, `g{} 3@${TIME_MS}`]);
  assert.equal(report.invalidRows, 1);
  assert.match(report.firstError, /^OTLP JSON at byte \d+: want a number, got "\\"x1\\""/);
});

test("otlpEncodingOf", () => {
  assert.equal(otlpEncodingOf("application/json; charset=utf-8"), "json");
  assert.equal(otlpEncodingOf("Application/JSON"), "json");
  assert.equal(otlpEncodingOf("application/x-protobuf"), "protobuf");
  assert.equal(otlpEncodingOf(undefined), "protobuf");
});

class ManualReader extends MetricReader {
  constructor(temporality: AggregationTemporality) {
    super({ aggregationTemporalitySelector: () => temporality });
  }
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

async function collectFromSdk(temporality: AggregationTemporality): Promise<ResourceMetrics> {
  const reader = new ManualReader(temporality);
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ "service.name": "shop", pid: 7, flags: [true, false], "app.ratio": 0.5 }),
    readers: [reader],
    views: [
      {
        instrumentName: "size",
        aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM, options: { maxSize: 160 } },
        instrumentType: InstrumentType.HISTOGRAM,
      },
    ],
  });
  const meter = provider.getMeter("my.scope", "1.0.0");
  meter.createCounter("orders", { unit: "1", description: "Orders" }).add(3, { city: "Kyïv" });
  meter.createUpDownCounter("open").add(-2.5);
  meter.createObservableGauge("heat").addCallback((result) => result.observe(36.6, { "room.no": 4 }));
  meter.createHistogram("latency", { unit: "ms", advice: { explicitBucketBoundaries: [1, 10] } }).record(5);
  const size = meter.createHistogram("size");
  for (const value of [1, 2, 3, 100]) size.record(value);
  const { resourceMetrics } = await reader.collect();
  await provider.shutdown();
  return resourceMetrics;
}

test("OTLP: the real SDK's bodies, protobuf and JSON alike", async () => {
  for (const temporality of [AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA]) {
    const collected = await collectFromSdk(temporality);
    const fromProtobuf = parseBytes(ProtobufMetricsSerializer.serializeRequest(collected) as Uint8Array, "protobuf");
    const fromJson = parseBytes(JsonMetricsSerializer.serializeRequest(collected) as Uint8Array, "json");
    assert.deepEqual(fromJson.rows, fromProtobuf.rows);
    assert.equal(fromProtobuf.report.skipped.size, 0);
    const common =
      'service.name="shop",pid="7",flags="[true,false]",app.ratio="0.5",scope.name="my.scope",scope.version="1.0.0"';
    const rows = fromProtobuf.rows
      .map((row) => row.replace(/@\d+$/, ""))
      .filter((row) => !/^size_(sum|bucket)/.test(row))
      .sort();
    assert.deepEqual(
      rows,
      [
        `orders{${common},city="Kyïv"} 3`,
        `open{${common}} -2.5`,
        `heat{${common},room.no="4"} 36.6`,
        `latency_count{${common}} 1`,
        `latency_sum{${common}} 5`,
        `latency_bucket{${common},le="1"} 0`,
        `latency_bucket{${common},le="10"} 1`,
        `latency_bucket{${common},le="+Inf"} 1`,
        `size_count{${common}} 4`,
      ].sort(),
    );
    const ranged = fromProtobuf.recorder.series.filter((series) =>
      series.labels.some(([label]) => label === "vmrange"),
    );
    assert.equal(
      ranged.reduce((sum, series) => sum + (series.samples[0]?.value as number), 0),
      4,
    );
    const timestampMs = fromProtobuf.recorder.series[0]?.samples[0]?.timestampMs as number;
    assert.ok(Math.abs(timestampMs - Date.now()) < 60_000);
  }
});

/** Any request, as protobufjs and JSON take it. */
const anyRequest: fc.Arbitrary<object> = (() => {
  const text = fc.string({ unit: "grapheme", maxLength: 8 });
  const { anyValue } = fc.letrec((tie) => ({
    anyValue: fc.oneof(
      { maxDepth: 4, depthIdentifier: "value" },
      fc.record({ stringValue: text }),
      fc.record({ boolValue: fc.boolean() }),
      fc.record({ intValue: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String) }),
      fc.record({ doubleValue: fc.double({ noNaN: true, noDefaultInfinity: true }).map((v) => v + 0) }),
      fc.record({ bytesValue: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("base64")) }),
      fc.record({ arrayValue: fc.record({ values: fc.array(tie("anyValue"), { maxLength: 3 }) }) }),
      fc.record({
        kvlistValue: fc.record({
          values: fc.array(fc.record({ key: text, value: tie("anyValue") }), { maxLength: 3 }),
        }),
      }),
    ),
  }));
  const attributes = fc.array(fc.record({ key: text, value: anyValue }), { maxLength: 4 });
  const uint = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
  const real = fc.double({ noNaN: true, noDefaultInfinity: true }).map((v) => v + 0);
  const flags = fc.constantFrom(0, 1, 2);
  const common = { attributes, timeUnixNano: uint, flags };
  const number = fc.oneof(
    fc.record({ ...common, asDouble: real }),
    fc.record({ ...common, asInt: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String) }),
  );
  const buckets = fc.record({
    offset: fc.integer({ min: -2000, max: 2000 }),
    bucketCounts: fc.array(uint, { maxLength: 5 }),
  });
  const points = <T>(point: fc.Arbitrary<T>): fc.Arbitrary<{ dataPoints: T[] }> =>
    fc.record({ dataPoints: fc.array(point, { maxLength: 3 }) });
  const metric = fc.oneof(
    fc.record({ name: text, unit: text, gauge: points(number) }),
    fc.record({
      name: text,
      sum: points(number).chain((data) => fc.boolean().map((isMonotonic) => ({ ...data, isMonotonic }))),
    }),
    fc.record({
      name: text,
      histogram: points(
        fc.record({
          ...common,
          count: uint,
          sum: real,
          bucketCounts: fc.array(uint, { maxLength: 4 }),
          explicitBounds: fc.array(real, { maxLength: 3 }),
        }),
      ),
    }),
    fc.record({
      name: text,
      exponentialHistogram: points(
        fc.record({
          ...common,
          count: uint,
          scale: fc.integer({ min: -12, max: 22 }),
          zeroCount: uint,
          zeroThreshold: real,
          positive: buckets,
          negative: buckets,
        }),
      ),
    }),
    fc.record({
      name: text,
      summary: points(
        fc.record({
          ...common,
          count: uint,
          sum: real,
          quantileValues: fc.array(fc.record({ quantile: real, value: real }), { maxLength: 3 }),
        }),
      ),
    }),
  );
  const scopeMetrics = fc.record({
    scope: fc.record({ name: text, version: text, attributes }),
    metrics: fc.array(metric, { maxLength: 3 }),
  });
  return fc.record({
    resourceMetrics: fc.array(
      fc.record({ resource: fc.record({ attributes }), scopeMetrics: fc.array(scopeMetrics, { maxLength: 2 }) }),
      { maxLength: 2 },
    ),
  });
})();

test("OTLP: protobuf and JSON of any request are the same rows, names converted or not", () => {
  fc.assert(
    fc.property(anyRequest, fc.boolean(), (message, usePrometheusNaming) => {
      parse(message, { usePrometheusNaming });
    }),
    { numRuns: 300 },
  );
});

test("OTLP: truncated at every byte or changed anywhere, a body is rows or an InputError", () => {
  const orInputError = (bytes: Uint8Array, encoding: OtlpEncoding) => {
    try {
      parseBytes(bytes, encoding);
    } catch (error) {
      if (!(error instanceof InputError) || error.status !== 400) throw error;
    }
  };
  fc.assert(
    fc.property(
      anyRequest,
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }),
      (message, changes) => {
        for (const encoding of ["protobuf", "json"] as const) {
          const bytes = Buffer.from((encoding === "json" ? encodeOtlpJson : encodeOtlpProtobuf)(message));
          for (let end = 0; end < Math.min(bytes.length, 400); end++) orInputError(bytes.subarray(0, end), encoding);
          for (const [at, byte] of changes) {
            if (bytes.length > 0) bytes[at % bytes.length] = byte;
            orInputError(bytes, encoding);
          }
        }
      },
    ),
    { numRuns: 50 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => orInputError(bytes, "protobuf")),
    { numRuns: 500 },
  );
});
