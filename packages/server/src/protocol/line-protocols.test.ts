/**
 * What every protocol of lines must do, whatever its syntax: one suite, a row for each protocol.
 * A new one adds its row; a case it cannot meet is listed in `skip` with the reason.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_TENANT } from "@nyanza/tsdb";
import { RowBatch } from "@nyanza/tsdb/ingest";
import fc from "fast-check";
import { parseJsonLines } from "./json-lines/parse.ts";
import { parsePrometheusText } from "./prometheus/parse.ts";
import { ParseReport } from "./report.ts";
import { RowRecorder } from "./row-recorder.ts";
import type { RowSink } from "./row-sink.ts";

interface LineProtocol {
  readonly name: string;
  parse(bytes: Uint8Array, lo: number, hi: number, batch: RowSink, firstLine?: number): ParseReport;
  /** Good lines of one sample each, series `m{i="0"}`, `m{i="1"}` … at 1,700,000,000,000 ms, value `i`. */
  good(i: number): string;
  readonly bad: readonly string[];
  readonly skip: readonly { readonly reason: string; readonly cases: readonly string[] }[];
}

const TIME_MS = 1_700_000_000_000;

const protocols: readonly LineProtocol[] = [
  {
    name: "text exposition",
    parse: (bytes, lo, hi, batch, firstLine) =>
      parsePrometheusText(bytes, lo, hi, batch, { defaultTimestampMs: TIME_MS, firstLine }),
    good: (i) => `m{i="${i}"} ${i} ${TIME_MS}`,
    bad: ["m", 'm{i="} 1', "m x", "m 1 x", "{} 1", 'm{i="1"', "\u0000", "m{i=1} 2", '{"m","n"} 1'],
    skip: [],
  },
  {
    name: "JSON lines",
    parse: (bytes, lo, hi, batch, firstLine) => parseJsonLines(bytes, lo, hi, batch, { firstLine }),
    good: (i) => `{"metric":{"__name__":"m","i":"${i}"},"values":[${i}],"timestamps":[${TIME_MS}]}`,
    bad: [
      "{",
      "x",
      "[]",
      '{"metric":{"a":"b"},"values":[1,2],"timestamps":[1]}',
      '{"metric":"m"}',
      '"',
      "\u0000",
      "{}}",
    ],
    skip: [],
  },
];

