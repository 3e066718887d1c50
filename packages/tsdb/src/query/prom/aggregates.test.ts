/** Aggregations of PromQL on columns; cases of aggregators.test and limit.test among them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Labels } from "../../base/labels.ts";
import { xxHash64Fraction } from "../../base/xxhash.ts";
import type { PromAggregate, PromExpr } from "../../promql/ast.ts";
import type { QueryLimits } from "../limits.ts";
import { aggregateFunctions } from "./aggregates.ts";
import { KahanMean, KahanSum } from "./kahan.ts";
import { placeOf } from "./sampling.ts";
import { contextOf, scalarOf, seriesOf, show, stringOf } from "./testing/by-hand.ts";
import type { PromSeries, PromValue } from "./value.ts";

interface Options {
  readonly by?: readonly string[];
  readonly without?: readonly string[];
  /** One value for all points, or one a point. */
  readonly param?: number | readonly number[] | string;
  readonly limits?: Partial<QueryLimits>;
}

const PARAM: PromExpr = { kind: "number", type: "scalar", value: 0, pos: 4, end: 5 };

async function aggregate(
  op: string,
  input: string | PromSeries[],
  options: Options = {},
): Promise<{ lines: string[]; warnings: string[] }> {
  const series = typeof input === "string" ? seriesOf(input) : input;
  const points = series[0]?.values.length ?? 1;
  const context = contextOf(points, "agg(1, m)", options.limits);
  const { param } = options;
  const node: PromAggregate = {
    kind: "aggregate",
    type: "vector",
    pos: 0,
    end: 9,
    op,
    expr: PARAM,
    param: param === undefined ? null : PARAM,
    isWithout: options.without !== undefined,
    grouping: options.without ?? options.by ?? [],
  };
  const value: PromValue | null =
    param === undefined
      ? null
      : typeof param === "string"
        ? stringOf(param)
        : scalarOf(...(typeof param === "number" ? new Array<number>(points).fill(param) : param));
  const run = aggregateFunctions.get(op);
  assert.ok(run, op);
  const aggregation = run(context, node, value);
  for (const { labels, values, present } of series) {
    // What becomes of what is only lent must not matter to the result.
    const column = values.slice();
    const mask = present?.slice() ?? null;
    if (!aggregation.add(labels, column, mask)) column.fill(-7);
    mask?.fill(1);
  }
  return { lines: show(await aggregation.finish()), warnings: [...context.annotations.warnings] };
}

async function same(op: string, text: string, options: Options, ...lines: string[]): Promise<void> {
  assert.deepEqual((await aggregate(op, text, options)).lines, lines, `${op} ${text}`);
}

async function refused(op: string, text: string, options: Options, message: string): Promise<void> {
  await assert.rejects(
    () => aggregate(op, text, options),
    (error: { code?: string; message: string }) => error.code === "INPUT" && error.message === message,
    message,
  );
}

const column = (...values: readonly (number | string)[]): string => values.map((v, i) => `m{i="${i}"} ${v}`).join("\n");

test("groups: by, without, names", async () => {
  const text = 'm{g="c",i="0",j="a"} 1 2\nm{g="c",i="1",j="a"} 10 _\nn{g="p",i="0"} 100 _';
  await same("sum", text, {}, "{} 111 2");
  await same("sum", text, { by: ["g"] }, '{g="c"} 11 2', '{g="p"} 100 _');
  await same("sum", text, { by: ["g", "nowhere"] }, '{g="c"} 11 2', '{g="p"} 100 _');
  await same("sum", text, { by: ["__name__"] }, "m 11 2", "n 100 _");
  await same("sum", text, { without: ["i"] }, '{g="c",j="a"} 11 2', '{g="p"} 100 _');
  await same("count", text, { without: [] }, '{g="c",i="0",j="a"} 1 1', '{g="c",i="1",j="a"} 1 _', '{g="p",i="0"} 1 _');
  await same("count", text, {}, "{} 3 1");
  await same("group", text, { by: ["g"] }, '{g="c"} 1 1', '{g="p"} 1 _');
  await same("sum", "", {});
});

test("sum and avg keep what rounding would lose, and survive what is too large", async () => {
  await same("sum", column(2, 8, 1e100, -1e100), {}, "{} 10");
  await same("avg", column(2, 8, 1e100, -1e100), {}, "{} 2.5");
  await same("avg", column(52, 52, 52, 52, 52, 52, 52, 52, 52, 52, 52), {}, "{} 52");
  const big = 9.988465674311579e307;
  // Twelve digits of it are shown.
  await same("avg", column(-big, -big, -big, -big), {}, `{} -${"998846567431".padEnd(308, "0")}`);
  await same("avg", column(-big, -big, big, big), {}, "{} 0");
  await same("sum", column("Inf", 2), {}, "{} +Inf");
  await same("avg", column("Inf", 2), {}, "{} +Inf");
  await same("avg", column(2, "-Inf"), {}, "{} -Inf");
  await same("sum", column("Inf", "-Inf"), {}, "{} NaN");
  await same("avg", column("NaN", 2), {}, "{} NaN");
});

