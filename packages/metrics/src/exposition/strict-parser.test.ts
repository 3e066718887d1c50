/**
 * Readers of both formats for the tests beside, written from the specifications and not from our writers: they refuse whatever a strict
 * reader somewhere might refuse. And one test of what they refuse, so that they do not pass everything.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

export interface ParsedSample {
  /** Of the metadata it stands under. */
  readonly family: string;
  readonly type: string;
  readonly name: string;
  /** Sorted by name. */
  readonly labels: readonly (readonly [string, string])[];
  readonly value: number;
}

export interface ParsedFamily {
  readonly name: string;
  type: string;
  help: string;
  unit: string;
  readonly samples: ParsedSample[];
}

interface Format {
  readonly types: readonly string[];
  readonly untyped: string;
  readonly metadata: RegExp;
  /** Names that a family's type lays hand on. */
  readonly suffixes: Readonly<Record<string, readonly string[]>>;
  /** Of those the ones its samples may have. */
  readonly sampleSuffixes: Readonly<Record<string, readonly string[]>>;
  readonly helpEscapes: string;
}

const TEXT: Format = {
  types: ["counter", "gauge", "histogram", "summary", "untyped"],
  untyped: "untyped",
  metadata: /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/s,
  suffixes: { histogram: ["", "_bucket", "_sum", "_count"], summary: ["", "_sum", "_count"] },
  sampleSuffixes: { histogram: ["_bucket", "_sum", "_count"], summary: ["", "_sum", "_count"] },
  helpEscapes: "\\n",
};

const OPENMETRICS: Format = {
  types: ["counter", "gauge", "histogram", "summary", "unknown"],
  untyped: "unknown",
  metadata: /^# (HELP|TYPE|UNIT) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/s,
  suffixes: {
    counter: ["", "_total", "_created"],
    histogram: ["", "_bucket", "_sum", "_count", "_created"],
    summary: ["", "_sum", "_count", "_created"],
  },
  sampleSuffixes: {
    counter: ["_total"],
    histogram: ["_bucket", "_sum", "_count"],
    summary: ["", "_sum", "_count"],
  },
  helpEscapes: '\\n"',
};

/** Text format 0.0.4 with metadata. @throws AssertionError for what a strict reader refuses */
export function parseText(text: string): ParsedFamily[] {
  return parse(text, TEXT);
}

/** OpenMetrics 1.0. @throws AssertionError for what a strict reader refuses */
export function parseOpenMetrics(text: string): ParsedFamily[] {
  assert.ok(text.endsWith("# EOF\n"), "the last line is # EOF");
  const families = parse(text.slice(0, -"# EOF\n".length), OPENMETRICS);
  for (const family of families) {
    if (family.unit !== "") assert.ok(family.name.endsWith(`_${family.unit}`), `unit of ${family.name}`);
    checkValues(family);
  }
  return families;
}

function parse(text: string, format: Format): ParsedFamily[] {
  const families: ParsedFamily[] = [];
  const owners = new Map<string, string>();
  const series = new Set<string>();
  assert.ok(text === "" || text.endsWith("\n"), "the last line has an end");
  const lines = text.split("\n").slice(0, -1);
  let seen = new Set<string>();
  let family: ParsedFamily | null = null;
  const open = (name: string): ParsedFamily => {
    const opened = { name, type: format.untyped, help: "", unit: "", samples: [] };
    families.push(opened);
    seen = new Set();
    return opened;
  };
  for (const line of lines) {
    if (line.startsWith("#")) {
      const match = format.metadata.exec(line);
      assert.ok(match !== null, `metadata: ${line}`);
      const [, kind, name, rest] = match as unknown as [string, "HELP" | "TYPE" | "UNIT", string, string];
      if (family === null || family.name !== name || family.samples.length > 0) family = open(name);
      assert.ok(!seen.has(kind), `second ${kind} of ${name}`);
      seen.add(kind);
      if (kind === "TYPE") {
        assert.ok(format.types.includes(rest), `type ${rest}`);
        family.type = rest;
      } else if (kind === "HELP") family.help = unescapeText(rest, format.helpEscapes);
      else family.unit = rest;
      continue;
    }
    const { name, labels, value } = parseSample(line);
    assert.ok(family !== null, `sample before any metadata: ${line}`);
    const own = format.sampleSuffixes[family.type] ?? [""];
    assert.ok(
      own.some((suffix) => name === (family as ParsedFamily).name + suffix),
      `${name} under ${family.type} ${family.name}`,
    );
    const key = `${name}{${JSON.stringify(labels)}`;
    assert.ok(!series.has(key), `repeated: ${line}`);
    series.add(key);
    family.samples.push({ family: family.name, type: family.type, name, labels, value });
  }
  for (const { name, type } of families) {
    for (const suffix of format.suffixes[type] ?? [""]) {
      const owner = owners.get(name + suffix);
      assert.equal(owner, undefined, `${name + suffix} of ${name} is ${owner}'s`);
      owners.set(name + suffix, name);
    }
  }
  for (const family of families) checkGrouping(family);
  return families;
}