for (const protocol of protocols) {
  const { name, good, bad } = protocol;
  const rowOf = (i: number): string => `m{i="${i}"} ${i}@${TIME_MS}`;
  const check = (title: string, run: () => void): void => {
    const skipped = protocol.skip.find(({ cases }) => cases.includes(title));
    test(`${name}: ${title}`, skipped === undefined ? {} : { skip: skipped.reason }, run);
  };
  const parse = (text: string | Uint8Array): { rows: string[]; report: ParseReport } => {
    const bytes = Buffer.from(text);
    const recorder = new RowRecorder();
    const report = protocol.parse(bytes, 0, bytes.length, recorder);
    assert.equal(report.rows, recorder.sampleCount);
    return { rows: recorder.lines(), report };
  };
  const goodBody = (count: number, newline = "\n"): string =>
    Array.from({ length: count }, (_, i) => good(i) + newline).join("");
  const goodRows = (count: number): string[] => Array.from({ length: count }, (_, i) => rowOf(i));

  check("an empty body and empty lines are nothing", () => {
    for (const text of ["", "\n", "\r\n", "\n\n\r\n \n\t\n"]) {
      const { rows, report } = parse(text);
      assert.deepEqual(rows, []);
      assert.equal(report.invalidRows, 0, JSON.stringify(text));
    }
  });

  check("lines end in LF or CRLF, the last one in nothing", () => {
    assert.deepEqual(parse(goodBody(3)).rows, goodRows(3));
    assert.deepEqual(parse(goodBody(3, "\r\n")).rows, goodRows(3));
    assert.deepEqual(parse(goodBody(3).slice(0, -1)).rows, goodRows(3));
  });

  check("each kind of bad line among good ones costs itself only", () => {
    for (const line of bad) {
      for (const newline of ["\n", "\r\n"]) {
        const { rows, report } = parse(`${good(0)}${newline}${line}${newline}${good(1)}${newline}`);
        assert.deepEqual(rows, goodRows(2), line);
        assert.equal(report.invalidRows, 1, line);
        assert.match(report.firstError, /line 2\b.*: .*want .*, got /, line);
      }
    }
  });

  check("all kinds of bad lines are counted, the first is told", () => {
    const { rows, report } = parse(`${good(0)}\n${bad.join("\n")}\n${good(1)}`);
    assert.deepEqual(rows, goodRows(2));
    assert.equal(report.invalidRows, bad.length);
    assert.match(report.firstError, /line 2\b/);
  });

  check("a message shows control characters escaped and stays short", () => {
    for (const junk of ["\u001b[31m\u0007\u0000", "y".repeat(1 << 20), "\u2028\u0085\u007f".repeat(1000)]) {
      const { report } = parse(`x ${junk}`);
      assert.equal(report.invalidRows, 1);
      assert.doesNotMatch(report.firstError, /[\p{Cc}\u2028\u2029]/u);
      assert.ok(report.firstError.length < 1000, String(report.firstError.length));
    }
  });

  check("truncated at every byte it is the whole lines before and one bad line at most", () => {
    const bytes = Buffer.from(goodBody(4));
    const lineEnds = [...bytes.keys()].filter((at) => bytes[at] === 0x0a);
    for (let end = 0; end <= bytes.length; end++) {
      const { rows, report } = parse(bytes.subarray(0, end));
      const whole = lineEnds.filter((at) => at < end).length;
      assert.ok(report.invalidRows <= 1);
      assert.deepEqual(rows.slice(0, whole), goodRows(whole), `cut at ${end}`);
      assert.ok(rows.length <= whole + 1);
    }
  });

  check("cut into chunks between any two lines it is the same", () => {
    const lines = [good(0), bad[0] as string, good(1), "", good(2), bad[1] as string];
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
    const whole = new RowRecorder();
    const wholeReport = protocol.parse(bytes, 0, bytes.length, whole);
    for (let at = bytes.indexOf(0x0a) + 1, line = 2; at > 0; at = bytes.indexOf(0x0a, at) + 1, line++) {
      const recorder = new RowRecorder();
      const report = new ParseReport();
      report.add(protocol.parse(bytes, 0, at, recorder, 1));
      report.add(protocol.parse(bytes, at, bytes.length, recorder, line));
      assert.deepEqual(recorder.lines(), whole.lines());
      assert.deepEqual(report, wholeReport);
    }
  });

  check("bytes around the range are not read", () => {
    const inner = Buffer.from(good(7));
    for (const around of ["9", '"', "\\", "}", "{", "\n", ",", " "]) {
      const bytes = Buffer.from(around + good(7) + around);
      const recorder = new RowRecorder();
      protocol.parse(bytes, 1, 1 + inner.length, recorder);
      assert.deepEqual(recorder.lines(), [rowOf(7)], around);
    }
  });

  check("changed anywhere it never throws, and lines left alone come through", () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const lineBytes = Buffer.from(good(1));
        for (const [at, byte] of changes) {
          if (byte !== 0x0a) lineBytes[at % lineBytes.length] = byte;
        }
        const { rows, report } = parse(
          Buffer.concat([Buffer.from(`${good(0)}\n`), lineBytes, Buffer.from(`\n${good(2)}`)]),
        );
        assert.equal(rows[0], rowOf(0));
        assert.equal(rows.at(-1), rowOf(2));
        assert.ok(rows.length + report.invalidRows <= 3);
      }),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => void parse(bytes)),
      { numRuns: 500 },
    );
    const pieces = fc.constantFrom(...'{}[]":,\\ \n\t#=+-.eE019nNaI_', good(0), ...bad, "\r\n", "\ufeff", "\ud800");
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => void parse(parts.join(""))),
      { numRuns: 1000 },
    );
  });

  check("a real batch is filled again and again, bad lines leaving no trace", () => {
    const batch = new RowBatch();
    const bytes = Buffer.from(`${bad.join("\n")}\n${goodBody(50)}${bad.join("\n")}\n${good(50)}`);
    let hashes: number[] = [];
    for (let round = 0; round < 3; round++) {
      batch.reset(DEFAULT_TENANT);
      const report = protocol.parse(bytes, 0, bytes.length, batch);
      assert.equal(report.rows, 51);
      assert.equal(batch.seriesCount, 51);
      assert.equal(batch.sampleCount, 51);
      const labels = batch
        .readLabels(50)
        .map(({ name: label, value }) => `${Buffer.from(label)}=${Buffer.from(value)}`);
      assert.deepEqual(labels, ["__name__=m", "i=50"]);
      assert.deepEqual([batch.timestamps[50], batch.values[50]], [TIME_MS, 50]);
      const now = [...batch.hashes.subarray(0, 51 * 4)];
      if (round > 0) assert.deepEqual(now, hashes);
      hashes = now;
    }
    assert.equal(new Set(hashes).size, 51 * 4);
  });
}
