/**
 * Runs test scripts against anything that stores series and answers queries.
 *
 * As in Prometheus' own runner, an instant eval is asked a second time as the middle point of a range of three, which must give the
 * same: what an evaluator decides once a query is thereby told from what it decides once a point. And it is asked at other times with
 * every selector pinned by `@`, where the engine can do that.
 */
import { type Answer, compareAnswer, compareResult, isWanted, labelsKey, show } from "./promql-answer.ts";
import { type Eval, type Load, parseDurationMs, parseScript } from "./promql-script.ts";
import { type LabelPair, type Step, unquote } from "./series-notation.ts";

export interface StoredSeries {
  readonly labels: readonly LabelPair[];
  /** ms, in the order they were loaded. */
  readonly timestamps: readonly number[];
  /** Staleness markers by their bits. */
  readonly values: Float64Array;
}

export interface Engine {
  /** Forgets everything, then stores these. Called before the first eval that needs it. */
  store(series: readonly StoredSeries[]): Promise<void>;
  /** Rejects when the query is refused. */
  instant(query: string, timeMs: number): Promise<Answer>;
  range(query: string, startMs: number, endMs: number, stepMs: number): Promise<Answer>;
  /** `query` asked at `timeMs` with all its selectors pinned to `pinMs`; null when it would not answer as at `pinMs`. */
  instantPinned?(query: string, timeMs: number, pinMs: number): Promise<Answer | null>;
}

export interface Outcome {
  readonly file: string;
  readonly line: number;
  readonly query: string;
  /** What was wrong, or null. */
  readonly problem: string | null;
  /** Its answer has native histograms, or a series it selects has at the times it reads. */
  readonly isNative: boolean;
}

/** The outcome of every eval, in order. */
export async function runScript(text: string, file: string, engine: Engine): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const store = new ScriptStore();
  let isStored = false;
  for (const command of parseScript(text, file)) {
    if (command.kind === "clear") store.clear();
    else if (command.kind === "load") store.load(command);
    if (command.kind !== "eval") {
      isStored = false;
      continue;
    }
    if (!isStored) await engine.store(store.series());
    isStored = true;
    const { line, query } = command;
    const isNative = store.isNative(command);
    outcomes.push({ file, line, query, isNative, problem: await findProblem(command, engine) });
  }
  return outcomes;
}

async function findProblem(wanted: Eval, engine: Engine): Promise<string | null> {
  const { query, startMs, endMs, stepMs, isRange, fails } = wanted;
  let got: Answer;
  try {
    got = isRange ? await engine.range(query, startMs, endMs, stepMs) : await engine.instant(query, startMs);
  } catch (error) {
    const { message } = error as Error;
    if (fails === null) return `refused: ${message}`;
    // Ours may say more than theirs: what came, and where.
    const isRight = fails.kind === "text" ? message.includes(fails.text) : isWanted(fails, message);
    return isRight ? null : `want the error ${show(fails)}, got ${message}`;
  }
  if (fails !== null) return "want an error, got an answer";
  return (
    compareAnswer(wanted, got) ?? (await findMiddleProblem(wanted, got, engine)) ?? findPinnedProblem(wanted, engine)
  );
}

async function findMiddleProblem(wanted: Eval, got: Answer, engine: Engine): Promise<string | null> {
  const { query, startMs } = wanted;
  if (!hasMiddle(wanted)) return null;
  try {
    const range = await engine.range(query, startMs - 60_000, startMs + 60_000, 60_000);
    const difference = compareResult(wanted, middleOf(range, startMs, got.kind));
    return difference === null ? null : `as a range: ${difference}`;
  } catch (error) {
    return `as a range: refused: ${(error as Error).message}`;
  }
}

async function findPinnedProblem(wanted: Eval, engine: Engine): Promise<string | null> {
  const { query, startMs, isRange } = wanted;
  if (isRange || engine.instantPinned === undefined) return null;
  const times = startMs === 0 ? [-1000, 1000] : [startMs / 5, 10 * startMs];
  try {
    for (const timeMs of times) {
      const pinned = await engine.instantPinned(query, timeMs, startMs);
      // The answer is that of `startMs`; its points are at the time it was asked.
      const difference = pinned === null ? null : compareResult({ ...wanted, startMs: timeMs }, pinned);
      if (difference !== null) return `pinned, asked at ${timeMs} ms: ${difference}`;
    }
    return null;
  } catch (error) {
    return `pinned: refused: ${(error as Error).message}`;
  }
}

/** The functions of the query's own times mean something else there, and a range has an order of its own. */
function hasMiddle({ isRange, answer, isOrdered, query }: Eval): boolean {
  const isSameKind = answer.kind === "series" || answer.kind === "scalar";
  return !isRange && isSameKind && !isOrdered && !/\b(?:range|start|end|step)\(\)/.test(query);
}

function middleOf(range: Answer, timeMs: number, kind: Answer["kind"]): Answer {
  const series = range.series.flatMap(({ labels, timestamps, values }) => {
    const at = Array.from(timestamps).indexOf(timeMs);
    return at < 0 ? [] : [{ labels, timestamps: [timeMs], values: [values[at] as number] }];
  });
  return { ...range, kind, series };
}

