import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseExportLine } from "./export-lines.ts";
import { batchLines, formatSeries, type ImportSource } from "./import-batches.ts";
import { JsonWalkError } from "./json-walk.ts";
import { LongLineError } from "./line-splitter.ts";

async function batchTexts(source: ImportSource, batchBytes = 1_000, lineBytesMax = 100_000): Promise<string[]> {
  const texts: string[] = [];
  for await (const { body, lines } of batchLines(source, batchBytes, lineBytesMax)) {
    assert.equal(body.toString().split("\n").length - 1, lines);
    texts.push(body.toString());
  }
  return texts;
}

async function* slowly<T>(items: readonly T[]): AsyncGenerator<T, void> {
  for (const item of items) yield item;
}

test("a series goes out as a line and comes back bit by bit", () => {
  const labels = fc.dictionary(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }));
  fc.assert(
    fc.property(labels, fc.array(fc.tuple(fc.integer(), fc.double())), (metric, samples) => {
      const series = {
        labels: new Map(Object.entries(metric)),
        timestampsMs: Float64Array.from(samples, ([timestampMs]) => timestampMs),
        values: Float64Array.from(samples, ([, value]) => value),
      };
      const lines = [...formatSeries(series)].map((line) => parseExportLine(Buffer.from(line)));
      // NaNs have a line of their own, after the others.
      const places = [...series.values.keys()];
      for (const isNaNs of [false, true]) {
        const wanted = places.filter((i) => Number.isNaN(series.values[i]) === isNaNs);
        if (wanted.length === 0) continue;
        const line = lines.shift();
        assert.deepEqual(line?.labels, series.labels);
        assert.deepEqual(
          line?.values,
          Float64Array.from(wanted, (i) => series.values[i] as number),
        );
        assert.deepEqual(
          line?.timestampsMs,
          Float64Array.from(wanted, (i) => series.timestampsMs[i] as number),
        );
      }
      assert.equal(lines.length, 0);
    }),
  );
});

test("what VictoriaMetrics 1.79 exports is read, though it is no JSON", () => {
  const line = String.raw`{"metric":{"a":"+Inf,\"NaN"},"values":[+Inf,-Inf,NaN,1],"timestamps":[1,2,3,4]}`;
  const { labels, values } = parseExportLine(Buffer.from(line));
  assert.equal(labels.get("a"), '+Inf,"NaN');
  assert.deepEqual(values, Float64Array.of(Infinity, -Infinity, Number.NaN, 1));
  for (const bad of ["null", "1", "Inf", `{"metric":{},"values":[+1],"timestamps":[1]}`, `{"metric":{"a":"b`]) {
    assert.throws(() => parseExportLine(Buffer.from(bad)), JsonWalkError, bad);
  }
  const startMs = performance.now();
  assert.throws(() => parseExportLine(Buffer.from(`{"metric":{"a":"${'\\"'.repeat(300_000)}`)), JsonWalkError);
  assert.ok(performance.now() - startMs < 2_000, "a bad line takes time by its length, not by its square");
});

test("labels as a Map, as pairs, as an object; __proto__ among them", () => {
  const line = (labels: never) => [...formatSeries({ labels, timestampsMs: [1], values: [2] })][0];
  const wanted = `{"metric":{"__proto__":"x","a":"\\"\\n"},"values":[2],"timestamps":[1]}\n`;
  const pairs = [
    ["__proto__", "x"],
    ["a", '"\n'],
  ];
  assert.equal(line(pairs as never), wanted);
  assert.equal(line(new Map(pairs as [string, string][]) as never), wanted);
  assert.equal(line(JSON.parse(`{"__proto__":"x","a":"\\"\\n"}`) as never), wanted);
});

test("a long series becomes several lines", () => {
  const count = 25_000;
  const series = {
    labels: { __name__: "m" },
    timestampsMs: Array.from({ length: count }, (_, i) => i),
    values: new Float64Array(count),
  };
  const lines = [...formatSeries(series)].map((line) => parseExportLine(Buffer.from(line)));
  assert.deepEqual(
    lines.map(({ values }) => values.length),
    [10_000, 10_000, 5_000],
  );
  assert.deepEqual(
    lines.flatMap(({ timestampsMs }) => [...timestampsMs]),
    series.timestampsMs,
  );
});

test("series that are none are refused, by name", () => {
  const fails = (series: unknown, message: RegExp) => assert.throws(() => [...formatSeries(series as never)], message);
  fails(
    { labels: { __name__: "m" }, timestampsMs: [1], values: [] },
    /TypeError: import of \{"__name__":"m"\}: want as many/,
  );
  fails({ labels: { a: 1 }, timestampsMs: [], values: [] }, /TypeError: import: want labels of strings/);
  for (const bad of [1.5, Number.NaN, Infinity, "1"]) {
    fails({ labels: {}, timestampsMs: [bad], values: [1] }, /RangeError: .*want whole ms as timestamp 0/);
  }
});

test("batches are whole lines, whatever the source", async () => {
  const line = (i: number): string => `{"metric":{"n":"${i}"},"values":[${i}],"timestamps":[${i}]}`;
  const lines = Array.from({ length: 100 }, (_, i) => line(i));
  const whole = `${lines.join("\n")}\n`;
  const bytes = Buffer.from(whole);
  const cut: Buffer[] = [];
  for (let lo = 0; lo < bytes.length; lo += 37) cut.push(bytes.subarray(lo, lo + 37));
  const series = lines.map((_, i) => ({ labels: { n: String(i) }, timestampsMs: [i], values: [i] }));
  const sources: ImportSource[] = [
    whole,
    whole.trimEnd(),
    bytes,
    lines,
    slowly(lines),
    cut,
    slowly(cut),
    series,
    slowly(series),
  ];
  for (const source of sources) {
    const texts = await batchTexts(source);
    assert.equal(texts.join(""), whole);
    assert.ok(texts.length > 4 && texts.every((text) => text.length < 1_100 && text.endsWith("\n")));
  }
  const reused = Buffer.alloc(10);
  const reusing = (async function* () {
    for (let lo = 0; lo < bytes.length; lo += 10) yield reused.subarray(0, bytes.copy(reused, 0, lo, lo + 10));
  })();
  assert.equal((await batchTexts(reusing)).join(""), whole, "a source that uses its buffer again");
  assert.deepEqual(await batchTexts([bytes.subarray(0, 5), "x", series[0] as never]), [
    `${whole.slice(0, 5)}\nx\n${lines[0]}\n`,
  ]);
  assert.deepEqual(await batchTexts([]), []);
  assert.deepEqual(await batchTexts("\n\r\n"), []);
});

test("a line that is too long ends the import; what is no source is refused", async () => {
  await assert.rejects(batchTexts("x".repeat(200), 1_000, 100), LongLineError);
  await assert.rejects(batchTexts([Buffer.alloc(80, 0x78), Buffer.alloc(80, 0x78)], 1_000, 100), LongLineError);
  for (const bad of [1, null, undefined, {}]) await assert.rejects(batchTexts(bad as never), /TypeError: import: want/);
});