test("min and max: NaN gives way", async () => {
  await same("max", column(1, 2, "NaN", 3, "_"), {}, "{} 3");
  await same("min", column("NaN", 2, 3, "-Inf"), {}, "{} -Inf");
  await same("min", column("NaN", "NaN"), {}, "{} NaN");
  await same("max", column("-Inf", "NaN"), {}, "{} -Inf");
});

test("stddev and stdvar", async () => {
  await same("stdvar", column(100, 200, 300, 400, 500, 600, 700, 800), {}, "{} 52500");
  await same("stddev", column(100, 200, 300, 400, 500, 600, 700, 800), {}, "{} 229.128784748");
  await same("stddev", column(13.3, 13.3, 13.3), {}, "{} 0");
  for (const odd of ["NaN", "Inf", "-Inf"]) {
    await same("stdvar", column(odd), {}, "{} NaN");
    await same("stddev", column(1, 2, odd), {}, "{} NaN");
    await same("stdvar", column(odd, 1, 2), {}, "{} NaN");
  }
});

test("quantile", async () => {
  await same("quantile", column(0, 1), { param: 0.8 }, "{} 0.8");
  await same("quantile", column(0, 4, 1), { param: 0.8 }, "{} 2.8");
  // NaN is the smallest value.
  await same("quantile", column(0, 1, "NaN"), { param: 0.8 }, "{} 0.6");
  await same("quantile", column(0, 1, "NaN"), { param: 0.2 }, "{} NaN");
  await same("quantile", "m 1 1 1\nn 3 _ 3", { param: [0, 0.5, 1] }, "{} 1 1 3");
  const odd = await aggregate("quantile", "m 1 1 1 1", { param: [NaN, -1, 2, 3] });
  assert.deepEqual(odd.lines, ["{} NaN -Inf +Inf +Inf"]);
  const warning = (text: string): string =>
    `PromQL warning: quantile value should be between 0 and 1, got ${text} (1:5)`;
  assert.deepEqual(odd.warnings, [warning("NaN"), warning("3"), warning("-1")]);
  assert.deepEqual((await aggregate("quantile", "", { param: 2 })).warnings, [warning("2")]);
});

test("topk and bottomk", async () => {
  const text = 'm{i="0"} 100\nm{i="1"} 200\nm{i="2"} NaN';
  await same("topk", text, { param: 3 }, 'm{i="1"} 200', 'm{i="0"} 100', 'm{i="2"} NaN');
  await same("bottomk", text, { param: 3 }, 'm{i="0"} 100', 'm{i="1"} 200', 'm{i="2"} NaN');
  await same("topk", text, { param: 2 }, 'm{i="1"} 200', 'm{i="0"} 100');
  await same("topk", `n NaN\n${text}`, { param: 1 }, 'm{i="1"} 200');
  await same("bottomk", text, { param: 9_999_999_999 }, 'm{i="0"} 100', 'm{i="1"} 200', 'm{i="2"} NaN');
  await same("topk", text, { param: 1.9 }, 'm{i="1"} 200');
  await same("topk", text, { param: 0.9 });
  await same("topk", text, { param: -Infinity });
  await same("bottomk", 'a{g="1"} 3\na{g="2"} 2\nb{g="1"} 1', { param: 1, by: ["g"] }, 'b{g="1"} 1', 'a{g="2"} 2');
  await refused("topk", text, { param: NaN }, "Parameter value is NaN");
  await refused("limitk", "", { param: NaN }, "Parameter value is NaN");
  await refused("topk", text, { param: Infinity }, "Scalar value +Inf overflows int64");
  await refused("bottomk", "m 1 1", { param: [1, -Infinity] }, "Scalar value -Inf underflows int64");
  // Each point chooses for itself, k series of those that are there.
  await same("topk", "a 1 9 1\nb 2 2 _\nc 3 3 3", { param: [1, 2, 3] }, "a _ 9 1", "c 3 3 3");
});

test("topk equals sorting", async () => {
  const values = fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constant(NaN)), { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(values, fc.nat(12), fc.boolean(), async (list, k, isTop) => {
      const { lines } = await aggregate(isTop ? "topk" : "bottomk", column(...list), { param: k });
      const got = lines.map((line) => Number(line.slice(line.lastIndexOf(" "))));
      const sign = isTop ? -1 : 1;
      const rank = (v: number): number => (Number.isNaN(v) ? Infinity : sign * v);
      const want = [...list].sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b))).slice(0, k);
      assert.deepEqual(got, want);
    }),
  );
});

