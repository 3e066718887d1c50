/**
 * Asks Nyanza, VictoriaMetrics and Prometheus over their common HTTP API.
 *
 *     const client = new QueryClient("http://127.0.0.1:8428");
 *     const answer = await client.query(`sum by (job) (rate(http_requests_total[5m]))`);
 *     if (answer.resultType === "vector") {
 *       for (const { labels, value } of answer.result) console.log(labels.get("job"), value);
 *     }
 *
 * Numbers that are times or durations are milliseconds everywhere. Every method throws QueryError for what the server or
 * the network did, TypeError or RangeError for arguments that make no request, and the signal's reason when aborted.
 */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import {
  type CallOptions,
  chooseAuthorization,
  collectHeaders,
  type ExportOptions,
  type ExtraParams,
  formatExtraLabels,
  type ImportOptions,
  type ImportResult,
  type ImportTextOptions,
  type ListOptions,
  type MatchOptions,
  type MetadataOptions,
  type MetricMetadata,
  type QueryClientOptions,
  type QueryOptions,
  type QueryRangeOptions,
  wantCount,
  wantMatches,
  wantTimeout,
} from "./client-options.ts";
import { type Endpoints, parseEndpoints } from "./endpoints.ts";
import { type ExportedSeries, parseExportLine } from "./export-lines.ts";
import { batchLines, type ImportSource, type TextSource } from "./import-batches.ts";
import { JsonWalkError } from "./json-walk.ts";
import { LineSplitter, LongLineError } from "./line-splitter.ts";
import {
  ErrorAnswer,
  type LabelSet,
  type ListAnswer,
  type MatrixAnswer,
  parseListAnswer,
  parsePlainAnswer,
  parseQueryAnswer,
  type QueryAnswer,
  readLabels,
  readText,
} from "./query-answer.ts";
import { excerpt, QueryError } from "./query-error.ts";
import { type Call, type OpenAnswer, Transport } from "./transport.ts";
import { formatStep, formatTime } from "./wire-time.ts";

const FORM_FROM_BYTES = 2_048;
/** Prometheus takes label values by GET only; Node's servers take 16 kB of request line and headers. */
const FORM_FROM_BYTES_LAST = 8_192;
const GZIP_FROM_BYTES = 4_096;

const compress = promisify(gzip);

/**
 * Asks one server, and writes to it. All methods throw {@link QueryError} for what the server or the network did, TypeError or RangeError for
 * arguments that make no request, and the signal's reason when aborted. Numbers that are times or durations are milliseconds; `"now-1h"`, `"5m"`
 * and Dates do as well.
 *
 * @example
 * const client = new QueryClient("http://127.0.0.1:8428");
 * const answer = await client.query("sum by (job) (rate(http_requests_total[5m]))");
 */
export class QueryClient {
  readonly #endpoints: Endpoints;
  readonly #transport: Transport;
  readonly #timeoutMs: number;
  readonly #method: "auto" | "GET" | "POST";
  readonly #extraLabels: readonly string[];
  readonly #extraParams: ExtraParams;

  /**
   * @param baseUrl where the API's `/api/v1` is: `http://host:9090`, `http://host:8428/prometheus`, `http://vmselect:8481/select/0/prometheus`;
   *   `http://user:password@host` is the same as `basicAuth`
   * @throws TypeError, RangeError for options that make no sense; their messages quote no URL and no secret
   */
  constructor(baseUrl: string | URL, options: QueryClientOptions = {}) {
    this.#endpoints = parseEndpoints(baseUrl, options.insertUrl ?? null);
    this.#timeoutMs = wantTimeout(options.timeoutMs ?? 30_000);
    this.#method = options.method ?? "auto";
    this.#extraLabels = formatExtraLabels(options.extraLabels ?? []);
    this.#extraParams = options.extraParams ?? {};
    this.#transport = new Transport({
      fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
      headers: collectHeaders(options, this.#endpoints),
      authorization: chooseAuthorization(options, this.#endpoints),
      retries: {
        count: wantCount("retries", options.retries ?? 2, 0),
        baseMs: wantCount("retryDelayMs", options.retryDelayMs ?? 250, 0),
        maxMs: wantCount("maxRetryDelayMs", options.maxRetryDelayMs ?? 30_000, 0),
        random: options.random ?? Math.random,
      },
      maxResponseBytes: wantCount("maxResponseBytes", options.maxResponseBytes ?? 512 * 1024 * 1024, 1),
    });
  }

