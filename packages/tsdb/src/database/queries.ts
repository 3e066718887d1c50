/**
 * What a program may ask: queries of both dialects, label sets, names and values, raw samples. The same for whoever has a source to read from: a
 * database in this thread, or a reader in another one (reading/).
 */
import type { Clock } from "../base/clock.ts";
import { InputError } from "../base/errors.ts";
import type { Labels } from "../base/labels.ts";
import { DEFAULT_TENANT, type Tenant } from "../base/tenant.ts";
import type { FilterGroups } from "../metricsql/ast.ts";
import { RollupCache, type RollupCacheCounters } from "../query/cache/rollup-cache.ts";
import { evaluateInstant, evaluateRange, type InstantOptions, type RangeOptions } from "../query/eval.ts";
import { evaluatePromInstant, evaluatePromRange, type PromOptions } from "../query/prom/eval.ts";
import type { QueryResult } from "../query/result.ts";
import type { Answer, LabelsRequest, SampleCursor, SearchRequest } from "../query/source.ts";
import { printGroups, printTimeRange, type QueryTrace } from "../query/trace.ts";
import { type DivisibleSource, HelpedSource } from "./reading/helped-source.ts";
import type { Peer } from "./reading/peer.ts";

/** Whose rules a query is read and evaluated by: VictoriaMetrics' or Prometheus 3's. */
export type Dialect = "metricsql" | "promql";

export interface QueryOptions {
  readonly tenant?: Tenant | undefined;
  /**
   * `metricsql` by default. In `promql` a plain selector looks back 5 minutes unless `lookbackMs` says otherwise, answers may be of kind `scalar`
   * and `string` and carry `warnings` and `infos`; `stepMs` of an instant query, `latencyOffsetMs` and `mayAlign` mean nothing there.
   */
  readonly dialect?: Dialect | undefined;
  /** Evaluation time, milliseconds; now by default. */
  readonly timeMs?: number | undefined;
  /** Milliseconds; 5 minutes by default. */
  readonly stepMs?: number | undefined;
  /** How far back a plain selector looks for a sample; by default that follows from step and sample distance. */
  readonly lookbackMs?: number | undefined;
  readonly nowMs?: number | undefined;
  /** How long samples may take to arrive: an instant query for now is evaluated this much earlier. 0 by default. */
  readonly latencyOffsetMs?: number | undefined;
  /**
   * Whether the latency offset moves instant queries, and ranges of 50 points and more start and end at multiples of the step,
   * as VictoriaMetrics does. True by default for instant queries, false for ranges.
   */
  readonly mayAlign?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Is told what the query does and how long each step takes, and is printed with JSON.stringify. */
  readonly trace?: QueryTrace | null | undefined;
  /** Or-ed groups of filters that every selector gets in addition. */
  readonly extraFilters?: FilterGroups | undefined;
  /** Series a selector may match, samples the query may read, points a series of the answer may have. */
  readonly maxSeries?: number | undefined;
  readonly maxSamples?: number | undefined;
  readonly maxPointsPerSeries?: number | undefined;
  /** Of PromQL: count samples and times, for the result's `stats.evaluation`. False by default. */
  readonly stats?: boolean | undefined;
  /** Characters of a PromQL text, 65,536 by default. Of MetricsQL there is no such limit here: look at `text.length`. */
  readonly maxQueryLength?: number | undefined;
  /** Points a series of a subquery may have, samples one selector may read of a series, series an aggregate may make, series an answer may have. */
  readonly maxSubqueryPoints?: number | undefined;
  readonly maxSamplesPerSeries?: number | undefined;
  readonly maxAggregateSeries?: number | undefined;
  readonly maxResponseSeries?: number | undefined;
  /** Bytes that series of one expression may take, estimated before they are made. 1 GiB by default. */
  readonly maxMemoryBytes?: number | undefined;
  /** Values of a label that one side of an operator may make a filter of the other side's reading; 0 for none, 100 by default. */
  readonly maxPushdownValues?: number | undefined;
  /** Milliseconds of work, pauses left out, after which the query is refused with 422: to try what may be small. No limit by default. */
  readonly maxWorkMs?: number | undefined;
  /** A sample at most this old is a series' previous one whatever the distance of samples says. Milliseconds; 0 by default. */
  readonly minStalenessMs?: number | undefined;
  /** The latency offset touches ranges of smaller steps only. Milliseconds; a minute by default. */
  readonly latencyStepMaxMs?: number | undefined;
  /** Refuse rollups over expressions without a window, such as `rate(sum(m))`. False by default. */
  readonly refusesImplicit?: boolean | undefined;
  /** Hears, once a query, of such a rollup. */
  readonly onImplicit?: ((message: string) => void) | undefined;
  /** Whether columns that were computed for earlier queries may be used, and this query's be kept, where there is a cache. Answers are the same. True by default. */
  readonly mayCache?: boolean | undefined;
  /** Digits after the decimal point to round values to. */
  readonly roundDigits?: number | undefined;
  /**
   * Readers that may work on shares of the query: of what it reads of many series of one selector, and aggregates over that (docs/decisions/0013-shares.md). Into which shares series fall is the
   * same whoever helps, and with nobody: an answer is the same to the bit for `[]` as for any others. Absent: not in shares; sums then differ in their last digits. Readers can be helped; the
   * thread with the database works on all shares itself. The list may change while the query runs.
   */
  readonly helpers?: readonly Peer[] | undefined;
}

