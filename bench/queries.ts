/**
 * The query set over the generated data, from one series to all of them, and whether two systems gave the same answer.
 */
import { type HttpAnswer, http } from "#support/http";
import { queryString, seriesKey } from "#support/query";
import { instanceOf, type Load } from "./generator.ts";
import { median } from "./measure.ts";

export interface BenchQuery {
  readonly name: string;
  readonly path: string;
  /** True for an expression, which the dialects may answer differently; false for questions about labels. */
  readonly isExpression: boolean;
}

export type Dialect = "metricsql" | "promql";

export const dialects: readonly Dialect[] = ["metricsql", "promql"];

/** The same question in PromQL, for us: MetricsQL is what we speak unless told otherwise. */
export function inPromql(query: BenchQuery): BenchQuery {
  return { ...query, path: `${query.path}&dialect=promql` };
}

const windowSeconds = 2 * 3600;
const stepSeconds = 15;
/** Calls that are not counted, so that in every system code is compiled and caches are filled before anything is timed. */
const warmUpMs = 2_000;
const warmUpsMin = 10;
const warmUpsMax = 20_000;
const repeats = 31;

/** @param load decides the time range: the two hours before its last sample, or all of it when it is shorter */
export function querySet(load: Load): BenchQuery[] {
  const end = Math.floor(load.lastMs / 60_000) * 60;
  const start = Math.max(end - windowSeconds, Math.ceil(load.firstMs / 60_000) * 60);
  const range = (name: string, query: string): BenchQuery => ({
    name,
    path: `/api/v1/query_range${queryString({ query, start, end, step: stepSeconds, nocache: 1 })}`,
    isExpression: true,
  });
  const instant = (name: string, query: string): BenchQuery => ({
    name,
    path: `/api/v1/query${queryString({ query, time: end, nocache: 1 })}`,
    isExpression: true,
  });
  const host = (i: number): string => `instance="${instanceOf(i)}"`;
  const meta = (name: string, path: string, more: Record<string, string> = {}): BenchQuery => ({
    name,
    path: `/api/v1/${path}${queryString({ start, end, ...more })}`,
    isExpression: false,
  });
  return [
    range("one series", `node_load_0{idx="4",${host(1)}}`),
    range("rate of one series", `rate(node_cpu_seconds_total{idx="0",${host(1)}}[5m])`),
    range("rate of a host, 20 series", `rate(node_cpu_seconds_total{${host(7)}}[5m])`),
    range("topk over 500 series", "topk(5, sum by (instance) (rate(node_network_receive_bytes_total_0[5m])))"),
    range("sum of rates by instance, 2,000 series", "sum by (instance) (rate(node_cpu_seconds_total[5m]))"),
    range("avg by region, 10,000 series", 'avg by (region) (avg_over_time({job="node-exporter"}[5m]))'),
    range("max of all, 10,000 series", 'max(max_over_time({job="node-exporter"}[10m]))'),
    instant("instant, one series", `node_load_0{idx="4",${host(1)}}`),
    instant("instant sum by mode, 2,000 series", "sum by (mode) (rate(node_cpu_seconds_total[5m]))"),
    meta("label names", "labels"),
    meta("label values", "label/instance/values"),
    meta("series, 10,000", "series", { "match[]": '{job="node-exporter"}' }),
  ];
}

/** Median ms of `repeats` calls, after those that warm up; and the last answer. */
export async function timeQuery(url: string, query: BenchQuery): Promise<{ ms: number; answer: HttpAnswer }> {
  const times: number[] = [];
  let answer = await http(url + query.path);
  const warmMs = performance.now() + warmUpMs;
  for (let i = 1; i < warmUpsMax && (i < warmUpsMin || performance.now() < warmMs); i++) {
    answer = await http(url + query.path);
  }
  for (let i = 0; i < repeats; i++) {
    const startMs = performance.now();
    answer = await http(url + query.path);
    times.push(performance.now() - startMs);
  }
  if (answer.status !== 200) throw new Error(`${query.name}: status ${answer.status}: ${answer.text.slice(0, 500)}`);
  return { ms: median(times), answer };
}

/** Why two answers are not the same, or null. Values may differ by a billionth of themselves. */
export function compareAnswers(ours: HttpAnswer, theirs: HttpAnswer): string | null {
  const a = flatten(ours.text);
  const b = flatten(theirs.text);
  if (a.size !== b.size) return `${a.size} series or names, they have ${b.size}`;
  for (const [key, points] of a) {
    const others = b.get(key);
    if (others === undefined) return `${key} is not in theirs`;
    if (points.length !== others.length) return `${key}: ${points.length} points, they have ${others.length}`;
    for (let i = 0; i < points.length; i++) {
      const [ourTime, ourValue] = points[i] as [number, number];
      const [theirTime, theirValue] = others[i] as [number, number];
      if (ourTime !== theirTime) return `${key}: time ${ourTime}, theirs ${theirTime}`;
      const allowed = 1e-9 * Math.max(Math.abs(ourValue), Math.abs(theirValue));
      if (!Object.is(ourValue, theirValue) && !(Math.abs(ourValue - theirValue) <= allowed)) {
        return `${key} at ${ourTime}: ${ourValue}, theirs ${theirValue}`;
      }
    }
  }
  return null;
}

/** Points by series, or names without points for the label APIs. */
function flatten(text: string): Map<string, [number, number][]> {
  const { data } = JSON.parse(text) as { data: unknown };
  const found = new Map<string, [number, number][]>();
  const rows = Array.isArray(data) ? (data as unknown[]) : (data as { result: unknown[] }).result;
  for (const row of rows) {
    if (typeof row === "string") {
      found.set(row, []);
      continue;
    }
    const { metric, value, values } = row as {
      metric?: Record<string, string>;
      value?: [number, string];
      values?: [number, string][];
    };
    const points = values ?? (value === undefined ? [] : [value]);
    const key = seriesKey(metric ?? (row as Record<string, string>));
    found.set(
      key,
      points.map(([time, number]) => [time, Number(number)]),
    );
  }
  return found;
}
