/**
 * What `QueryClient` and its calls are told, and the checks of it.
 */
import type { Endpoints } from "./endpoints.ts";
import type { LabelsInput } from "./import-batches.ts";
import { checkHeader } from "./transport.ts";
import type { StepInput, TimeInput } from "./wire-time.ts";

/** Arguments of the URL by name; a list repeats its name, undefined leaves it out. */
export type ExtraParams = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** How a {@link QueryClient} speaks to its server. */
export interface QueryClientOptions {
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly basicAuth?: { readonly username: string; readonly password: string } | undefined;
  /** The token, or a function that is asked for it before each request. */
  readonly bearerToken?: string | (() => string | Promise<string>) | undefined;
  /** How long a call may take, retries and waits between them included; of an export: how long each wait for data. Default: 30,000. Infinity: no limit of ours. */
  readonly timeoutMs?: number | undefined;
  /** Requests after the first one, when the server is busy (429, 503) or the connection failed. Default: 2. */
  readonly retries?: number | undefined;
  /** Wait before the first retry in ms, then twice as long each; with jitter. A Retry-After counts instead. Default: 250. */
  readonly retryDelayMs?: number | undefined;
  /** The longest wait; a server that asks for a longer one gets no retry. Default: 30,000. */
  readonly maxRetryDelayMs?: number | undefined;
  /** Longer answers are refused while they come; bytes after decompression. Exports and imports are not limited. Default: 512 MiB. */
  readonly maxResponseBytes?: number | undefined;
  /** `auto`: POST when the arguments are longer than 2 kB. Paths that Prometheus has for one method only stay with it. Default: auto. */
  readonly method?: "auto" | "GET" | "POST" | undefined;
  /** Base URL of writes, when they go elsewhere: `http://vminsert:8480/insert/0/prometheus`. */
  readonly insertUrl?: string | URL | undefined;
  /** Sent as headers AccountID and ProjectID, which VictoriaMetrics 1.150 reads when the path names no tenant. Else put it into the path. */
  readonly tenant?: { readonly accountId: number; readonly projectId?: number | undefined } | undefined;
  /**
   * Labels that every read is filtered by and every write gets: VictoriaMetrics' and Nyanza's `extra_label`.
   * Prometheus does not know it and shows everything.
   */
  readonly extraLabels?: LabelsInput | undefined;
  /** Added to every request, e.g. `{ nocache: 1 }` or `{ authKey }`. */
  readonly extraParams?: ExtraParams | undefined;
  /** Default: the global one, looked up at each request. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Uniform in [0, 1), for the jitter. Default: Math.random. */
  readonly random?: (() => number) | undefined;
}

/** What every call takes. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Instead of the client's. */
  readonly timeoutMs?: number | undefined;
  /** Besides the client's; the same name here wins. */
  readonly extraParams?: ExtraParams | undefined;
}

/** Of an instant query. */
export interface QueryOptions extends CallOptions {
  /** Default: the server's present. */
  readonly time?: TimeInput | undefined;
  /** VictoriaMetrics: how far to look back for a sample. Prometheus does not use it. */
  readonly step?: StepInput | undefined;
  /** By whose rules Nyanza answers; others have one. */
  readonly dialect?: "metricsql" | "promql" | undefined;
}

/** Of a range query. The points are at `start`, `start + step`, … up to `end`. */
export interface QueryRangeOptions extends CallOptions {
  readonly start: TimeInput;
  readonly end: TimeInput;
  /** VictoriaMetrics moves `start` and `end` to multiples of it unless `extraParams` has `nocache: 1`. */
  readonly step: StepInput;
  readonly dialect?: "metricsql" | "promql" | undefined;
}

/** Over which time series and labels are listed, and how many of them. Default: what the server takes. */
export interface ListOptions extends CallOptions {
  readonly start?: TimeInput | undefined;
  readonly end?: TimeInput | undefined;
  /** At most so many; also held by the client, since older servers do not know it. */
  readonly limit?: number | undefined;
}

/** Of which series labels are listed. Default: of all. */
export interface MatchOptions extends ListOptions {
  /** Series selectors; what any of them selects counts. */
  readonly match?: string | readonly string[] | undefined;
}

/** Which metadata is asked for. Default: all. */
export interface MetadataOptions extends CallOptions {
  /** Of this metric only. */
  readonly metric?: string | undefined;
  /** At most so many metrics. */
  readonly limit?: number | undefined;
}

