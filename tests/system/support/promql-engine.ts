/**
 * The scripts' engine over HTTP: samples by remote write, answers as JSON. A server with a fresh folder for every store, unless all that
 * is there stays: then the rest is sent to the same server.
 */
import type { Answer } from "../../corpora/support/promql-answer.ts";
import { labelsKey } from "../../corpora/support/promql-answer.ts";
import type { Engine, StoredSeries } from "../../corpora/support/promql-runner.ts";
import { http } from "./http.ts";
import { type Nyanza, startNyanza } from "./nyanza.ts";
import { queryString } from "./query.ts";
import { remoteWrite } from "./remote-write.ts";
import type { Scope } from "./scope.ts";

interface PromJson {
  readonly status: string;
  readonly error?: string;
  readonly data: {
    readonly resultType: Answer["kind"];
    readonly result: unknown;
  };
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

type Point = readonly [seconds: number, text: string];

interface JsonSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: Point;
  readonly values?: readonly Point[];
}

export function openHttpEngine(scope: Scope): Engine {
  let server: Nyanza | null = null;
  let stored: readonly StoredSeries[] = [];
  const ask = async (path: string, args: Record<string, string | number>): Promise<Answer> => {
    const target = `${server?.url}${path}${queryString({ ...args, dialect: "promql", nocache: 1 })}`;
    return readAnswer((await http(target)).text);
  };
  return {
    store: async (series) => {
      const added = server === null ? null : addedTo(stored, series);
      stored = series;
      if (server === null || added === null) {
        await server?.process.stop();
        server = await startNyanza(scope, { flags: ["-selfScrapeInterval=0s"] });
      }
      const sent = added ?? series;
      if (sent.length === 0) return;
      const { status, text } = await remoteWrite(server.url, sent);
      if (status !== 204) throw new Error(`remote write: status ${status}: ${text}`);
    },
    instant: (query, timeMs) => ask("/api/v1/query", { query, time: timeMs / 1000 }),
    range: (query, startMs, endMs, stepMs) =>
      ask("/api/v1/query_range", { query, start: startMs / 1000, end: endMs / 1000, step: stepMs / 1000 }),
  };
}

/** What `after` has beyond `before`: whole series, and samples at the end of them. null if something is gone or changed. */
function addedTo(before: readonly StoredSeries[], after: readonly StoredSeries[]): StoredSeries[] | null {
  const left = new Map(before.map((series) => [labelsKey(series.labels), series]));
  const added: StoredSeries[] = [];
  for (const series of after) {
    const { labels, timestamps, values } = series;
    const old = left.get(labelsKey(labels));
    left.delete(labelsKey(labels));
    const count = old === undefined ? 0 : old.timestamps.length;
    if (old !== undefined && samplesKey(series, count) !== samplesKey(old, count)) return null;
    if (count < timestamps.length)
      added.push({ labels, timestamps: timestamps.slice(count), values: values.slice(count) });
  }
  return left.size === 0 ? added : null;
}

/** The same for equal samples, bit by bit. */
function samplesKey({ timestamps, values }: StoredSeries, count: number): string {
  return `${timestamps.slice(0, count).join()} ${new BigUint64Array(values.slice(0, count).buffer).join()}`;
}

/** @throws Error with the server's words when the query was refused */
export function readAnswer(text: string): Answer {
  const { status, error, data, warnings = [], infos = [] } = JSON.parse(text) as PromJson;
  if (status !== "success") throw new Error(error);
  const common = { kind: data.resultType, text: "", warnings, infos };
  if (data.resultType === "string") return { ...common, text: (data.result as Point)[1], series: [] };
  if (data.resultType === "scalar") return { ...common, series: [toSeries([], [data.result as Point])] };
  const list = data.result as readonly JsonSeries[];
  return {
    ...common,
    series: list.map(({ metric, value, values }) =>
      toSeries(Object.entries(metric), values ?? (value === undefined ? [] : [value])),
    ),
  };
}

function toSeries(labels: readonly (readonly [string, string])[], points: readonly Point[]): Answer["series"][number] {
  return {
    labels,
    timestamps: points.map(([seconds]) => Math.round(seconds * 1000)),
    values: points.map(([, text]) => readNumber(text)),
  };
}

function readNumber(text: string): number {
  const infinity = /^([-+]?)Inf$/.exec(text);
  if (infinity !== null) return infinity[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
}