function parseSample(line: string): { name: string; labels: [string, string][]; value: number } {
  const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[^"]|"(?:[^"\\]|\\.)*")*)\})? (\S+)$/s.exec(line);
  assert.ok(match !== null, `sample: ${JSON.stringify(line)}`);
  const [, name, inner = "", number] = match as unknown as [string, string, string | undefined, string];
  const labels: [string, string][] = [];
  let rest = inner;
  while (rest !== "") {
    const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,(?=.)|$)/s.exec(rest);
    assert.ok(label !== null, `labels: ${JSON.stringify(rest)}`);
    labels.push([label[1] as string, unescapeText(label[2] as string, '\\n"')]);
    rest = rest.slice(label[0].length);
  }
  assert.equal(new Set(labels.map(([name]) => name)).size, labels.length, `repeated label: ${line}`);
  labels.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  return { name, labels, value: parseValue(number) };
}

function parseValue(text: string): number {
  if (text === "NaN") return Number.NaN;
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  if (text === "-Inf") return Number.NEGATIVE_INFINITY;
  assert.match(text, /^[+-]?\d+(\.\d*)?(e[+-]?\d+)?$/);
  return Number(text);
}

function unescapeText(text: string, escapes: string): string {
  return text.replace(/\\(.?)/gs, (_, char: string) => {
    assert.ok(char !== "" && escapes.includes(char), `escape \\${char}`);
    return char === "n" ? "\n" : char;
  });
}

/** Samples of one series stand together. */
function checkGrouping({ name, samples }: ParsedFamily): void {
  const ended = new Set<string>();
  let current: string | null = null;
  for (const sample of samples) {
    const key = seriesOf(sample);
    if (key === current) continue;
    assert.ok(!ended.has(key), `interleaved: ${name} ${key}`);
    ended.add(key);
    current = key;
  }
}

function seriesOf({ labels, type }: ParsedSample): string {
  const own = type === "histogram" ? ["le", "vmrange"] : type === "summary" ? ["quantile"] : [];
  return JSON.stringify(labels.filter(([name]) => !own.includes(name)));
}

