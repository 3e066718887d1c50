import assert from "node:assert/strict";
import { test } from "node:test";
import type { ParseReport } from "../report.ts";
import { RowRecorder } from "../row-recorder.ts";
import type { MetricMetadata } from "../row-sink.ts";
import { type PrometheusTextOptions, parsePrometheusText } from "./parse.ts";

const NOW_MS = 1_700_000_000_000;

function parse(
  text: string | Uint8Array,
  options: Partial<PrometheusTextOptions> = {},
): { rows: string[]; report: ParseReport; recorder: RowRecorder } {
  const bytes = Buffer.from(text);
  const recorder = new RowRecorder();
  const report = parsePrometheusText(bytes, 0, bytes.length, recorder, { defaultTimestampMs: NOW_MS, ...options });
  assert.equal(report.rows, recorder.sampleCount);
  return { rows: recorder.lines(), report, recorder };
}

const same = (text: string, ...rows: string[]) => {
  const got = parse(text);
  assert.deepEqual(got.rows, rows, text);
  assert.equal(got.report.invalidRows, 0, `${text}: ${got.report.firstError}`);
};

const refused = (text: string, message: RegExp) => {
  const { rows, report } = parse(text);
  assert.deepEqual(rows, [], text);
  assert.equal(report.invalidRows, 1, text);
  assert.match(report.firstError, message, text);
};

test("prometheus text: names and values", () => {
  same("foobar 78.9", `foobar{} 78.9@${NOW_MS}`);
  same("foo{} 1", `foo{} 1@${NOW_MS}`);
  same("\t foo \t 1 \t\r\n", `foo{} 1@${NOW_MS}`);
  same("a.b-c/d#e 1", `a.b-c/d#e{} 1@${NOW_MS}`);
  same("温度 1", `温度{} 1@${NOW_MS}`);
  same("a -0\nb 1e400\nc .5e1", `a{} -0@${NOW_MS}`, `b{} Infinity@${NOW_MS}`, `c{} 5@${NOW_MS}`);
  same(
    "a +Inf\nb -INF\nc infinity\nd Nan",
    ...["a{} Infinity", "b{} -Infinity", "c{} Infinity", "d{} NaN"].map((row) => `${row}@${NOW_MS}`),
  );
  same("", ...[]);
  same("\n\r\n \t\n# comment\n#\n#x\n  # y", ...[]);
});

test("prometheus text: labels", () => {
  same('foo{bar="baz"} 1', `foo{bar="baz"} 1@${NOW_MS}`);
  same('foo {bar="baz",} 1', `foo{bar="baz"} 1@${NOW_MS}`);
  same('foo{ bar = "baz" , x\t=\t"}" } 1', `foo{bar="baz",x="}"} 1@${NOW_MS}`);
  same('foo{bar#2="#1 az"} 24', `foo{bar#2="#1 az"} 24@${NOW_MS}`);
  same('foo{a="",b="x"} 1', `foo{a="",b="x"} 1@${NOW_MS}`);
  same('foo{a="1",a="2"} 1', `foo{a="1",a="2"} 1@${NOW_MS}`);
  same('foo{__proto__="x",constructor="y"} 1', `foo{__proto__="x",constructor="y"} 1@${NOW_MS}`);
  same('foo{="x",b="y"} 1', `foo{b="y"} 1@${NOW_MS}`);
  same('foo{a="b"}1', `foo{a="b"} 1@${NOW_MS}`);
});

