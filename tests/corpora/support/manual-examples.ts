/**
 * The examples of docs/MetricsQL.md. Its one fence `series` is the data, a sample a minute from 1970 on; fences `metricsql` and `promql` are
 * queries of that dialect, separated by empty lines. Lines `# → …` behind a query are its whole answer at the last sample:
 *
 *     sum by (service) (rate(http_requests_total[5m]))
 *     # → {service="api"} 10.1
 *     # → {service="web"} 1
 *
 * `# → nothing` is an answer without series, `# → refused` a query that must be refused.
 */
import { parseSeriesLine, type Step } from "./series-notation.ts";

export type ManualDialect = "metricsql" | "promql";

export interface ManualExample {
  readonly dialect: ManualDialect;
  /** Line of the page its query begins on. */
  readonly line: number;
  readonly query: string;
  /** null: only the query is shown. */
  readonly answer: readonly string[] | null;
}

export interface StoredSeries {
  readonly labels: readonly (readonly [string, string])[];
  readonly timestamps: readonly number[];
  readonly values: Float64Array;
}

const STEP_MS = 60_000;

interface Fence {
  readonly language: string;
  readonly line: number;
  readonly text: string;
}

function readFences(page: string): Fence[] {
  const fences: Fence[] = [];
  for (const match of page.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)) {
    const line = page.slice(0, match.index).split("\n").length + 1;
    fences.push({ language: match[1] as string, line, text: match[2] as string });
  }
  return fences;
}

export function readExamples(page: string): ManualExample[] {
  const examples: ManualExample[] = [];
  for (const { language, line, text } of readFences(page)) {
    if (language !== "metricsql" && language !== "promql") continue;
    let at = line;
    for (const block of text.split("\n\n")) {
      const lines = block.split("\n").filter((one) => one !== "");
      const answer = lines.filter((one) => one.startsWith("# → ")).map((one) => one.slice("# → ".length));
      const query = lines.filter((one) => !one.startsWith("# → ")).join("\n");
      examples.push({ dialect: language, line: at, query, answer: answer.length === 0 ? null : answer });
      at += block.split("\n").length + 1;
    }
  }
  return examples;
}

export function readStored(page: string): StoredSeries[] {
  const data = readFences(page).filter(({ language }) => language === "series");
  if (data.length !== 1) throw new Error(`want one fence of data, got ${data.length}`);
  const lines = (data[0] as Fence).text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => {
    const { labels, steps } = parseSeriesLine(line);
    const present = steps.flatMap((step, i) => (typeof step === "number" || step === "stale" ? [i] : []));
    const values = new Float64Array(present.length);
    const words = new BigUint64Array(values.buffer);
    present.forEach((i, k) => {
      const step = steps[i] as Step;
      if (step === "stale") words[k] = 0x7ff0_0000_0000_0002n;
      else values[k] = step as number;
    });
    return { labels, timestamps: present.map((i) => i * STEP_MS), values };
  });
}

/** Whether two lines of answers say the same, numbers to six digits unless said otherwise. */
export function isSameLine(got: string, want: string, tolerance = 1e-6): boolean {
  const [a, b] = [got, want].map((line) => /^(.*?)(\S+)$/.exec(line) as RegExpExecArray);
  if (a?.[1] !== b?.[1]) return false;
  const [x, y] = [Number(a?.[2]), Number(b?.[2])];
  return a?.[2] === b?.[2] || Math.abs(x - y) <= tolerance * Math.max(Math.abs(x), Math.abs(y));
}

/** What the reference says of a function in one dialect. */
export interface ManualFunction {
  readonly name: string;
  readonly dialect: ManualDialect;
  /** `clamp(q, min, max)` */
  readonly signature: string;
  readonly text: string;
}

export function readFunctions(page: string): ManualFunction[] {
  const found: ManualFunction[] = [];
  for (const match of page.matchAll(/^(MetricsQL|PromQL|Both): `((\w+)\(.*?\))`\. (.*)$/gm)) {
    const [, whose, signature = "", name = "", text = ""] = match;
    for (const dialect of ["metricsql", "promql"] as const) {
      if (whose === "Both" || whose?.toLowerCase() === dialect) found.push({ name, dialect, signature, text });
    }
  }
  return found;
}

/** What the reference's words for arguments stand for, in a call over the series of `metric`. Anything else is a number below 1. */
const ARGUMENTS: ReadonlyMap<string, (metric: string) => string> = new Map([
  ...["m[d]", "range"].map((word) => [word, (metric: string) => `${metric}[10m]`] as const),
  ...["q", "v", "buckets", "h"].map((word) => [word, (metric: string) => metric] as const),
  ...["max", "high", "upper", "k", "limit", "nearest"].map((word) => [word, () => "1"] as const),
  ...["i", "offset"].map((word) => [word, () => "0"] as const),
  ['"regex"', () => '".*"'],
  ['"zone"', () => '"Europe/Berlin"'],
  ['"f" | ("f", "g")', () => '"rate"'],
]);

/** A call as the signature says, without what may be left out or repeated. */
export function callAsSigned(signature: string, metric: string): string {
  const open = signature.indexOf("(");
  const list = signature
    .slice(open + 1, -1)
    .replace(/^\[[^\]]*\]$| \[[,"].*\]$/, "")
    .replace(/, …/g, "");
  // Commas within quotes or parentheses divide nothing.
  const args = list.match(/"[^"]*" \| \(.*?\)|"[^"]*"|[^,\s]+/g) ?? [];
  const texts = args.map((word) => ARGUMENTS.get(word)?.(metric) ?? (word.startsWith('"') ? word : "0.5"));
  return `${signature.slice(0, open)}(${texts.join(", ")})`;
}