/** Which samples are exported, and in which pieces. Default: all there are. */
export interface ExportOptions extends CallOptions {
  readonly start?: TimeInput | undefined;
  readonly end?: TimeInput | undefined;
  /** A longer series comes in pieces of so many samples, in the order of time. Default: 100,000. */
  readonly maxSamplesPerPiece?: number | undefined;
  /** A longer line ends the export with TOO_LARGE. Default: 64 MiB. */
  readonly maxLineBytes?: number | undefined;
}

/** How an import is cut into requests. */
export interface ImportOptions extends CallOptions {
  /** Bytes of lines in a request, about. Default: 4 MiB. */
  readonly batchBytes?: number | undefined;
  /** Servers refuse longer lines. Default: 10 MiB. */
  readonly maxLineBytes?: number | undefined;
  /** Bodies of 4 kB and more are compressed. Default: gzip. */
  readonly compression?: "gzip" | "none" | undefined;
}

/** The same for text. */
export interface ImportTextOptions extends ImportOptions {
  /** For samples without a timestamp. Default: the server's present. */
  readonly timestamp?: Date | number | undefined;
}

/** What an import has sent. */
export interface ImportResult {
  /** Lines that were sent. A server may skip bad ones: it logs and counts them, but does not say so. */
  readonly lines: number;
  readonly requests: number;
  /** Before compression. */
  readonly bytes: number;
}

/** What targets say of a metric: its type (`counter` …), help and unit, `""` where nothing is said. */
export interface MetricMetadata {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

/** Headers of every request, by name in lower case. @throws TypeError, RangeError */
export function collectHeaders(options: QueryClientOptions, { hasTenant }: Endpoints): Map<string, string> {
  const headers = new Map([["accept", "application/json, */*;q=0.5"]]);
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw new TypeError(`header ${JSON.stringify(name)}: that is no name`);
    headers.set(name.toLowerCase(), checkHeader(name, value));
  }
  if (options.tenant !== undefined) {
    if (hasTenant) throw new TypeError("tenant: the base URL's path names one already");
    headers.set("accountid", String(wantTenantNumber("accountId", options.tenant.accountId)));
    headers.set("projectid", String(wantTenantNumber("projectId", options.tenant.projectId ?? 0)));
  }
  return headers;
}

/** Gives the value of Authorization; null when there is none to send. @throws TypeError */
export function chooseAuthorization(
  { basicAuth, bearerToken }: QueryClientOptions,
  { credentials }: Endpoints,
): (() => string | Promise<string>) | null {
  if (bearerToken !== undefined) {
    if (basicAuth !== undefined || credentials !== null) throw new TypeError("want basicAuth or bearerToken, got both");
    if (typeof bearerToken === "function") return async () => `Bearer ${await bearerToken()}`;
    const value = checkHeader("authorization", `Bearer ${bearerToken}`);
    return () => value;
  }
  const login = basicAuth ?? credentials;
  if (login === null) return null;
  if (login.username.includes(":")) throw new TypeError("basicAuth: a user name cannot have a colon");
  const value = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
  return () => value;
}

/** `name=value`, as VictoriaMetrics' extra_label wants it. @throws TypeError */
export function formatExtraLabels(labels: LabelsInput): string[] {
  const pairs =
    Symbol.iterator in labels ? [...(labels as Iterable<readonly [string, string]>)] : Object.entries(labels);
  return pairs.map(([name, value]) => {
    if (name === "" || name.includes("=")) throw new TypeError(`extraLabels: ${JSON.stringify(name)} is no label name`);
    return `${name}=${value}`;
  });
}

/** @throws TypeError if there is none: an empty list would mean everything, or an error, depending on the server */
export function wantMatches(what: string, matches: string | readonly string[]): readonly string[] {
  const list = typeof matches === "string" ? [matches] : matches;
  if (list.length === 0 || list.some((match) => typeof match !== "string" || match.trim() === "")) {
    throw new TypeError(`${what}: want one or more series selectors, none of them empty`);
  }
  return list;
}

/** @throws RangeError */
export function wantCount(name: string, count: number, min: number): number {
  if (Number.isSafeInteger(count) && count >= min) return count;
  throw new RangeError(`${name}: want a whole number from ${min} on, got ${String(count)}`);
}

/** @throws RangeError */
export function wantTimeout(timeoutMs: number): number {
  if (typeof timeoutMs === "number" && timeoutMs > 0) return timeoutMs;
  throw new RangeError(`timeoutMs: want positive milliseconds or Infinity, got ${String(timeoutMs)}`);
}

function wantTenantNumber(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value;
  throw new RangeError(`tenant: want ${name} from 0 to 4294967295, got ${String(value)}`);
}
