/** Our HTTP API against that of Debian's victoria-metrics 1.79.5: what is in the answers to queries. Rows are explained in support/api-rows.ts. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { API_DIFFERENCES as API } from "./support/api-differences.ts";
import {
  check,
  ERROR,
  EXPORT,
  JSON_TYPE,
  newer,
  QUERY,
  RANGE,
  type Row,
  rawType,
  SERIES,
  sortData,
  today400,
} from "./support/api-rows.ts";
import { at, startLoadedTwins } from "./support/api-twins.ts";
import { remoteWrite, type SentSeries, seriesOf } from "./support/remote-write.ts";
import { Scope } from "./support/scope.ts";
import { askBoth, startTwins, type Twins } from "./support/twins.ts";

const scope = new Scope();
let twins: Twins;

before(async () => {
  twins = await startLoadedTwins(scope);
});

after(() => scope.end());

function vectorOf(text: string, labels = "{}"): string {
  return `{"status":"success","data":{"resultType":"vector","result":[{"metric":${labels},"value":${text}}]}}`;
}

test("numbers as text", () =>
  check(twins, [
    ...[
      "1e21",
      "1e20",
      "1e-7",
      "1e-6",
      "-0",
      "0",
      "1/3",
      "-1/3",
      "2/3*100",
      "1e300*1e10",
      "-1/0",
      "1/0",
      "0/0",
      "2^53",
      "2^63",
      "2^64",
      "2^0.5",
      "5e-324",
      "1.7976931348623157e308",
      "123456789.123456789",
      "1e15",
      "123456789012345680",
      "0.1+0.2",
      "100000000000000000000000",
      "pi()",
      "0x10",
      "1K",
      "1Ki",
      "1M",
      "inf",
      "-inf",
      "nan",
    ].map((query): Row => [QUERY, { query, time: at }]),
    [QUERY, { query: "odd_float", time: at }],
    [RANGE, { query: "odd_float", start: at - 120, end: at, step: 60 }],
    [QUERY, { query: "sort(odd_float)", time: at }],
    [QUERY, { query: "sort_desc(odd_float)", time: at }],
    [QUERY, { query: "odd_float / 3", time: at }],
    ...[0, 1, 2, 5, 15, 100, -1, -2, -20, "x", "1.5", ""].map(
      (digits): Row => [QUERY, { query: "label_set(123.456789, 'a', 'b')", time: at, round_digits: digits }],
    ),
    [RANGE, { query: "odd_float{n!~'[47]'} / 7", start: at - 60, end: at, step: 60, round_digits: 3 }],
    [QUERY, { query: "0.5 or 1.5", time: at, round_digits: 0 }],
    [QUERY, { query: "label_set(2.5,'a','b')", time: at, round_digits: 0 }],
    [QUERY, { query: "-0.4", time: at, round_digits: 0 }, newer(API.signOfZero, vectorOf(`[${at},"-0"]`))],
    [QUERY, { query: "1_000", time: at }, newer(API.groupedDigits, vectorOf(`[${at},"1000"]`))],
  ]));

test("kinds of results: empty, scalars, strings, raw samples, subqueries, duplicates", () =>
  check(twins, [
    [QUERY, { query: "nothing", time: at }],
    [RANGE, { query: "nothing", start: at - 60, end: at, step: 60 }],
    [QUERY, { query: "vector(nan)", time: at }],
    [QUERY, { query: '"text"', time: at }],
    [RANGE, { query: '"text"', start: at, end: at }],
    [QUERY, { query: '"a" + "b"', time: at }],
    [QUERY, { query: "scalar(up)", time: at }],
    [QUERY, { query: "(1, 2)", time: at }, { about: API.numberLists, status: 422, type: JSON_TYPE, body: ERROR }],
    [QUERY, { query: "(up, 2)", time: at }],
    [QUERY, { query: "()", time: at }],
    [QUERY, { query: "union(up, up)", time: at }],
    [QUERY, { query: "{__name__=~'odd_float|odd_text',n=~'[12]'} * 2", time: at }],
    [QUERY, { query: "abs(label_del(odd_float, 'n'))", time: at }],
    [QUERY, { query: "label_set(odd_float, 'n', '')", time: at }],
    [RANGE, { query: "label_del(odd_float, 'n')", start: at, end: at, step: 1 }],
    [QUERY, { query: "up + on(job) up", time: at }],
    [QUERY, { query: "odd_uneven[5m]", time: at }, rawType],
    [QUERY, { query: "odd_uneven[10m]", time: at }, rawType],
    [QUERY, { query: "odd_uneven[10m] offset 1m", time: at }, rawType],
    [QUERY, { query: "odd_float{n='1'}[150s]", time: at }, rawType],
    [QUERY, { query: "odd_float{n='1'}[120s]", time: at }, rawType],
    [QUERY, { query: "nothing[5m]", time: at }, rawType],
    [QUERY, { query: "odd_uneven[5m:1m]", time: at }],
    [QUERY, { query: "odd_uneven[5m:]", time: at }, rawType],
    [QUERY, { query: "odd_uneven[5m:1m] offset 2m", time: at }],
    [QUERY, { query: "sum(odd_float{n='3'})[3m:1m]", time: at }],
    [QUERY, { query: "sum(odd_float{n='3'})[3m]", time: at, step: 60 }],
    [QUERY, { query: "(odd_uneven)[5m]", time: at }, rawType],
    [QUERY, { query: "5[3m:1m]", time: at }],
    [QUERY, { query: "time()[3m:50s]", time: at - 1 }],
    [QUERY, { query: "odd_uneven[2i]", time: at, step: 60 }, rawType],
    [QUERY, { query: "odd_uneven[5m:2i]", time: at, step: 60 }],
    [RANGE, { query: "odd_uneven[5m]", start: at - 60, end: at, step: 60 }],
    [RANGE, { query: "odd_uneven[5m:1m]", start: at - 60, end: at, step: 60 }],
    [QUERY, { query: "odd_uneven offset 1m", time: at }],
    [QUERY, { query: "odd_uneven @ 1704070750", time: at }],
    [QUERY, { query: "odd_uneven", time: at - 8 }],
    [RANGE, { query: "odd_uneven", start: at - 900, end: at, step: 60, nocache: 1 }],
  ]));

test("queries that fail", () =>
  check(twins, [
    ...[
      "up{",
      "sum(",
      "up +",
      "1 +",
      "foo(",
      "up[5m",
      'up{a="b"',
      "up offset",
      "sum by (x",
      "'text",
      "up{a=~'('}",
      "[5m]",
      "up[0x]",
    ].map((query): Row => [QUERY, { query, time: at }, today400]),
    ...[
      "unknown_function(up)",
      "{}",
      "rate()",
      "rate(up, 1)",
      "up * on(job) group_left() up * 'x'",
      "label_replace(up)",
      "topk(up)",
      "up + on(job) up",
      "quantile_over_time(up)",
      "clamp(up)",
      "histogram_quantile(0.5)",
    ].map((query): Row => [QUERY, { query, time: at }]),
    [RANGE, { query: "up{", start: at, end: at }, today400],
    [RANGE, { query: "label_replace(up)", start: at, end: at }],
    [QUERY, { query: `up{a="${"x".repeat(17_000)}"}`, time: at }, today400],
  ]));

test("labels that are hard to print", () =>
  check(twins, [
    [QUERY, { query: "odd_text", time: at }],
    [RANGE, { query: "odd_text", start: at, end: at }],
    [QUERY, { query: "sort_by_label(odd_text, 'text')", time: at }],
    [QUERY, { query: "{__name__='odd:name.with-dots'}", time: at }],
    [QUERY, { query: "odd:name\\.with\\-dots", time: at }],
    [QUERY, { query: "sum(odd_text) by (text)", time: at }],
    [QUERY, { query: 'odd_text{text="new\\nline"}', time: at }],
    [QUERY, { query: "odd_text{text='back\\\\slash'}", time: at }],
    [QUERY, { query: "odd_text{text=~'.*€'}", time: at }],
    [QUERY, { query: 'label_set(1, "a", "<script>\'&\\"\\\\ \\t\\r\\n\\u2028\\u0000")', time: at }],
    [SERIES, { "match[]": "odd_text", start: at - 3600, end: at }],
    ["/api/v1/label/text/values", { start: at - 3600, end: at }],
    ["/api/v1/label/label.with-dots/values", { start: at - 3600, end: at }],
  ]));

/** Two series that differ in a byte which is no UTF-8, markers of staleness, equal timestamps, labels as few send them. */
function rawSeries(): SentSeries[] {
  const ms = at * 1000;
  const stale = new Float64Array(new BigUint64Array([0x7ff0000000000002n]).buffer);
  const whole = (labels: SentSeries["labels"], values: Float64Array<ArrayBuffer> = Float64Array.of(1)): SentSeries => ({
    labels,
    values,
    timestamps: Array.from(values, (_, i) => ms - 30_000 * (values.length - 1 - i)),
  });
  const bits = (values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> => {
    // Copied as integers: a NaN that passes through a number may lose its payload.
    new BigUint64Array(values.buffer)[1] = new BigUint64Array(stale.buffer)[0] as bigint;
    return values;
  };
  return [
    whole([
      ["__name__", "raw_byte"],
      ["a", Buffer.from([0x61, 0xff, 0x62])],
    ]),
    whole(
      [
        ["__name__", "raw_byte"],
        ["a", Buffer.from([0x61, 0xfe, 0x62])],
      ],
      Float64Array.of(2),
    ),
    whole([
      ["__name__", "raw_byte_name"],
      [Buffer.from([0x61, 0xff]), "x"],
    ]),
    whole([["__name__", "raw_stale"]], bits(Float64Array.of(1, 2, 3))),
    whole([["__name__", "raw_nan"]], Float64Array.of(1, Number.NaN, 3)),
    whole([
      ["__name__", "raw_empty"],
      ["e", ""],
      ["z", "1"],
    ]),
    whole([["z", "raw_without_name"]]),
    whole([
      ["__name__", "raw_order"],
      ["z", "1"],
      ["a", "2"],
    ]),
    whole([
      ["__name__", "raw_long"],
      ["l", "x".repeat(5000)],
    ]),
    whole([
      ["__name__", "__proto__"],
      ["__proto__", "x"],
      ["constructor", "y"],
    ]),
    seriesOf("raw_twice", {}, [
      [ms, 1],
      [ms, 5],
      [ms - 1000, 2],
    ]),
  ];
}

test("labels and values as remote write may send them", async () => {
  const servers = await startTwins(scope);
  for (const url of [servers.ours, servers.theirs]) assert.equal((await remoteWrite(url, rawSeries())).status, 204);
  await askBoth(servers, "/internal/force_flush");
  const matrixOf = (name: string, values: string): string =>
    `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"${name}"},"values":[${values}]}]}}`;
  await check(
    servers,
    [
      // Answers are valid UTF-8; theirs are the bytes that came in. Both become U+FFFD here.
      [QUERY, { query: "raw_byte", time: at }],
      [QUERY, { query: "sum(raw_byte) by (a)", time: at }],
      [QUERY, { query: "raw_byte_name", time: at }],
      ...[
        "raw_stale",
        "raw_nan",
        "raw_empty",
        "raw_empty{e=''}",
        "{z='raw_without_name'}",
        "raw_order",
        "raw_twice",
      ].map((query): Row => [QUERY, { query, time: at }]),
      [
        QUERY,
        { query: "raw_long", time: at },
        newer(API.longLabels, '{"status":"success","data":{"resultType":"vector","result":[]}}'),
      ],
      [QUERY, { query: "{__name__='__proto__'}", time: at }],
      [RANGE, { query: "raw_stale", start: at - 120, end: at + 120, step: 10, nocache: 1 }],
      [RANGE, { query: "raw_nan", start: at - 120, end: at + 120, step: 10, nocache: 1 }],
      [QUERY, { query: "count_over_time({__name__=~'raw_stale|raw_nan'}[2m])", time: at }],
      [QUERY, { query: "raw_stale[2m]", time: at }, rawType],
      [QUERY, { query: "raw_nan[2m]", time: at }, rawType],
      [
        QUERY,
        { query: "raw_twice[1m]", time: at },
        newer(API.equalTimestamps, matrixOf("raw_twice", `[${at - 1},"2"],[${at},"5"]`)),
      ],
      [EXPORT, { "match[]": "raw_stale" }],
      [EXPORT, { "match[]": "raw_stale", format: "prometheus" }],
      [SERIES, { "match[]": "{z=~'.+'}", start: at - 60, end: at }],
    ],
    sortData,
  );
});