/** What OpenMetrics says of values by type. */
function checkValues(family: ParsedFamily): void {
  const series = new Map<string, ParsedSample[]>();
  for (const sample of family.samples) {
    series.set(seriesOf(sample), [...(series.get(seriesOf(sample)) ?? []), sample]);
  }
  const isCount = (value: number): boolean => Number.isInteger(value) && value >= 0;
  for (const samples of series.values()) {
    const of = (suffix: string): ParsedSample[] => samples.filter(({ name }) => name === family.name + suffix);
    const label = (sample: ParsedSample, wanted: string): number => {
      const text = sample.labels.find(([name]) => name === wanted)?.[1];
      assert.ok(text !== undefined, `${sample.name} without ${wanted}`);
      assert.match(text, /^(\+Inf|-Inf|-?\d+\.\d+|-?\d(\.\d+)?e[+-]\d\d+)$/, "canonical");
      return Number(text.replace("Inf", "Infinity"));
    };
    if (family.type === "counter") {
      for (const { value } of samples) assert.ok(value >= 0, `counter ${family.name} ${value}`);
    } else if (family.type === "summary") {
      for (const sample of of("")) {
        assert.ok(label(sample, "quantile") >= 0 && label(sample, "quantile") <= 1);
        assert.ok(!(sample.value < 0), "negative quantile");
      }
      for (const { value } of of("_sum")) assert.ok(value >= 0, "sum");
      for (const { value } of of("_count")) assert.ok(isCount(value), "count");
    } else if (family.type === "histogram") {
      const buckets = of("_bucket");
      const bounds = buckets.map((bucket) => label(bucket, "le"));
      assert.equal(bounds.at(-1), Number.POSITIVE_INFINITY, "bucket +Inf");
      for (let i = 0; i < buckets.length; i++) {
        assert.ok(isCount((buckets[i] as ParsedSample).value), "bucket's count");
        if (i === 0) continue;
        assert.ok((bounds[i - 1] as number) < (bounds[i] as number), "ascending bounds");
        assert.ok((buckets[i - 1] as ParsedSample).value <= (buckets[i] as ParsedSample).value, "cumulative");
      }
      assert.equal(of("_sum").length, of("_count").length, "sum and count together");
      if (bounds.some((bound) => bound < 0)) assert.equal(of("_sum").length, 0, "sum of negative bounds");
      for (const { value } of of("_sum")) assert.ok(value >= 0, "sum");
      for (const { value } of of("_count")) assert.equal(value, buckets.at(-1)?.value, "count is the last bucket");
    }
  }
}

test("the strict parsers read the specifications' examples and refuse what they forbid", () => {
  const [requests, latency] = parseOpenMetrics(
    '# TYPE r counter\n# HELP r A \\"b\\"\\\\\\n.\nr_total{a="b",c="d\\n"} 1e+3\n' +
      '# TYPE l_seconds histogram\n# UNIT l_seconds seconds\nl_seconds_bucket{le="1.0"} 1\nl_seconds_bucket{le="+Inf"} 2\nl_seconds_sum 3\nl_seconds_count 2\n# EOF\n',
  ) as [ParsedFamily, ParsedFamily];
  assert.equal(requests.help, 'A "b"\\\n.');
  assert.deepEqual(requests.samples[0]?.labels, [
    ["a", "b"],
    ["c", "d\n"],
  ]);
  assert.equal(requests.samples[0]?.value, 1000);
  assert.deepEqual([latency.unit, latency.samples.length], ["seconds", 4]);

  const refused = (text: string): void => assert.throws(() => parseOpenMetrics(text), assert.AssertionError, text);
  refused("# TYPE r gauge\nr 1\n");
  refused("# TYPE r counter\nr 1\n# EOF\n");
  refused("# TYPE r counter\nr_total -1\n# EOF\n");
  refused("# TYPE r gauge\nr 1\nr 2\n# EOF\n");
  refused("# TYPE r gauge\n# TYPE r gauge\nr 1\n# EOF\n");
  refused("# TYPE r gauge\nr 1\n# TYPE r counter\nr_total 1\n# EOF\n");
  refused('# TYPE r gauge\nr{a="1"} 1\nr{a="2"} 1\nr{a="1",b="1"} 1\nr{a="2"} 1\n# EOF\n');
  refused('# TYPE r gauge\nr{a="\\x"} 1\n# EOF\n');
  refused('# TYPE r gauge\nr{a="1",a="2"} 1\n# EOF\n');
  refused('# TYPE r gauge\nr{a="1",} 1\n# EOF\n');
  refused("# TYPE r_x gauge\n# UNIT r_x y\nr_x 1\n# EOF\n");
  refused('# TYPE h histogram\nh_bucket{le="1.0"} 1\nh_sum 1\nh_count 1\n# EOF\n');
  refused('# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\n# EOF\n');
  refused('# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n# EOF\n');
  const refusedText = (text: string): void => assert.throws(() => parseText(text), assert.AssertionError, text);
  refusedText("# TYPE h histogram\nh_count 1\n# TYPE h_count counter\nh_count 1\n");
  refusedText("# TYPE r gauge\nr 1 \n");
  refusedText("# TYPE r gauge\nr 1");
  refusedText("# TYPE r unknown\nr 1\n");
});