test("count_values", async () => {
  const text = 'v{j="a",i="0"} 6 NaN\nv{j="a",i="1"} 6 Inf\nv{j="b",i="0"} 7 1e21';
  await same(
    "count_values",
    text,
    { param: "v" },
    '{v="6"} 2 _',
    '{v="NaN"} _ 1',
    '{v="+Inf"} _ 1',
    '{v="7"} 1 _',
    '{v="1000000000000000000000"} _ 1',
  );
  await same("count_values", 'v 6\nv{j="a"} 6', { param: "v", by: ["j"] }, '{v="6"} 1', '{j="a",v="6"} 1');
  // The label replaces one of the series; `without` it, all values are one.
  await same("count_values", 'v{i="0",j="a"} 6\nv{i="1",j="a"} 6', { param: "i", without: [] }, '{i="6",j="a"} 2');
  await same("count_values", 'v{i="0",j="a"} 6\nv{i="1",j="a"} 8', { param: "i", without: ["i"] }, '{j="a"} 2');
  await same("count_values", "v 0\nv -0\nw 0", { param: "v" }, '{v="0"} 2', '{v="-0"} 1');
  await refused("count_values", "v 1", { param: "a\udcc5z" }, 'invalid label name "a\\xc5z"');
  await refused("count_values", "v 1", { param: "" }, 'invalid label name ""');
  const limits = { maxSeriesPerAggrFunc: 2 };
  await refused(
    "count_values",
    "v 1 2 3",
    { param: "v", limits },
    "count_values: makes more than -search.maxSeriesPerAggrFunc=2 series",
  );
});

const REQUESTS = [
  ["0", "production"],
  ["1", "production"],
  ["0", "canary"],
  ["1", "canary"],
  ["2", "canary"],
  ["3", "canary"],
  ["histogram_1", "canary"],
  ["histogram_2", "canary"],
]
  .map(([i, g], n) => `http_requests{job="api-server",instance="${i}",group="${g}"} ${n} ${n}`)
  .join("\n");

test("limitk", async () => {
  await same("limitk", "a 1 _ 3\nb 1 2 3\nc 1 2 3", { param: [1, 1, 2] }, "a 1 _ 3", "b _ 2 3");
  await same("limitk", "a 1\nb 1", { param: 0 });
  await same("limitk", "a 1\nb 1", { param: -1 });
  assert.equal((await aggregate("limitk", REQUESTS, { param: 1, by: ["group"] })).lines.length, 2);
  assert.equal((await aggregate("limitk", REQUESTS, { param: 100 })).lines.length, 8);
});

test("limit_ratio: r and r - 1 share the series", async () => {
  const taken = async (ratio: number): Promise<string[]> =>
    (await aggregate("limit_ratio", REQUESTS, { param: ratio })).lines;
  assert.deepEqual([(await taken(1)).length, (await taken(-1)).length, (await taken(0)).length], [8, 8, 0]);
  const half = (await taken(0.5)).length;
  assert.ok(half >= 3 && half <= 5, `${half}`);
  for (let n = 1; n < 17; n++) {
    const [some, others] = [await taken(n / 17), await taken(n / 17 - 1)];
    assert.equal(new Set([...some, ...others]).size, 8);
    assert.equal(some.length + others.length, 8);
  }
  await same("limit_ratio", "a 1 1 1", { param: [0, 1, -1] }, "a _ 1 1");
  await refused("limit_ratio", "", { param: NaN }, "Ratio value is NaN");
  const odd = await aggregate("limit_ratio", REQUESTS, { param: [1.1, -2] });
  assert.equal(odd.lines.length, 8);
  assert.deepEqual(odd.warnings, [
    "PromQL warning: ratio value should be between -1 and 1, got 1.1, capping to 1 (1:5)",
    "PromQL warning: ratio value should be between -1 and 1, got -2, capping to -1 (1:5)",
  ]);
});

test("a label set's place is the hash of Prometheus' bytes", () => {
  const same = (labels: [string, string][], text: string): void => {
    const bytes = Buffer.from(text, "latin1");
    assert.equal(placeOf(Labels.from(labels)), xxHash64Fraction(bytes, 0, bytes.length));
  };
  const name: [string, string] = ["__name__", "m"];
  same([["x", "y"], name], "\x08__name__\x01m\x01x\x01y");
  // Upper case comes before the name; the lengths are of bytes, and from 255 on four bytes long.
  same([["A", "é"], name], "\x01A\x02\xc3\xa9\x08__name__\x01m");
  same([["x", "v".repeat(254)]], `\x01x\xfe${"v".repeat(254)}`);
  same([["x", "v".repeat(255)]], `\x01x\xff\xff\x00\x00${"v".repeat(255)}`);
  same([["x", "v".repeat(70_000)]], `\x01x\xff\x70\x11\x01${"v".repeat(70_000)}`);
});

test("sums and means equal their twins one series at a time", async () => {
  const value = fc.oneof(fc.double(), fc.double({ min: 1e307, max: 1.7e308 }), fc.integer({ min: -9, max: 9 }));
  await fc.assert(
    fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 20 }), async (list) => {
      const series = (): PromSeries[] =>
        list.map((v) => ({ labels: Labels.empty, values: Float64Array.of(v), present: null }));
      const sum = new KahanSum();
      for (const v of list) sum.add(v);
      const mean = new KahanMean(list[0] as number);
      for (const v of list.slice(1)) mean.add(v);
      const shown = (v: number): string[] =>
        show([{ labels: Labels.empty, values: Float64Array.of(v), present: null }]);
      assert.deepEqual((await aggregate("sum", series())).lines, shown(sum.total()));
      assert.deepEqual((await aggregate("avg", series())).lines, shown(mean.total()));
    }),
  );
});
