/**
 * The language of Prometheus' test scripts: text in, commands out. The grammar is in ../shared/corpora/promql/README.md.
 *
 *   load 5m                                  series to store
 *     requests{job="a"} 0+10x10
 *   eval instant at 50m sum(requests)        a query, and what it must answer
 *     {} 100
 *   clear                                    an empty store again
 *
 * Lines are trimmed, a comment is a blank line, and a blank line ends a command.
 */
import { type NotedSeries, parseNumber, parseSeriesLine, unquote } from "./series-notation.ts";

export interface Load {
  readonly kind: "load";
  readonly line: number;
  readonly stepMs: number;
  /** Prometheus makes native histograms of the `_bucket` series too. */
  readonly makesNative: boolean;
  readonly series: readonly NotedSeries[];
}

export interface Clear {
  readonly kind: "clear";
  readonly line: number;
}

/** What a text must be: any, this one, or one that matches. */
export type Wanted =
  | { readonly kind: "any" }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "regex"; readonly regex: RegExp };

export type WantedAnswer =
  | { readonly kind: "scalar"; readonly value: number }
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "series"; readonly series: readonly NotedSeries[] }
  /** Raw samples: the steps of each series are at startMs, startMs + stepMs, … ≤ endMs. */
  | {
      readonly kind: "raw";
      readonly series: readonly NotedSeries[];
      readonly startMs: number;
      readonly endMs: number;
      readonly stepMs: number;
    };

export interface Eval {
  readonly kind: "eval";
  readonly line: number;
  readonly query: string;
  /** Of an instant query all the same time, and no step. */
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly isRange: boolean;
  readonly answer: WantedAnswer;
  readonly fails: Wanted | null;
  readonly isOrdered: boolean;
  readonly warnings: readonly Wanted[];
  readonly infos: readonly Wanted[];
  readonly wantsNoWarnings: boolean;
  readonly wantsNoInfos: boolean;
}

export type Command = Load | Clear | Eval;

/** @throws Error with `file:line` for anything not in the grammar */
export function parseScript(text: string, file: string): Command[] {
  const lines = text.split("\n").map((line) => {
    const trimmed = line.trim();
    return trimmed.startsWith("#") ? "" : trimmed;
  });
  const commands: Command[] = [];
  for (let i = 0; i < lines.length; i++) {
    const head = lines[i] as string;
    if (head === "") continue;
    const line = i + 1;
    const body: string[] = [];
    const isWithBody = !/^clear$/i.test(head);
    while (isWithBody && (lines[i + 1] ?? "") !== "") body.push(lines[++i] as string);
    try {
      commands.push(parseCommand(head, body, line));
    } catch (error) {
      throw new Error(`${file}:${line}: ${(error as Error).message}`, { cause: error });
    }
  }
  return commands;
}

function parseCommand(head: string, body: readonly string[], line: number): Command {
  if (/^clear$/i.test(head)) return { kind: "clear", line };
  const load = /^(load|load_with_nhcb)\s+(\S+)$/i.exec(head);
  if (load !== null) {
    return {
      kind: "load",
      line,
      stepMs: parseDurationMs(load[2] as string),
      makesNative: (load[1] as string).toLowerCase() === "load_with_nhcb",
      series: body.map(parseSeriesLine),
    };
  }
  const instant = /^eval(?:_(fail|ordered|warn|info))?\s+instant\s+(?:at\s+(\S+)\s+)?(.+)$/i.exec(head);
  if (instant !== null) {
    const [, older, at, query] = instant as unknown as [string, string | undefined, string | undefined, string];
    const timeMs = parseDurationMs(at ?? "0");
    return parseEval({ line, query, startMs: timeMs, endMs: timeMs, stepMs: 0, isRange: false }, older, body);
  }
  const range = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$/i.exec(head);
  if (range !== null) {
    const [, older, from, to, step, query] = range as unknown as [string, string | undefined, ...string[]];
    const [startMs, endMs, stepMs] = [from, to, step].map((text) => parseDurationMs(text as string)) as [
      number,
      number,
      number,
    ];
    return parseEval({ line, query: query as string, startMs, endMs, stepMs, isRange: true }, older, body);
  }
  throw new Error(`no command: ${head}`);
}

