/**
 * Runs test scripts against anything that stores series and answers queries.
 *
 * As in Prometheus' own runner, an instant eval is asked a second time as the middle point of a range of three, which must give the
 * same: what an evaluator decides once a query is thereby told from what it decides once a point. And it is asked at other times with
 * every selector pinned by `@`, where the engine can do that.
 */
import { type Answer, compareAnswer, compareResult, isWanted, labelsKey, show } from "./promql-answer.ts";
import { type Eval, type Load, parseScript } from "./promql-script.ts";
import type { LabelPair } from "./series-notation.ts";

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
  /** Its answer or the data it reads are native histograms. */
  readonly isNative: boolean;
}

export interface RunOptions {
  /** Leaves out what it is false for; all when absent. */
  readonly select?: (one: Eval) => boolean;
}

/** The outcome of every eval, in order. */
export async function runScript(
  text: string,
  file: string,
  engine: Engine,
  options: RunOptions = {},
): Promise<Outcome[]> {
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
    if (options.select?.(command) === false) continue;
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
      const difference = pinned === null ? null : compareAnswer({ ...wanted, startMs: timeMs }, pinned);
      if (difference !== null) return `pinned, asked at ${timeMs} ms: ${difference}`;
    }
    return null;
  } catch (error) {
    return `pinned: refused: ${(error as Error).message}`;
  }
}

/** `range()` means something else there, and a range has an order of its own. */
function hasMiddle({ isRange, answer, isOrdered, query }: Eval): boolean {
  return !isRange && (answer.kind === "series" || answer.kind === "scalar") && !isOrdered && !query.includes("range()");
}

function middleOf(range: Answer, timeMs: number, kind: Answer["kind"]): Answer {
  const series = range.series.flatMap(({ labels, timestamps, values }) => {
    const at = Array.from(timestamps).indexOf(timeMs);
    return at < 0 ? [] : [{ labels, timestamps: [timeMs], values: [values[at] as number] }];
  });
  return { ...range, kind, series };
}

/** What a script has loaded since its last `clear`. */
class ScriptStore {
  readonly #series = new Map<string, { labels: readonly LabelPair[]; timestamps: number[]; words: number[] }>();
  readonly #nativeNames = new Set<string>();

  clear(): void {
    this.#series.clear();
    this.#nativeNames.clear();
  }

  load({ stepMs, makesNative, series }: Load): void {
    for (const { labels, steps, isStartTimes } of series) {
      if (isStartTimes) continue;
      const name = labels.find(([label]) => label === "__name__")?.[1] ?? "";
      if (steps.includes("native")) this.#nativeNames.add(name);
      const base = /^(.*)_(?:bucket|count|sum)$/.exec(name)?.[1];
      if (makesNative && base !== undefined) this.#nativeNames.add(base);
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

  isNative({ query, answer }: Eval): boolean {
    if (
      (answer.kind === "series" || answer.kind === "raw") &&
      answer.series.some(({ steps }) => steps.includes("native"))
    ) {
      return true;
    }
    const names = new Set(query.match(/[A-Za-z_:][\w:]*/g) ?? []);
    return [...this.#nativeNames].some((name) => names.has(name));
  }
}