export interface QueryRangeOptions extends Omit<QueryOptions, "timeMs"> {
  /** Milliseconds; `end` inclusive. */
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

export interface LabelsOptions {
  readonly tenant?: Tenant;
  /** Only series that match one of the groups; all by default. */
  readonly groups?: FilterGroups;
  /** Milliseconds; all time by default. */
  readonly minMs?: number;
  readonly maxMs?: number;
  readonly limit?: number;
  readonly signal?: AbortSignal;
  readonly trace?: QueryTrace | null;
  /** Milliseconds of work, pauses left out, after which the question is refused with 422: to try what may be small. No limit by default. */
  readonly maxWorkMs?: number;
}

export interface RollupCacheStats extends RollupCacheCounters {
  readonly entries: number;
  readonly bytes: number;
}

/** What the entry points of the query room take, of either dialect. */
type Evaluation = InstantOptions & RangeOptions & Omit<PromOptions, keyof InstantOptions>;
type AskedQuery = { -readonly [K in keyof Evaluation]: Evaluation[K] };

/** Questions to a source. */
export abstract class Queries<S extends DivisibleSource = DivisibleSource> {
  protected readonly source: S;
  protected readonly clock: Clock;
  /** Null if there is to be none. */
  protected readonly cache: RollupCache | null;

  /** @param cacheBytes for what is kept of queries' answers; 0: nothing is */
  protected constructor(source: S, clock: Clock, cacheBytes: number) {
    this.source = source;
    this.clock = clock;
    this.cache = cacheBytes > 0 ? new RollupCache(cacheBytes) : null;
  }

  /** Forgets what is kept of queries' answers. */
  resetRollupCache(): void {
    this.cache?.reset();
  }

  /** How well what is kept of queries' answers has served, since the start, and what it takes. */
  get rollupCache(): RollupCacheStats {
    const { fullHits = 0, partialHits = 0, misses = 0 } = this.cache?.counters ?? {};
    return { fullHits, partialHits, misses, entries: this.cache?.entries ?? 0, bytes: this.cache?.bytes ?? 0 };
  }

  /** Evaluates a query at one time. @throws InputError for a query that cannot be understood (400) or carried out (422) */
  async query(text: string, options: QueryOptions = {}): Promise<QueryResult> {
    const asked = this.common(options);
    asked.timeMs = options.timeMs ?? asked.nowMs;
    asked.stepMs = options.stepMs ?? 300_000;
    if (isPromql(options.dialect)) return await evaluatePromInstant(text, asked);
    asked.mayAlign = options.mayAlign ?? true;
    return await evaluateInstant(text, asked);
  }

  /** Evaluates a query at `startMs`, `startMs + stepMs`, … up to `endMs`. @throws InputError */
  async queryRange(text: string, options: QueryRangeOptions): Promise<QueryResult> {
    const asked = this.common(options);
    asked.startMs = options.startMs;
    asked.endMs = options.endMs;
    asked.stepMs = options.stepMs;
    return isPromql(options.dialect) ? await evaluatePromRange(text, asked) : await evaluateRange(text, asked);
  }

