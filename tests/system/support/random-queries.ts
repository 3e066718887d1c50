/**
 * Random queries put to two servers, each instant and as a range: asks, compares and counts.
 *
 * A language brings four things: what makes a query of a seed, where it is asked, which functions and operators are in it (its
 * features), and what may explain a difference. A query counts for its features when an answer that is not empty was
 * equal, so that a function nobody asked for, or whose answers were always empty, is found out.
 */
import type { HttpAnswer } from "./http.ts";
import { compareResults, type Series } from "./twins.ts";

/** Answers an integer in [0, below). */
export type Dice = (below: number) => number;

/** The same seed gives the same numbers (mulberry32). */
export function diceOf(seed: number): Dice {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export type Kind = "instant" | "range";

/** What a server said: a refusal's words, or series. A scalar is one series without labels. */
export interface Reply {
  readonly error: string | null;
  readonly type: string;
  readonly series: readonly Series[];
}

/** A query that was asked and what came of it. */
export interface Asked<Query> {
  readonly seed: number;
  readonly kind: Kind;
  readonly query: Query;
  readonly ours: Reply;
  readonly theirs: Reply;
  /** What differs. */
  readonly problem: string;
}

export interface RandomRun<Query> {
  readonly seeds: { readonly first: number; readonly count: number };
  make(seed: number): Query;
  /** As it is shown where something is wrong. */
  show(query: Query): string;
  ask(query: Query, kind: Kind): Promise<{ readonly ours: HttpAnswer; readonly theirs: HttpAnswer }>;
  features(query: Query): Iterable<string>;
  /** Why the answers may differ so, or null. */
  explain(asked: Asked<Query>): Promise<string | null>;
}

export interface RandomTally {
  readonly queries: number;
  /** Answers, two a query: equal, those of them that are empty, and refusals by both. */
  readonly equal: number;
  readonly empty: number;
  readonly refused: number;
  /** Queries with a difference that has a reason, and how often each. */
  readonly excused: number;
  readonly reasons: ReadonlyMap<string, number>;
  /** Queries with an equal answer that is not empty, by feature. */
  readonly features: ReadonlyMap<string, number>;
  readonly problems: readonly string[];
}

/** Queries asked at a time: enough to keep both servers busy. */
const AT_ONCE = 4;

/** Left of a difference whose sides are some powers of ten larger. */
const NOISE = 1e-11;

export async function runRandomQueries<Query>(run: RandomRun<Query>): Promise<RandomTally> {
  const count = { queries: run.seeds.count, equal: 0, empty: 0, refused: 0, excused: 0 };
  const reasons = new Map<string, number>();
  const features = new Map<string, number>();
  const problems: string[] = [];

  const compare = async (seed: number, query: Query, kind: Kind): Promise<"equal" | "excused" | "other"> => {
    const both = await run.ask(query, kind);
    const [ours, theirs] = [readReply(both.ours), readReply(both.theirs)];
    if (ours === null || theirs === null) {
      const { status, text } = ours === null ? both.ours : both.theirs;
      problems.push(`seed ${seed}, ${kind}: ${run.show(query)}\n    status ${status}: ${text.slice(0, 300)}`);
      return "other";
    }
    if (ours.error !== null && theirs.error !== null) {
      count.refused++;
      return "other";
    }
    const problem = compareReplies(ours, theirs);
    if (problem === null) {
      count.equal++;
      if (theirs.series.length > 0) return "equal";
      count.empty++;
      return "other";
    }
    const reason = await run.explain({ seed, kind, query, ours, theirs, problem });
    if (reason === null) {
      problems.push(`seed ${seed}, ${kind}: ${run.show(query)}\n    ${problem}`);
      return "other";
    }
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    return "excused";
  };

  const askSeed = async (seed: number): Promise<void> => {
    const query = run.make(seed);
    const outcomes = await Promise.all([compare(seed, query, "instant"), compare(seed, query, "range")]);
    if (outcomes.includes("excused")) count.excused++;
    if (!outcomes.includes("equal")) return;
    for (const feature of new Set(run.features(query))) features.set(feature, (features.get(feature) ?? 0) + 1);
  };

  for (let i = 0; i < run.seeds.count; i += AT_ONCE) {
    const length = Math.min(AT_ONCE, run.seeds.count - i);
    await Promise.all(Array.from({ length }, (_, k) => askSeed(run.seeds.first + i + k)));
  }
  return { ...count, reasons, features, problems };
}

/** What differs first, or null. */
export function compareReplies(ours: Reply, theirs: Reply): string | null {
  if (ours.error !== null) return theirs.error === null ? `we refuse: ${ours.error.slice(0, 300)}` : null;
  if (theirs.error !== null) return `they refuse: ${theirs.error.slice(0, 300)}`;
  if (ours.type !== theirs.type) return `a ${ours.type}, theirs a ${theirs.type}`;
  return compareResults(ours.series, theirs.series, NOISE);
}

/** Null if it is neither an answer nor a refusal as queries are refused. */
export function readReply({ status, text }: HttpAnswer): Reply | null {
  if (status !== 200 && status !== 400 && status !== 422) return null;
  const { error, data } = JSON.parse(text) as {
    readonly error?: string;
    readonly data?: { readonly resultType: string; readonly result: unknown };
  };
  if ((data === undefined) !== (status !== 200)) return null;
  if (data === undefined) return { error: error ?? "", type: "", series: [] };
  const isPoint = data.resultType === "scalar" || data.resultType === "string";
  const series = isPoint ? [{ metric: {}, value: data.result }] : data.result;
  return { error: null, type: data.resultType, series: series as readonly Series[] };
}

/** The figures, a line each. */
export function showTally(name: string, tally: RandomTally): string {
  const { queries, equal, empty, refused, excused, reasons } = tally;
  return [
    `${name}: ${queries} queries, ${equal} answers equal, ${empty} of them empty, ${refused} refused by both, ` +
      `${excused} queries excused (${((100 * excused) / queries).toFixed(2)} %)`,
    ...[...reasons].map(([reason, times]) => `  ${times} × ${reason}`),
  ].join("\n");
}

/** Which of `catalogue` fewer than `least` queries had in an equal answer that is not empty, with their number. */
export function rareFeatures(tally: RandomTally, catalogue: Iterable<string>, least: number): string[] {
  return [...catalogue]
    .map((feature) => [feature, tally.features.get(feature) ?? 0] as const)
    .filter(([, times]) => times < least)
    .map(([feature, times]) => `${feature} ${times}`);
}
