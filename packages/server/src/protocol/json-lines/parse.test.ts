import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ParseReport } from "../report.ts";
import { RowRecorder } from "../row-recorder.ts";
import { type JsonLinesOptions, parseJsonLines } from "./parse.ts";

function parse(
  text: string | Uint8Array,
  options: JsonLinesOptions = {},
): { rows: string[]; report: ParseReport; recorder: RowRecorder } {
  const bytes = Buffer.from(text);
  const recorder = new RowRecorder();
  const report = parseJsonLines(bytes, 0, bytes.length, recorder, options);
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
  assert.deepEqual(rows, [], text.slice(0, 200));
  assert.equal(report.invalidRows, 1, text.slice(0, 200));
  assert.match(report.firstError, message, text.slice(0, 200));
};

/** A line with `values` and as many timestamps 0, 1, … */
const withValues = (values: string): string =>
  `{"metric":{"__name__":"a"},"values":[${values}],"timestamps":[${values.split(",").map((_, i) => i)}]}`;

const withTimestamp = (timestamp: string): string =>
  `{"metric":{"__name__":"a"},"values":[1],"timestamps":[${timestamp}]}`;

test("JSON lines: a series a line", () => {
  same('{"metric":{"__name__":"a","b":"c"},"values":[1,2.5],"timestamps":[10,20]}', 'a{b="c"} 1@10 2.5@20');
  same('{"metric":{"foo":"bar"},"values":[1.23],"timestamps":[456]}\r\n', '{foo="bar"} 1.23@456');
  same(' { "timestamps" : [ 1 , 2 ] , "values" : [ 3 , 4 ] , "metric" : { "a" : "b" } } ', '{a="b"} 3@1 4@2');
  same("", ...[]);
  same("\n\r\n  \n", ...[]);
  same(`${withTimestamp("1")}\n${withTimestamp("2")}`, "a{} 1@1", "a{} 1@2");
  same(`\ufeff${withTimestamp("1")}`, "a{} 1@1");
});

test("JSON lines: values", () => {
  same(withValues('1e400,null,"Infinity","-Infinity","NaN"'), "a{} Infinity@0 NaN@1 Infinity@2 -Infinity@3 NaN@4");
  same(
    withValues('Inf,-Inf,NaN,"null","Inf",-infinity'),
    "a{} Infinity@0 -Infinity@1 NaN@2 NaN@3 Infinity@4 -Infinity@5",
  );
  same(withValues("-0, 0.1e1 ,5e-324"), "a{} -0@0 1@1 5e-324@2");
  for (const value of [
    '"1"',
    '"foo"',
    '""',
    "true",
    "[1]",
    "{}",
    "1 2",
    "",
    "0x1",
    '"NaN',
    "nullx",
    '"-null"',
    "+",
    "-",
  ]) {
    refused(
      withValues(value),
      /^JSON line 1, column \d+: want an array of numbers|^JSON line 1, column \d+: want a "values"/,
    );
  }
});

test("JSON lines: timestamps are whole milliseconds within int64", () => {
  same(withTimestamp("-5"), "a{} 1@-5");
  same(withTimestamp("1e12"), "a{} 1@1000000000000");
  same(withTimestamp("9223372036854775807"), "a{} 1@9007199254740992");
  same(withTimestamp("-9223372036854775808"), "a{} 1@-9007199254740992");
  for (const timestamp of ["1.5", '"1"', "null", "NaN", "1e300", "9999999999999999999999", "true", "[]"]) {
    refused(withTimestamp(timestamp), /whole milliseconds as timestamps, got/);
  }
});