/** Where a series has native histograms; what they are is not read. */
interface NativeSeries {
  readonly labels: ReadonlyMap<string, string>;
  /** ms */
  readonly timestamps: readonly number[];
}

/** What a script has loaded since its last `clear`. */
class ScriptStore {
  readonly #series = new Map<string, { labels: readonly LabelPair[]; timestamps: number[]; words: number[] }>();
  readonly #native: NativeSeries[] = [];

  clear(): void {
    this.#series.clear();
    this.#native.length = 0;
  }

  load({ stepMs, makesNative, series }: Load): void {
    for (const { labels, steps, isStartTimes } of series) {
      if (isStartTimes) continue;
      const map = new Map(labels);
      const timesOf = (isWanted: (step: Step) => boolean): number[] =>
        steps.flatMap((step, k) => (isWanted(step) ? [k * stepMs] : []));
      const timestamps = timesOf((step) => step === "native");
      if (timestamps.length > 0) this.#native.push({ labels: map, timestamps });
      const base = /^(.*)_(?:bucket|count|sum)$/.exec(map.get("__name__") ?? "")?.[1];
      if (makesNative && base !== undefined) {
        const made = new Map([...map].filter(([label]) => label !== "le")).set("__name__", base);
        this.#native.push({ labels: made, timestamps: timesOf((step) => typeof step === "number") });
      }
      const key = labelsKey(labels);
      const stored = this.#series.get(key) ?? { labels, timestamps: [], words: [] };
      this.#series.set(key, stored);
      for (const [k, step] of steps.entries()) {
        if (step === "gap" || step === "native") continue;
        stored.timestamps.push(k * stepMs);
        stored.words.push(...(step === "stale" ? [2, 0x7ff00000] : new Uint32Array(Float64Array.of(step).buffer)));
      }
    }
  }

  series(): StoredSeries[] {
    return [...this.#series.values()]
      .filter(({ timestamps }) => timestamps.length > 0)
      .map(({ labels, timestamps, words }) => ({
        labels,
        timestamps,
        values: new Float64Array(Uint32Array.from(words).buffer),
      }));
  }

  isNative(one: Eval): boolean {
    const { query, answer } = one;
    if (
      (answer.kind === "series" || answer.kind === "raw") &&
      answer.series.some(({ steps }) => steps.includes("native"))
    ) {
      return true;
    }
    const { fromMs, toMs } = timesReadBy(one);
    const read = this.#native.filter(({ timestamps }) => timestamps.some((ms) => fromMs <= ms && ms <= toMs));
    return [...query.matchAll(SELECTOR)].some((selector) => {
      const filters = parseFilters(selector);
      return filters.length > 0 && read.some(({ labels }) => filters.every((filter) => filter(labels)));
    });
  }
}

/** What a query may read: as far back as all its durations together and the lookback; all there is if it names other times. */
function timesReadBy({ query, startMs, endMs }: Eval): { fromMs: number; toMs: number } {
  if (/@|offset\s*-/.test(query)) return { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };
  const lookbackMs = 300_000;
  const durations = [...query.matchAll(/\b(?:\d+(?:ms|[smhdwy]))+\b/g)].map(([text]) => parseDurationMs(text));
  return { fromMs: durations.reduce((from, ms) => from - ms, startMs - lookbackMs), toMs: endMs };
}

const QUOTED = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/.source;
/** A name, braces with matchers, or both; or a string, so that nothing is found in one. Function names come along and match nothing. */
const SELECTOR = new RegExp(
  `([A-Za-z_:][\\w:]*)?\\s*\\{((?:[^{}"'\`]|${QUOTED})*)\\}|([A-Za-z_:][\\w:]*)|${QUOTED}`,
  "g",
);
const MATCHER = new RegExp(`(?:([A-Za-z_]\\w*|${QUOTED})\\s*(=~|!~|!=|=)\\s*)?(${QUOTED})`, "g");

type Filter = (labels: ReadonlyMap<string, string>) => boolean;

function parseFilters([, name, braces = "", bareName]: RegExpMatchArray): Filter[] {
  const filters: Filter[] = [];
  const want = (label: string, test: (value: string) => boolean): void => {
    filters.push((labels) => test(labels.get(label) ?? ""));
  };
  const metric = name ?? bareName;
  if (metric !== undefined) want("__name__", (value) => value === metric);
  for (const [, label, op = "=", quoted] of braces.matchAll(MATCHER)) {
    const text = unquote(quoted as string);
    const labelName = label === undefined ? "__name__" : /^\w/.test(label) ? label : unquote(label);
    const regex = op.includes("~") ? wholeRegex(text) : null;
    want(labelName, (value) => (regex === null ? value === text : regex.test(value)) !== op.startsWith("!"));
  }
  return filters;
}

/** RE2's `(?i)` at the start is all that the scripts use and JavaScript has not; `(?i:…)` matches without its case then too. */
function wholeRegex(text: string): RegExp {
  return new RegExp(
    `^(?:${text.replace(/\(\?i:/g, "(?:").replace(/\(\?i\)/g, "")})$`,
    text.includes("(?i") ? "is" : "s",
  );
}
