import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { JsonWalkError } from "./json-walk.ts";
import { ErrorAnswer, type MatrixAnswer, parseListAnswer, parseQueryAnswer, readText } from "./query-answer.ts";

const parse = (value: unknown) =>
  parseQueryAnswer(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)));

test("each type of result", () => {
  const of = (resultType: string, result: unknown) => parse({ status: "success", data: { resultType, result } });
  assert.deepEqual(of("scalar", [1.5, "NaN"]).result, { timestampMs: 1500, value: Number.NaN });
  assert.deepEqual(of("string", [1700000000.123, "é"]).result, { timestampMs: 1_700_000_000_123, value: "é" });
  const histogram = { count: "3", sum: "1.5", buckets: [[0, "-1", "1", "3"]] };
  assert.deepEqual(
    of("vector", [
      { metric: { __name__: "up", job: "a" }, value: [1, "+Inf"] },
      { metric: {}, value: [2, "-Inf"] },
      { metric: { h: "1" }, histogram: [3, histogram] },
    ]).result,
    [
      {
        labels: new Map([
          ["__name__", "up"],
          ["job", "a"],
        ]),
        timestampMs: 1000,
        value: Infinity,
        histogram: null,
      },
      { labels: new Map(), timestampMs: 2000, value: -Infinity, histogram: null },
      { labels: new Map([["h", "1"]]), timestampMs: 3000, value: Number.NaN, histogram },
    ],
  );
  assert.deepEqual(
    of("matrix", [
      {
        metric: { a: "b" },
        values: [
          [1, "1e-7"],
          [2, "5e-324"],
        ],
        histograms: [[3, histogram]],
      },
      { metric: {}, values: [], more: 1 },
    ]).result,
    [
      {
        labels: new Map([["a", "b"]]),
        timestampsMs: Float64Array.of(1000, 2000),
        values: Float64Array.of(1e-7, 5e-324),
        histograms: [{ timestampMs: 3000, histogram }],
      },
      { labels: new Map(), timestampsMs: new Float64Array(0), values: new Float64Array(0), histograms: [] },
    ],
  );
});

test("what stands beside the data is handed through, in any order of keys", () => {
  const trace = { duration_msec: 1, message: "x", children: [] };
  const more = { trace, infos: ["i"], warnings: ["w"], isPartial: true, status: "success" };
  const data = { result: [{ metric: {}, values: [[1, "2"]] }], stats: { seriesFetched: "1" }, resultType: "matrix" };
  for (const text of [JSON.stringify({ data, ...more }), JSON.stringify({ ...more, data }, null, 1)]) {
    const answer = parse(text) as MatrixAnswer;
    assert.deepEqual(answer.result[0]?.values, Float64Array.of(2));
    const { isPartial, warnings, infos, stats } = answer;
    assert.deepEqual([isPartial, warnings, infos, stats, answer.trace], [true, ["w"], ["i"], data.stats, trace]);
  }
  const plain = parse({ status: "success", data: { resultType: "vector", result: null }, stats: { n: 1 } });
  assert.deepEqual(plain, {
    ...{ resultType: "vector", result: [], isPartial: false, warnings: [], infos: [], stats: { n: 1 }, trace: null },
  });
});

test("a label may be called __proto__, constructor or nothing at all", () => {
  const answer = parse(
    `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__proto__":"p","constructor":"c","":"e"},"value":[1,"1"]}]}}`,
  );
  assert.equal(answer.resultType, "vector");
  const { labels } = answer.result[0] as { labels: ReadonlyMap<string, string> };
  assert.deepEqual(
    [...labels],
    [
      ["__proto__", "p"],
      ["constructor", "c"],
      ["", "e"],
    ],
  );
  assert.equal(({} as { p?: string }).p, undefined);
});

test("every float64 that a server can write comes back bit by bit", () => {
  fc.assert(
    fc.property(fc.array(fc.double()), (values) => {
      const text = (value: number): string =>
        Object.is(value, -0)
          ? "-0"
          : String(value)
              .replace(/^Infinity/, "+Inf")
              .replace("Infinity", "Inf");
      const points = values.map((value, i) => [1_700_000_000 + i / 1000, text(value)]);
      const answer = parse({
        status: "success",
        data: { resultType: "matrix", result: [{ metric: {}, values: points }] },
      });
      const series = (answer as MatrixAnswer).result[0];
      assert.ok(values.every((value, i) => Object.is(series?.values[i], value)));
      assert.ok(values.every((_, i) => series?.timestampsMs[i] === 1_700_000_000_000 + i));
    }),
  );
});

test("what is no answer is refused", () => {
  const vector = (item: unknown) => ({ status: "success", data: { resultType: "vector", result: [item] } });
  for (const bad of [
    ...["", "{}", "[]", "null", "1", `{"status":"success"}`, `{"status":"maybe","data":{}}`],
    { status: "success", data: null },
    { status: "success", data: {} },
    { status: "success", data: { resultType: "table", result: [] } },
    { status: "success", data: { result: [] } },
    ...[1, null, {}, { metric: {} }, { metric: { a: 1 }, value: [1, "1"] }, { metric: {}, value: ["1", "1"] }].map(
      vector,
    ),
    ...["", " ", "x", "1x", null, {}, []].map((value) => vector({ metric: {}, value: [1, value] })),
    vector({ metric: {}, value: [1, "1", "2"] }),
    { status: "success", data: { resultType: "matrix", result: [{ values: [] }] } },
    { status: "success", data: { resultType: "matrix", result: {} } },
  ]) {
    assert.throws(() => parse(bad), JsonWalkError, JSON.stringify(bad));
  }
  assert.throws(() => parseListAnswer(Buffer.from(`{"status":"success","data":[1]}`), readText), JsonWalkError);
  assert.throws(() => parseListAnswer(Buffer.from(`{"status":"success"}`), readText), JsonWalkError);
  assert.throws(
    () => parse({ status: "error", errorType: "bad_data", error: "no", data: null }),
    (error) => error instanceof ErrorAnswer && error.errorType === "bad_data" && error.message === "no",
  );
});

test("lists in lists without end are refused like any other nonsense", () => {
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  const answer = (type: string, metric: string) =>
    `{"status":"success","warnings":[${deep}],"data":{"resultType":${type},"result":[{"metric":${metric},"value":[1,"1"]}]}}`;
  assert.deepEqual(parse(answer('"vector"', "{}")).warnings, ["a deep array"]);
  for (const bad of [answer('"vector"', `{"a":${deep}}`), answer(deep, "{}"), `{"status":${deep},"data":{}}`]) {
    assert.throws(() => parse(bad), JsonWalkError);
  }
});

test("a long series costs its columns, not an object a point", () => {
  const points = 200_000;
  const values = Array.from({ length: points }, (_, i) => `[${1_700_000_000 + i},"${i / 8}"]`).join();
  const text = `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[${values}]}]}}`;
  const { timestampsMs, values: column } = (parse(text) as MatrixAnswer).result[0] as MatrixAnswer["result"][0];
  assert.equal(column.length, points);
  assert.equal(column.buffer.byteLength, points * 8);
  assert.equal(column[points - 1], (points - 1) / 8);
  assert.equal(timestampsMs[points - 1], (1_700_000_000 + points - 1) * 1000);
});