test("JSON lines: labels", () => {
  const labels = (object: string): string => `{"metric":${object},"values":[1],"timestamps":[1]}`;
  same(labels('{"__proto__":"x","constructor":"y"}'), '{__proto__="x",constructor="y"} 1@1');
  same(labels('{"a":"1","a":"2","b":""}'), '{a="1",a="2",b=""} 1@1');
  same(labels('{"":"x","b":"c"}'), '{b="c"} 1@1');
  same(
    labels(String.raw`{"\u0061\n":"\"\\\/\b\f\r\té\ud83d\ude00"}`),
    `{a\n=${JSON.stringify('"\\/\b\f\r\té😀')}} 1@1`,
  );
  same(
    labels(String.raw`{"a":"\ud83d","b":"\ude00x","c":"\ud83d\u0041"}`),
    String.raw`{a="\\ud83d",b="\\ude00x",c="\\ud83dA"} 1@1`,
  );
  refused(labels(String.raw`{"a":"\x"}`), /JSON's escapes/);
  refused(labels(String.raw`{"a":"\u12g4"}`), /JSON's escapes/);
  refused(labels('{"a":1}'), /want a label's value in double quotes, got "1}/);
  refused(labels('{"a":"b" "c"'), /want , or } after a label, got "\\"c/);
  refused(labels('{"a"}'), /want : after a label's name/);
  refused(labels("{a:1}"), /want a label's name/);
  for (const object of ["{}", '{"":"x"}']) refused(labels(object), /want labels in a "metric" object/);
  for (const object of ["123", "null", "[]", '"a"']) refused(labels(object), /want an object as "metric"/);
  const raw = parse(Buffer.from(labels('{"a":"x"}').replace('"x"', '"\xff\x00"'), "latin1")).recorder.series[0];
  assert.deepEqual(raw?.rawLabels, [["a", "\xff\x00"]]);
});

test("JSON lines: what is missing or does not fit", () => {
  refused('{"values":[1],"timestamps":[1]}', /metric/);
  refused('{"metric":{"a":"b"},"timestamps":[1]}', /want a "values" array/);
  refused('{"metric":{"a":"b"},"values":[],"timestamps":[]}', /want a "values" array/);
  refused('{"metric":{"a":"b"},"values":[1]}', /as many timestamps as values, got 0 for 1/);
  refused('{"metric":{"a":"b"},"values":[1,2],"timestamps":[1]}', /got 1 for 2/);
  refused('{"metric":{"a":"b"},"values":[1],"timestamps":[1]}{}', /want the end of the line, got "\{\}"/);
  refused("{}", /metric/);
  for (const text of ["foo", "123", "[1,3]", "[]", '"x"']) refused(text, /want \{, got/);
  refused('{"metric"', /want : after a key, got the end of the line/);
  refused('{"metric', /want a key in double quotes/);
});

test("JSON lines: other keys are skipped, repeated ones too, depth is bounded", () => {
  const line = (extra: string): string => `{${extra},"metric":{"a":"b"},"values":[1],"timestamps":[1]}`;
  same(line('"x":{"y":[1,{"z":"]}"}],"metric":{}},"__proto__":null,"t":true,"n":-1.5e3'), '{a="b"} 1@1');
  same(
    '{"metric":{"a":"b"},"metric":{"c":"d"},"values":[1],"values":"x","timestamps":[1],"timestamps":[]}',
    '{a="b"} 1@1',
  );
  refused(line(`"x":${"[".repeat(100_000)}${"]".repeat(100_000)}`), /want a JSON value/);
  refused(line(`"x":${'{"y":'.repeat(100_000)}`), /want a JSON value/);
  refused(line('"x":'), /want a JSON value/);
  refused(line('"x":]'), /want a JSON value/);
});

test("JSON lines: a bad line among good ones, and one too long", () => {
  const text = `${withTimestamp("1")}\nnonsense\n${withTimestamp("2")}\n${" ".repeat(300)}x\n${withTimestamp("3")}`;
  const { rows, report } = parse(text, { lineBytesMax: 200, firstLine: 7 });
  assert.deepEqual(rows, ["a{} 1@1", "a{} 1@2", "a{} 1@3"]);
  assert.equal(report.invalidRows, 2);
  assert.equal(report.firstError, 'JSON line 8, column 1: want {, got "nonsense"');
  assert.match(parse(`${"x".repeat(201)}`, { lineBytesMax: 200 }).report.firstError, /has 201 bytes, want at most 200/);
});

test("JSON lines: any float64 comes back bit for bit, any label byte for byte", () => {
  const value = fc.double({ noNaN: true });
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 2000 }),
      fc.array(fc.tuple(fc.string({ unit: "binary", minLength: 1 }), fc.string({ unit: "binary" })), { minLength: 1 }),
      (values, labels) => {
        const text = values.map((v) => (Object.is(v, -0) ? "-0" : Number.isFinite(v) ? String(v) : `"${v}"`));
        const metric = labels.map(([name, label]) => `${JSON.stringify(name)}:${JSON.stringify(label)}`);
        const line = `{"metric":{${metric}},"values":[${text}],"timestamps":[${values.map((_, i) => i)}]}`;
        const { recorder, report } = parse(line);
        assert.equal(report.firstError, "");
        assert.deepEqual(recorder.series[0]?.labels, labels);
        assert.deepEqual(
          recorder.series[0]?.samples.map((sample) => sample.value),
          values,
        );
      },
    ),
  );
});