  /**
   * An instant query: the value of `expression` at a time.
   * @example
   * const answer = await client.query("up", { time: Date.now() - 60_000 });
   */
  async query(expression: string, options: QueryOptions = {}): Promise<QueryAnswer> {
    const params = this.#params(options);
    params.set("query", expression);
    if (options.time !== undefined) params.set("time", formatTime("time", options.time));
    if (options.step !== undefined) params.set("step", formatStep(options.step));
    if (options.dialect !== undefined) params.set("dialect", options.dialect);
    return this.#ask("query", "/api/v1/query", params, options, parseQueryAnswer, expression);
  }

  /**
   * A range query: the values of `expression` at `start`, `start + step`, … up to `end`.
   * @example
   * const answer = await client.queryRange("rate(http_requests_total[5m])", { start: "now-1h", end: "now", step: "1m" });
   */
  async queryRange(expression: string, options: QueryRangeOptions): Promise<MatrixAnswer> {
    const params = this.#params(options);
    params.set("query", expression);
    params.set("start", formatTime("start", options.start));
    params.set("end", formatTime("end", options.end));
    params.set("step", formatStep(options.step));
    if (options.dialect !== undefined) params.set("dialect", options.dialect);
    const parse = (bytes: Buffer): MatrixAnswer => {
      const answer = parseQueryAnswer(bytes);
      if (answer.resultType === "matrix") return answer;
      throw new JsonWalkError(`want resultType matrix, got ${answer.resultType}`);
    };
    return this.#ask("query range", "/api/v1/query_range", params, options, parse, expression);
  }