type Question = Pick<Eval, "line" | "query" | "startMs" | "endMs" | "stepMs" | "isRange">;

function parseEval(question: Question, older: string | undefined, body: readonly string[]): Eval {
  const any: Wanted = { kind: "any" };
  let fails: Wanted | null = older === "fail" ? any : null;
  let isOrdered = older === "ordered";
  let wantsNoWarnings = false;
  let wantsNoInfos = false;
  const warnings: Wanted[] = older === "warn" ? [any] : [];
  const infos: Wanted[] = older === "info" ? [any] : [];
  const series: NotedSeries[] = [];
  let answer: WantedAnswer | null = null;
  for (const line of body) {
    const raw = /^expect range vector from (\S+) to (\S+) step (\S+)$/.exec(line);
    const string = /^expect string (["'`].*)$/.exec(line);
    const expect = /^expect\s+(fail|ordered|warn|no_warn|info|no_info)(?:\s+(msg|regex):\s*(.+))?$/.exec(line);
    const olderFail = /^expected_fail_(message|regexp)\s+(.+)$/.exec(line);
    if (raw !== null) {
      const [startMs, endMs, stepMs] = raw.slice(1).map(parseDurationMs) as [number, number, number];
      answer = { kind: "raw", series, startMs, endMs, stepMs };
    } else if (string !== null) {
      answer = { kind: "string", text: unquote(string[1] as string) };
    } else if (expect !== null) {
      const [, word, how, text] = expect as unknown as [string, string, string | undefined, string];
      const wanted: Wanted =
        how === undefined ? any : how === "msg" ? { kind: "text", text } : { kind: "regex", regex: goRegex(text) };
      if (word === "fail") fails = wanted;
      else if (word === "ordered") isOrdered = true;
      else if (word === "warn") warnings.push(wanted);
      else if (word === "info") infos.push(wanted);
      else if (word === "no_warn") wantsNoWarnings = true;
      else wantsNoInfos = true;
    } else if (olderFail !== null) {
      const [, how, text] = olderFail as unknown as [string, string, string];
      fails = how === "message" ? { kind: "text", text } : { kind: "regex", regex: goRegex(text) };
    } else if (/^expect\s/.test(line)) {
      throw new Error(`no expectation: ${line}`);
    } else {
      const value = parseNumber(line);
      if (value !== null) answer = { kind: "scalar", value };
      else series.push(parseSeriesLine(line));
    }
  }
  if (answer !== null && answer.kind !== "raw" && series.length > 0) {
    throw new Error(`want a ${answer.kind} or series, got both`);
  }
  answer ??= { kind: "series", series };
  for (const { steps, isStartTimes } of series) {
    if (isStartTimes) throw new Error("start timestamps belong to a load");
    if (answer.kind === "series" && !question.isRange && steps.length !== 1) {
      throw new Error(`want one value a series, got ${steps.length}`);
    }
  }
  return { kind: "eval", ...question, answer, fails, isOrdered, warnings, infos, wantsNoWarnings, wantsNoInfos };
}

/** The scripts' patterns are the same in both languages. */
function goRegex(text: string): RegExp {
  return new RegExp(text);
}

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
  ["w", 604_800_000],
  ["y", 31_536_000_000],
]);

/** `1h30m`, or a number of seconds. @throws Error for anything else */
export function parseDurationMs(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  if (!/^(\d+(ms|[smhdwy]))+$/.test(text)) throw new Error(`want a duration, got ${text}`);
  let ms = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[smhdwy])/g)) {
    ms += Number(count) * (UNIT_MS.get(unit as string) as number);
  }
  return ms;
}