  /** Label sets of series with samples in the range, sorted. */
  async series(options: LabelsOptions = {}): Promise<Answer<Labels>> {
    return await traced(options, "search series", () => this.source.series(labelsRequest(options)));
  }

  /** Label names, sorted. */
  async labelNames(options: LabelsOptions = {}): Promise<Answer<string>> {
    return await traced(options, "search label names", () => this.source.labelNames(labelsRequest(options)));
  }

  /** Values of a label, sorted. */
  async labelValues(label: string, options: LabelsOptions = {}): Promise<Answer<string>> {
    return await traced(options, `search values of label ${JSON.stringify(label)}`, () =>
      this.source.labelValues(label, labelsRequest(options)),
    );
  }

  /** Raw samples, batch by batch, bit-exact. Close the cursor if you do not read it to its end. */
  async export(request: Omit<SearchRequest, "tenant"> & { readonly tenant?: Tenant }): Promise<SampleCursor> {
    return await this.source.search({ tenant: DEFAULT_TENANT, ...request });
  }

  /** One object with all it will ever have: spreading such objects into each other took as long as a small query. */
  private common(options: Omit<QueryOptions, "timeMs">): AskedQuery {
    return {
      timeMs: 0,
      startMs: 0,
      endMs: 0,
      stepMs: 0,
      mayAlign: options.mayAlign ?? false,
      source: options.helpers === undefined ? this.source : new HelpedSource(this.source, options.helpers),
      cache: options.mayCache === false ? null : this.cache,
      tenant: options.tenant ?? DEFAULT_TENANT,
      nowMs: options.nowMs ?? this.clock.nowMs(),
      limits: {
        maxUniqueTimeseries: options.maxSeries,
        maxSamplesPerQuery: options.maxSamples,
        maxPointsPerTimeseries: options.maxPointsPerSeries,
        maxPointsSubqueryPerTimeseries: options.maxSubqueryPoints,
        maxSamplesPerSeries: options.maxSamplesPerSeries,
        maxSeriesPerAggrFunc: options.maxAggregateSeries,
        maxResponseSeries: options.maxResponseSeries,
        maxMemoryPerQuery: options.maxMemoryBytes,
        maxBinaryOpPushdownLabelValues: options.maxPushdownValues,
        maxWorkMs: options.maxWorkMs,
      },
      minStalenessMs: options.minStalenessMs,
      latencyStepMaxMs: options.latencyStepMaxMs,
      refusesImplicit: options.refusesImplicit,
      onImplicit: options.onImplicit,
      stats: options.stats,
      maxQueryLength: options.maxQueryLength,
      lookbackMs: options.lookbackMs,
      latencyOffsetMs: options.latencyOffsetMs,
      extraFilters: options.extraFilters,
      roundDigits: options.roundDigits,
      signal: options.signal,
      trace: options.trace ?? null,
    };
  }
}

function isPromql(dialect: Dialect = "metricsql"): boolean {
  if (dialect !== "metricsql" && dialect !== "promql") {
    throw new InputError(`dialect: want metricsql or promql, got ${JSON.stringify(dialect)}`);
  }
  return dialect === "promql";
}

/** A search in the index, told to the trace if there is one. */
export async function traced<T>(
  { groups = [], minMs = 0, maxMs = Number.MAX_SAFE_INTEGER, trace = null }: LabelsOptions,
  what: string,
  search: () => Promise<Answer<T>>,
): Promise<Answer<T>> {
  const step = trace?.begin(
    `${what}: ${trace.text(() => printGroups(groups))}, timeRange=${printTimeRange(minMs, maxMs)}`,
  );
  const answer = await search();
  step?.end(`found=${answer.items.length}`);
  return answer;
}

export function labelsRequest(options: LabelsOptions): LabelsRequest {
  return {
    tenant: options.tenant ?? DEFAULT_TENANT,
    groups: options.groups ?? [],
    minMs: options.minMs ?? 0,
    maxMs: options.maxMs ?? Number.MAX_SAFE_INTEGER,
    limit: options.limit ?? 0,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.maxWorkMs === undefined ? {} : { maxWorkMs: options.maxWorkMs }),
  };
}