  /** Labels of the series that any of `matches` selects. */
  async series(matches: string | readonly string[], options: ListOptions = {}): Promise<ListAnswer<LabelSet>> {
    const params = this.#listParams({ ...options, match: wantMatches("series", matches) });
    const answer = await this.#ask("series", "/api/v1/series", params, options, (bytes) =>
      parseListAnswer(bytes, readLabels),
    );
    return cut(answer, options.limit);
  }

  /** Names of labels, `__name__` among them. */
  async labels(options: MatchOptions = {}): Promise<ListAnswer<string>> {
    const params = this.#listParams(options);
    const answer = await this.#ask("labels", "/api/v1/labels", params, options, (bytes) =>
      parseListAnswer(bytes, readText),
    );
    return cut(answer, options.limit);
  }

  /**
   * Values of a label.
   * @example
   * const names = (await client.labelValues("__name__", { match: `{job="api"}` })).data;
   */
  async labelValues(name: string, options: MatchOptions = {}): Promise<ListAnswer<string>> {
    // A path segment of dots would climb.
    if (/^\.{0,2}$/.test(name)) throw new TypeError(`label values: want a label name, got ${JSON.stringify(name)}`);
    const path = `/api/v1/label/${encodeURIComponent(Buffer.from(name).toString())}/values`;
    const params = this.#listParams(options);
    const parse = (bytes: Buffer): ListAnswer<string> => parseListAnswer(bytes, readText);
    const answer = await this.#ask("label values", path, params, options, parse, null, FORM_FROM_BYTES_LAST);
    return cut(answer, options.limit);
  }

  /**
   * Raw samples of the series that any of `matches` selects, as they come; not in Prometheus. The server is read at the pace of the
   * loop, and leaving the loop ends the request. `timeoutMs` holds for each wait for data.
   * @example
   * for await (const { labels, timestampsMs, values } of client.export("up", { start: Date.now() - 3_600_000 })) {
   *   console.log(labels.get("instance"), values.length);
   * }
   */
  async *export(
    matches: string | readonly string[],
    options: ExportOptions = {},
  ): AsyncGenerator<ExportedSeries, void> {
    const params = this.#params(options);
    appendAll(params, "match[]", wantMatches("export", matches));
    if (options.start !== undefined) params.set("start", formatTime("start", options.start));
    if (options.end !== undefined) params.set("end", formatTime("end", options.end));
    const samples = wantCount("maxSamplesPerPiece", options.maxSamplesPerPiece ?? 100_000, 1);
    params.set("max_rows_per_line", String(samples));
    const splitter = new LineSplitter(wantCount("maxLineBytes", options.maxLineBytes ?? 64 * 1024 * 1024, 1));
    const call = this.#call("export", this.#endpoints.select, "/api/v1/export", params, options);
    const answer = await this.#transport.open(call);
    let lines = 0;
    try {
      for await (const piece of answer.pieces(call.timeoutMs)) {
        for (const line of splitter.push(piece)) {
          lines++;
          yield parseExportLine(line);
        }
      }
      const last = splitter.finish();
      if (last === null) return;
      lines++;
      yield parseExportLine(last);
    } catch (error) {
      if (error instanceof JsonWalkError) throw answer.fail("MALFORMED", `line ${lines}: ${error.message}`, error);
      if (error instanceof LongLineError) throw answer.fail("TOO_LARGE", `line ${lines + 1}: ${error.message}`, error);
      throw error;
    }
  }

  /**
   * Writes raw samples: series, or lines of JSON as `export` of another server gives them; not in Prometheus. The source is read only
   * as fast as the server takes it. Requests are made again after 429, 503 or a broken connection, so a sample may arrive twice;
   * the same sample twice is one in Nyanza, and in VictoriaMetrics after deduplication.
   * @throws QueryError with `linesTaken`: what earlier requests of this call had delivered
   * @example
   * await client.import({ labels: { __name__: "orders", shop: "berlin" }, timestampsMs: [Date.now()], values: [3] });
   * await target.import(source.export(`{__name__=~"orders.*"}`));
   * await client.import(createReadStream("dump.jsonl"));
   */
  async import(source: ImportSource, options: ImportOptions = {}): Promise<ImportResult> {
    return this.#write("import", "/api/v1/import", source, this.#params(options), options);
  }

  /**
   * Writes samples in Prometheus' text format, else as {@link import}.
   * @example
   * await client.importText(`orders{shop="berlin"} 3 1700000000000\n`);
   */
  async importText(source: TextSource, options: ImportTextOptions = {}): Promise<ImportResult> {
    const params = this.#params(options);
    if (options.timestamp !== undefined) {
      const ms = Number(options.timestamp);
      if (!Number.isSafeInteger(ms)) throw new RangeError(`timestamp: want whole ms, got ${String(options.timestamp)}`);
      params.set("timestamp", String(ms));
    }
    return this.#write("import text", "/api/v1/import/prometheus", source, params, options);
  }

  /**
   * Deletes series whole. Prometheus wants `--web.enable-admin-api`, VictoriaMetrics may want `extraParams: { authKey }`.
   * Not made again after a broken connection: what was written meanwhile would go, too.
   */
  async deleteSeries(matches: string | readonly string[], options: CallOptions = {}): Promise<void> {
    const params = this.#params(options);
    appendAll(params, "match[]", wantMatches("delete series", matches));
    const call = this.#call(
      "delete series",
      this.#endpoints.delete,
      "/api/v1/admin/tsdb/delete_series",
      params,
      options,
    );
    await this.#transport.read({ ...call, method: "form", isRepeatable: false });
  }

  /** What is known of metrics besides samples, by name; one metric may be described in several ways by its targets. */
  async metadata(options: MetadataOptions = {}): Promise<Map<string, readonly MetricMetadata[]>> {
    const params = this.#params(options);
    if (options.metric !== undefined) params.set("metric", options.metric);
    if (options.limit !== undefined) params.set("limit", String(wantCount("limit", options.limit, 1)));
    const data = await this.#ask("metadata", "/api/v1/metadata", params, options, parsePlainAnswer, null, Infinity);
    const found = new Map<string, readonly MetricMetadata[]>();
    for (const [name, list] of Object.entries(data ?? {})) {
      if (Array.isArray(list)) found.set(name, list.map(readMetadata));
    }
    return found;
  }

  /** What the server says of itself, e.g. `version`; old VictoriaMetrics says nothing. */
  async buildInfo(options: CallOptions = {}): Promise<ReadonlyMap<string, string>> {
    const path = "/api/v1/status/buildinfo";
    const data = await this.#ask("build info", path, this.#params(options), options, parsePlainAnswer, null, Infinity);
    return new Map(Object.entries(data ?? {}).map(([name, value]) => [name, String(value)]));
  }

  /**
   * Whether the server is there and well, asked once. False for no connection, no answer in time, and 5xx or 429, which a server
   * that shuts down gives.
   * @throws QueryError for what no such server answers, e.g. 401; the signal's reason
   */
  async health(options: CallOptions = {}): Promise<boolean> {
    let refusal: QueryError | null = null;
    for (const url of this.#endpoints.health) {
      try {
        const call = this.#call("health", url, "", new URLSearchParams(), options, null, Infinity);
        await this.#transport.read({ ...call, isOnce: true });
        return true;
      } catch (error) {
        if (!(error instanceof QueryError)) throw error;
        const { code, status } = error;
        if (code === "NETWORK" || code === "TIMEOUT" || status === 429 || (status !== null && status >= 500))
          return false;
        // Prometheus has no /health; VictoriaMetrics answers 400 to paths it does not know.
        if (status !== 404 && status !== 400) throw error;
        refusal = error;
      }
    }
    throw refusal as QueryError;
  }

  async #ask<T>(
    action: string,
    path: string,
    params: URLSearchParams,
    options: CallOptions,
    parse: (bytes: Buffer) => T,
    query: string | null = null,
    formFromBytes: number = FORM_FROM_BYTES,
  ): Promise<T> {
    const call = this.#call(action, this.#endpoints.select, path, params, options, query, formFromBytes);
    const answer = await this.#transport.open(call);
    const bytes = await answer.readAll();
    try {
      return parse(bytes);
    } catch (error) {
      throw explain(error, answer, bytes);
    }
  }

  #call(
    action: string,
    base: string,
    path: string,
    params: URLSearchParams,
    options: CallOptions,
    query: string | null = null,
    formFromBytes: number = FORM_FROM_BYTES,
  ): Call {
    const isLong = params.toString().length > formFromBytes;
    const isForm = this.#method === "POST" ? formFromBytes === FORM_FROM_BYTES : this.#method === "auto" && isLong;
    return {
      action,
      url: base + path,
      params,
      query,
      method: isForm ? "form" : "GET",
      isRepeatable: true,
      timeoutMs: options.timeoutMs === undefined ? this.#timeoutMs : wantTimeout(options.timeoutMs),
      signal: options.signal ?? null,
    };
  }

  async #write(
    action: string,
    path: string,
    source: ImportSource,
    params: URLSearchParams,
    options: ImportOptions,
  ): Promise<ImportResult> {
    const base = this.#endpoints.insert;
    if (base === null) {
      throw new TypeError(
        `${action}: the base URL is a cluster's select path; give insertUrl, such as http://vminsert:8480/insert/0/prometheus`,
      );
    }
    const batchBytes = wantCount("batchBytes", options.batchBytes ?? 4 * 1024 * 1024, 1);
    const maxLineBytes = wantCount("maxLineBytes", options.maxLineBytes ?? 10 * 1024 * 1024, 1);
    options.signal?.throwIfAborted();
    let lines = 0;
    let requests = 0;
    let bytes = 0;
    for await (const batch of batchLines(source, batchBytes, maxLineBytes)) {
      const isCompressed = options.compression !== "none" && batch.body.length >= GZIP_FROM_BYTES;
      await this.#transport.read({
        ...this.#call(action, base, path, params, options),
        method: "body",
        body: isCompressed ? await compress(batch.body, { level: 1 }) : batch.body,
        headers: {
          "content-type": path.endsWith("prometheus") ? "text/plain; charset=utf-8" : "application/stream+json",
          ...(isCompressed ? { "content-encoding": "gzip" } : {}),
        },
        linesTaken: lines,
      });
      lines += batch.lines;
      requests++;
      bytes += batch.body.length;
    }
    return { lines, requests, bytes };
  }

  #params({ extraParams }: CallOptions): URLSearchParams {
    const params = new URLSearchParams();
    const merged = new Map([...Object.entries(this.#extraParams), ...Object.entries(extraParams ?? {})]);
    for (const [name, value] of merged) {
      if (Array.isArray(value)) appendAll(params, name, value);
      else if (value !== undefined) params.set(name, String(value));
    }
    appendAll(params, "extra_label", this.#extraLabels);
    return params;
  }

  #listParams(options: MatchOptions): URLSearchParams {
    const params = this.#params(options);
    if (options.match !== undefined) appendAll(params, "match[]", wantMatches("match", options.match));
    if (options.start !== undefined) params.set("start", formatTime("start", options.start));
    if (options.end !== undefined) params.set("end", formatTime("end", options.end));
    if (options.limit !== undefined) params.set("limit", String(wantCount("limit", options.limit, 1)));
    return params;
  }
}

function appendAll(params: URLSearchParams, name: string, values: readonly string[]): void {
  for (const value of values) params.append(name, value);
}

function cut<T>(answer: ListAnswer<T>, limit: number | undefined): ListAnswer<T> {
  if (limit === undefined || answer.data.length <= limit) return answer;
  return { ...answer, data: answer.data.slice(0, limit) };
}

function readMetadata(item: unknown): MetricMetadata {
  const { type, help, unit } = (item ?? {}) as { type?: unknown; help?: unknown; unit?: unknown };
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  return { type: text(type), help: text(help), unit: text(unit) };
}

/** What is wrong with an answer of status 2xx. */
function explain(error: unknown, answer: OpenAnswer, bytes: Buffer): unknown {
  if (error instanceof ErrorAnswer) {
    const { errorType, message } = error;
    return answer.fail("SERVER", `${errorType ?? "error"}: ${excerpt(message)}`, error, {
      errorType,
      detail: message.slice(0, 4_096),
    });
  }
  if (!(error instanceof JsonWalkError)) return error;
  const start = bytes.toString("utf8", 0, 4_096).trim();
  if (start === "") return answer.fail("MALFORMED", "want JSON, got an empty answer", error);
  if (start.startsWith("{")) return answer.fail("MALFORMED", error.message, error);
  return answer.fail("MALFORMED", `want JSON, got ${excerpt(start)}`, error);
}
