import assert from "node:assert/strict";
import { test } from "node:test";
import { findPlace, layOnGrid, readAnswer } from "./answer.ts";

const NAN = Number.NaN;

test("answers of each kind", () => {
  const vector = readAnswer({
    status: "success",
    isPartial: true,
    data: { resultType: "vector", result: [{ metric: { a: "b" }, value: [1.5, "2"] }] },
  });
  assert.equal(vector.isPartial, true);
  assert.deepEqual(vector.series[0]?.labels, [["a", "b"]]);
  assert.deepEqual(vector.series[0]?.timestamps, Float64Array.of(1500));
  const matrix = readAnswer({
    data: {
      resultType: "matrix",
      result: [
        {
          metric: {},
          values: [
            [1700000000.123, "NaN"],
            [1700000001, "+Inf"],
            [1700000002, "-Inf"],
            [1700000003, "1e-3"],
          ],
        },
      ],
    },
    warnings: ["w"],
  });
  assert.deepEqual(matrix.warnings, ["w"]);
  assert.equal(matrix.series[0]?.timestamps[0], 1700000000123);
  assert.deepEqual(
    matrix.series[0]?.values,
    Float64Array.of(NAN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.001),
  );
  const scalar = readAnswer({ data: { resultType: "scalar", result: [1, "5"] } });
  assert.deepEqual(scalar.series[0]?.values, Float64Array.of(5));
  assert.equal(readAnswer({ data: { resultType: "string", result: [1, "text"] } }).text, "text");
});

test("what is no answer is refused, what is half of one is borne", () => {
  for (const body of [undefined, null, "text", 5, {}, { data: null }, { data: { resultType: "x" } }]) {
    assert.throws(() => readAnswer(body), /want a resultType/);
  }
  const odd = readAnswer({ data: { resultType: "matrix", result: [null, {}, { metric: 1, values: [null, [1]] }] } });
  assert.equal(odd.series.length, 3);
  assert.deepEqual(readAnswer({ data: { resultType: "vector", result: "x" } }).series, []);
});

function seriesAt(...points: [ms: number, value: number][]) {
  return {
    labels: [],
    timestamps: Float64Array.from(points, ([ms]) => ms),
    values: Float64Array.from(points, ([, value]) => value),
  };
}

test("points are laid on the grid that was asked for", () => {
  const grid = layOnGrid([seriesAt([1000, 1], [3000, 3]), seriesAt([2000, 2])], { fromMs: 0, toMs: 4000 }, 1000);
  assert.deepEqual(grid.timestamps, Float64Array.of(0, 1000, 2000, 3000, 4000));
  assert.deepEqual(grid.columns[0], Float64Array.of(NAN, 1, NAN, 3, NAN));
  assert.deepEqual(grid.columns[1], Float64Array.of(NAN, NAN, 2, NAN, NAN));
});

test("a grid that the server has moved is followed", () => {
  const grid = layOnGrid([seriesAt([1500, 1], [2500, 2])], { fromMs: 0, toMs: 3000 }, 1000);
  assert.ok(grid.timestamps.includes(1500) && grid.timestamps.includes(2500));
  assert.deepEqual(
    Array.from(grid.columns[0] as Float64Array).filter((value) => !Number.isNaN(value)),
    [1, 2],
  );
});

test("no series, no time: still a grid", () => {
  assert.equal(layOnGrid([], { fromMs: 0, toMs: 0 }, 1000).timestamps.length, 1);
});

test("findPlace", () => {
  assert.deepEqual(findPlace('query, line 2, column 5: want ")", at: …'), { line: 2, column: 5 });
  assert.deepEqual(findPlace("invalid parameter: 1:14: parse error: unexpected"), { line: 1, column: 14 });
  assert.equal(findPlace("no such function"), null);
});