test("prometheus text: escapes", () => {
  same(String.raw`foo{bar="b\"a\\z\nq"} -1.2`, `foo{bar=${JSON.stringify('b"a\\z\nq')}} -1.2@${NOW_MS}`);
  same(
    String.raw`m{login="domain\some\xlogin",e="\\"} 5`,
    `m{login=${JSON.stringify("domain\\some\\xlogin")},e="\\\\"} 5@${NOW_MS}`,
  );
  refused(String.raw`m{a="x\"} 5`, /closing "/);
  refused('m{a="x\\', /closing "/);
});

test("prometheus text: quoted UTF-8 names", () => {
  same('{"foo"} 1', `foo{} 1@${NOW_MS}`);
  same('{"a b", x="y"} 1', `a b{x="y"} 1@${NOW_MS}`);
  same('{x="y", "a b"} 1', `a b{x="y"} 1@${NOW_MS}`);
  same('foo{"node id"="7"} 1', `foo{node id="7"} 1@${NOW_MS}`);
  same(String.raw`{"a\"b","c\\d"="e"} 1`, `a"b{c\\d="e"} 1@${NOW_MS}`);
  same('foo {bar="baz","z"="w"} 1', `foo{bar="baz",z="w"} 1@${NOW_MS}`);
  refused('{"foo", "foo2", bar="baz"} 1 2', /second one: "\\"foo2/);
  refused('foobar{"foo", bar="baz"} 1 2', /second one/);
  refused('{"a", "b = "c"}', /want = after/);
  refused('{"a"="ok"} 1', /want a metric name/);
  refused('{""} 1', /want a metric name/);
  refused('{foo="bar"} 1', /want a metric name/);
});

test("prometheus text: exemplars and trailing comments are skipped", () => {
  same(
    'foo_bucket{le="10",a="#b"} 17 # {trace_id="oHg5SJ#YRHA0"} 9.8 1520879607.789',
    `foo_bucket{le="10",a="#b"} 17@${NOW_MS}`,
  );
  same('foo_bucket 17 # {trace_id="x"} 9.8', `foo_bucket{} 17@${NOW_MS}`);
  same("abc 123 1520879607789 # foobar", "abc{} 123@1520879607789");
  same("foo   344#bar", `foo{} 344@${NOW_MS}`);
  same(`a 1 # {x="${"y".repeat(5000)}"} 1`, `a{} 1@${NOW_MS}`);
});

test("prometheus text: timestamps without a declared format follow VictoriaMetrics' rule", () => {
  same("a 1 1395066363000", "a{} 1@1395066363000");
  same("a 1 1520879607.789", "a{} 1@1520879607789");
  same("a 1 789.4354", "a{} 1@789435");
  same("a 1 -3982045", "a{} 1@-3982045000");
  same("a 1 -3.5", "a{} 1@-3500");
  same("a 1 2147483648", "a{} 1@2147483648");
  same("a 1 99999999999999999", "a{} 1@9007199254740992");
  refused("a 1 1e300", /timestamp within 64 bits, got "1e300"/);
  refused("a 1 NaN", /timestamp/);
  refused("a 1 123 456", /number as timestamp/);
  refused("a 1 12x", /number as timestamp, got "12x"/);
});

test("prometheus text: timestamps of a declared format", () => {
  assert.deepEqual(parse("a 1 5", { isOpenMetrics: false }).rows, ["a{} 1@5"]);
  assert.deepEqual(parse("a 1 5.25", { isOpenMetrics: true }).rows, ["a{} 1@5250"]);
  assert.deepEqual(parse("a 1 5000000000", { isOpenMetrics: true }).rows, ["a{} 1@5000000000000"]);
  assert.deepEqual(parse("a 1 5000000000\n# EOF\n").rows, ["a{} 1@5000000000000"]);
  assert.deepEqual(parse("a 1 5000000000\n# EOF").rows, ["a{} 1@5000000000000"]);
  assert.deepEqual(parse("a 1 5000000000\n# EOF\nb 2 5000000000").rows, ["a{} 1@5000000000", "b{} 2@5000000000"]);
});

test("prometheus text: every millisecond of a second survives OpenMetrics' seconds", () => {
  for (let ms = 0; ms < 1000; ms++) {
    const seconds = `1520879607.${String(ms).padStart(3, "0")}`;
    assert.equal(parse(`a 1 ${seconds}`).recorder.series[0]?.samples[0]?.timestampMs, 1_520_879_607_000 + ms);
  }
});

test("prometheus text: bad lines among good ones are counted, the first is told with its line", () => {
  const { rows, report } = parse('a 1\nb{x="1} 2\nc\n<html><body>\nd 4\n', { firstLine: 11 });
  assert.deepEqual(rows, [`a{} 1@${NOW_MS}`, `d{} 4@${NOW_MS}`]);
  assert.equal(report.invalidRows, 3);
  assert.equal(report.rows, 2);
  assert.match(report.firstError, /^text exposition line 12: want a closing ", got none for "\\"1} 2", in "b\{x=/);
});

test("prometheus text: hostile lines", () => {
  refused("a{", /want } after/);
  refused("a {foo", /want =/);
  refused("a {foo} 3", /want = after a label's name, got "foo} 3"/);
  refused('a {foo ="bar', /closing "/);
  refused('a {foo = "bar"', /want } after/);
  refused('a {foo ="bar" , baz } 2', /want =/);
  refused('a{"__name__":"x","host":"myhost"} 12', /want =/);
  refused("{foo='bar'} 23", /double quotes/);
  refused("aaa", /want a value/);
  refused('aa{foo="bar"}   ', /want a value/);
  refused("foo bar", /number as value, got "bar"/);
  refused("foo 0x1p-2", /number as value/);
  refused("foo 1_000", /number as value/);
  refused("foo 1\r2", /number as value/);
  refused('foo{a="1" b="2"} 3', /want , or }/);
  refused(`foo ${"x".repeat(100_000)}`, /…/);
  // A name that fills megabytes and one of bytes that are no UTF-8 are names all the same.
  assert.equal(parse(`${"n".repeat(1 << 20)} 1`).report.rows, 1);
  const raw = parse(Buffer.from([0x66, 0xff, 0x00, 0xc3, 0x20, 0x31])).recorder.series[0];
  assert.deepEqual(raw?.rawLabels, [["__name__", "f\xff\x00\xc3"]]);
  assert.deepEqual(parse("\ufeffa 1\n").rows, [`a{} 1@${NOW_MS}`]);
});

test("prometheus text: metadata", () => {
  const seen: MetricMetadata[] = [];
  const text =
    '# HELP a_total Say \\"hi\\\\ho\\"\n# TYPE a_total counter\n# TYPE a_total counter\na_total 1\n# UNIT b_seconds seconds\n# TYPE b_seconds untyped\n' +
    '# TYPE c nonsense\n# HELP\n# TYPE\n#TYPE d gauge\n# TYPE "e f" gauge\n# HELP g\n';
  parse(text, { onMetadata: (metadata) => seen.push(metadata) });
  assert.deepEqual(seen, [
    { name: "a_total", type: "counter", help: 'Say "hi\\ho"', unit: "" },
    { name: "b_seconds", type: "unknown", help: "", unit: "seconds" },
    { name: "e f", type: "gauge", help: "", unit: "" },
  ]);
});
