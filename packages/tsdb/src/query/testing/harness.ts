/**
 * Short notations for tests of the language: series as text in, answers as text out.
 *
 *   const at = harness(`m{a="1"} 0 1 2 _ 4`);        samples every 15 s from 0, `_` for none, `stale` for a marker
 *   await at.range("sum(m)")                          ["{} 0 1 2 _ 4"]
 */
import { Labels } from "../../base/labels.ts";
import { formatFloat } from "../../base/number-format.ts";
import { parse } from "../../metricsql/parse.ts";
import { evaluateInstant, evaluateRange, type QueryOptions } from "../eval.ts";
import type { QueryResult } from "../result.ts";
import { MemorySource } from "./memory-source.ts";

/** Times of the harness count from here: a multiple of every step used, 2024-01-01T00:00:00Z. */
export const ZERO_MS = 1_704_067_200_000;
export const SCRAPE_MS = 15_000;

export interface Harness {
  readonly source: MemorySource;
  /** Points of the longest series. */
  readonly points: number;
  /** The query at every scrape time: lines `labels v v v`, `_` where there is no value, in order of the answer. */
  range(
    query: string,
    options?: Partial<QueryOptions> & { stepMs?: number; startMs?: number; endMs?: number },
  ): Promise<string[]>;
  /** The query at the last scrape time. */
  instant(query: string, options?: Partial<QueryOptions> & { stepMs?: number; timeMs?: number }): Promise<string[]>;
}

export function harness(text: string, scrapeMs: number = SCRAPE_MS): Harness {
  const source = new MemorySource({ batchSeries: 2 });
  let points = 0;
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const { labels, samples } = readLine(line.trim());
    points = Math.max(points, samples.length);
    const kept = samples.map((sample, i) => [sample, i] as const).filter(([sample]) => sample !== "_");
    const values = new Float64Array(kept.length);
    const words = new Uint32Array(values.buffer);
    kept.forEach(([sample], k) => {
      if (sample === "stale") words.set([2, 0x7ff00000], 2 * k);
      else values[k] = readValue(sample);
    });
    source.add(
      labels,
      kept.map(([, i]) => ZERO_MS + i * scrapeMs),
      values,
    );
  }
  const lastMs = ZERO_MS + (points - 1) * scrapeMs;
  const common = { source, nowMs: lastMs };
  return {
    source,
    points,
    range: async (query, options = {}) => {
      const range = { startMs: ZERO_MS, endMs: lastMs, stepMs: scrapeMs, mayAlign: false, ...common, ...options };
      return formatResult(await evaluateRange(query, range), range.startMs, range.endMs, range.stepMs);
    },
    instant: async (query, options = {}) => {
      const instant = { timeMs: lastMs, stepMs: scrapeMs, ...common, ...options };
      const result = await evaluateInstant(query, instant);
      return result.series.map(({ labels, values }) => [name(labels), ...[...values].map(formatFloat)].join(" "));
    },
  };
}

/** One line a series. */
export function formatResult(result: QueryResult, startMs: number, endMs: number, stepMs: number): string[] {
  return result.series.map(({ labels, timestamps, values }) => {
    const byTime = new Map([...timestamps].map((ms, i) => [ms, values[i] as number]));
    const words: string[] = [];
    for (let ms = startMs; ms <= endMs; ms += stepMs) {
      const v = byTime.get(ms);
      words.push(v === undefined ? "_" : formatFloat(Number(v.toPrecision(12))));
    }
    return `${name(labels)} ${words.join(" ")}`;
  });
}

function name(labels: Labels): string {
  return labels.name === "" && labels.pairs.length === 0 ? "{}" : `${labels}`;
}

function readLine(line: string): { labels: Labels; samples: string[] } {
  const end = line.includes("}") ? line.lastIndexOf("}") + 1 : line.indexOf(" ");
  const selector = parse(line.slice(0, end));
  if (selector.kind !== "selector") throw new Error(`want a series, got ${line}`);
  const labels = Labels.from((selector.groups[0] ?? []).map((filter) => [filter.label, filter.value] as const));
  return { labels, samples: line.slice(end).trim().split(/\s+/) };
}

function readValue(text: string): number {
  return text === "Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text);
}
