/**
 * Reads back over the APIs that clients use. Series are told apart by `seriesKey`, which is a string, so that labels are
 * never keys of an object.
 */
import { getJson, http } from "./http.ts";
import { otherProgram } from "./nyanza.ts";

export interface PromSeries {
  readonly metric: Readonly<Record<string, string>>;
  /** `[seconds, "value"]` of an instant query. */
  readonly value?: readonly [number, string];
  /** The same for each point of a range query. */
  readonly values?: readonly (readonly [number, string])[];
}

export interface PromAnswer {
  readonly status: string;
  readonly data: { readonly resultType: string; readonly result: readonly PromSeries[] };
  readonly isPartial?: boolean;
}

type Parameters = Readonly<Record<string, string | number | readonly string[]>>;

/** VictoriaMetrics, in our place, needs to be told to show what it has just taken; we do not. */
async function showAll(url: string): Promise<void> {
  if (otherProgram !== undefined) await http(`${url}/internal/force_flush`);
}

/** `?a=1&b=2`; an array repeats its name. */
export function queryString(parameters: Parameters): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of Array.isArray(value) ? (value as string[]) : [String(value)]) search.append(name, one);
  }
  return `?${search.toString()}`;
}

/** `/api/v1/query` at `time` in seconds. */
export async function queryInstant(
  url: string,
  query: string,
  time: number | string,
  more: Parameters = {},
): Promise<readonly PromSeries[]> {
  await showAll(url);
  const answer = await getJson<PromAnswer>(`${url}/api/v1/query${queryString({ query, time, nocache: 1, ...more })}`);
  return answer.data.result;
}

/** `/api/v1/query_range`; times and step in seconds. */
export async function queryRange(
  url: string,
  query: string,
  start: number,
  end: number,
  step: number | string,
): Promise<readonly PromSeries[]> {
  await showAll(url);
  const answer = await getJson<PromAnswer>(
    `${url}/api/v1/query_range${queryString({ query, start, end, step, nocache: 1 })}`,
  );
  return answer.data.result;
}

/** The value of the only series that `query` gives at `time`. */
export async function queryNumber(url: string, query: string, time: number | string): Promise<number> {
  const result = await queryInstant(url, query, time);
  if (result.length !== 1) throw new Error(`${query}: wanted one series, got ${result.length}`);
  return Number(result[0]?.value?.[1]);
}

export interface ExportedSeries {
  readonly metric: Readonly<Record<string, string>>;
  /** ms since the epoch, in the order of the answer. */
  readonly timestamps: number[];
  readonly values: number[];
}

/** Everything that matches, from `/api/v1/export`; lines of one series are joined. */
export async function exportSeries(
  url: string,
  match: string,
  range: Parameters = { start: 0 },
): Promise<Map<string, ExportedSeries>> {
  await showAll(url);
  const answer = await http(`${url}/api/v1/export${queryString({ "match[]": match, ...range })}`);
  if (answer.status !== 200) throw new Error(`export ${match}: status ${answer.status}: ${answer.text.slice(0, 500)}`);
  const found = new Map<string, ExportedSeries>();
  for (const line of answer.text.split("\n")) {
    if (line === "") continue;
    const parsed = JSON.parse(line) as { metric: Record<string, string>; values: unknown[]; timestamps: number[] };
    const key = seriesKey(parsed.metric);
    const series = found.get(key) ?? { metric: parsed.metric, timestamps: [], values: [] };
    for (const value of parsed.values) series.values.push(value === null ? Number.NaN : Number(value));
    for (const timestampMs of parsed.timestamps) series.timestamps.push(timestampMs);
    found.set(key, series);
  }
  return found;
}

/** The same text for the same labels, whatever their order. */
export function seriesKey(labels: Readonly<Record<string, string>> | Iterable<readonly [string, string]>): string {
  const entries = Symbol.iterator in labels ? [...labels] : Object.entries(labels);
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** True when both are the same float64: NaN equals NaN, 0 differs from -0. */
export function sameFloat(a: number, b: number): boolean {
  return Object.is(a, b);
}
