/**
 * What the endpoints need of a database, owned by its user. The embedded database has it; tests bring their own.
 * Times are milliseconds, ranges inclusive at both ends.
 */
import type { Dialect, Labels, Peer, QueryTrace, Tenant, Texts } from "@nyanza/tsdb";
import type { WriteBatch } from "@nyanza/tsdb/ingest";
import type { FilterGroups } from "@nyanza/tsdb/metricsql";
import type { PrintableResult } from "./answer.ts";

/** What became of a batch's samples. */
export interface AppendCounts {
  /** In the log now. */
  readonly stored: number;
  /** Not taken: older than the retention, too far in the future, of series whose labels name none. */
  readonly tooOld: number;
  readonly tooNew: number;
  readonly invalidLabels: number;
  /** Why the first of those labels was refused. */
  readonly firstInvalid: string | null;
  /** Those labels as they came, cut when they are long. */
  readonly firstInvalidLabels: string;
}

export interface QueryLimits {
  readonly tenant: Tenant;
  readonly dialect: Dialect;
  readonly nowMs: number;
  readonly signal: AbortSignal;
  readonly trace: QueryTrace | null;
  /** Whether the samples that a promql query looks at are to be counted. */
  readonly stats?: boolean | undefined;
  /** Absent: from the distance of samples; in promql 5 minutes. */
  readonly lookbackMs?: number | undefined;
  /** Samples younger than this are not seen yet. */
  readonly latencyOffsetMs: number;
  /** Whether start and end of a range may be moved to multiples of the step, and instant queries by the latency offset. */
  readonly mayAlign: boolean;
  /** Whether what was kept of earlier answers may be used, and this one be kept. */
  readonly mayCache: boolean;
  /** Series and samples a query may read, points it may answer a series; Infinity for no limit. More: InputError 422. */
  readonly maxSeries: number;
  readonly maxSamples: number;
  readonly maxPointsPerSeries: number;
  /** Points a series of a subquery may have, samples of a series a selector may read. */
  readonly maxSubqueryPoints: number;
  readonly maxSamplesPerSeries: number;
  /** Series an aggregate may make, and an answer may have; 0 means no limit of these. */
  readonly maxAggregateSeries: number;
  readonly maxResponseSeries: number;
  /** Bytes the series of an expression may take. */
  readonly maxMemoryBytes: number;
  /** Milliseconds of work, pauses left out; Infinity for no limit. */
  readonly maxWorkMs: number;
  /** Values of a label that one side of an operator may make a filter of the other. */
  readonly maxPushdownValues: number;
  /** A sample at most this old is a series' previous one; 0: from the distance of samples. */
  readonly minStalenessMs: number;
  /** The latency offset touches ranges of smaller steps only. */
  readonly latencyStepMaxMs: number;
  /** Rollups over expressions without a window are refused. */
  readonly refusesImplicit: boolean;
  /** Hears of them, if they are not refused. */
  readonly onImplicit?: ((message: string) => void) | undefined;
  /** Characters of the text: -search.maxQueryLen, in bytes, has been looked at. */
  readonly maxQueryLength: number;
  /** Or-ed groups of filters that every selector gets in addition. */
  readonly extraFilters?: FilterGroups | undefined;
  /** Digits after the point that values are rounded to. */
  readonly roundDigits?: number | undefined;
  /** Who may work on shares of it. Given, if only as `[]`, it is worked on in the same shares wherever it is evaluated, and its answer has the same digits. */
  readonly helpers?: readonly Peer[] | undefined;
}

export interface InstantQuery extends QueryLimits {
  readonly timeMs: number;
  readonly stepMs: number;
}

export interface RangeQuery extends QueryLimits {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

export interface LabelsQuery {
  readonly tenant: Tenant;
  /** Empty: all series. */
  readonly groups: FilterGroups;
  readonly minMs: number;
  readonly maxMs: number;
  readonly limit: number;
  readonly signal: AbortSignal;
  readonly trace: QueryTrace | null;
  /** Milliseconds of work; more is refused: InputError 422. Of label names and values only. */
  readonly maxWorkMs?: number;
}

export interface CardinalityQuery extends Omit<LabelsQuery, "limit"> {
  /** Whose values are counted apart; "" for none. */
  readonly focusLabel: string;
  /** Entries of each list. */
  readonly topN: number;
}

export interface Counted {
  readonly name: string;
  readonly count: number;
}

/** Where series come from; lists are sorted, largest first. */
export interface Cardinality {
  readonly totalSeries: number;
  readonly totalLabelValuePairs: number;
  readonly seriesCountByMetricName: readonly Counted[];
  readonly seriesCountByLabelName: readonly Counted[];
  readonly seriesCountByFocusLabelValue: readonly Counted[];
  readonly seriesCountByLabelValuePair: readonly Counted[];
  readonly labelValueCountByLabelName: readonly Counted[];
}

export interface ExportQuery {
  readonly tenant: Tenant;
  readonly groups: FilterGroups;
  readonly minMs: number;
  readonly maxMs: number;
  /** More matching series are refused: InputError 422, which names the flag. */
  readonly maxSeries: number;
  readonly maxSeriesFlag: string;
  readonly signal: AbortSignal;
}

export interface DeleteQuery {
  readonly tenant: Tenant;
  readonly groups: FilterGroups;
  readonly minMs: number;
  readonly maxMs: number;
  /** More matching series are refused: InputError 422. */
  readonly maxSeries: number;
  readonly signal: AbortSignal;
}

export interface Listed<T> {
  readonly items: readonly T[];
  readonly isPartial: boolean;
  /** Of label names and values, where they are at hand: the items as bytes. */
  readonly texts?: Texts;
}

export interface ExportedSeries {
  readonly series: readonly Labels[];
  readonly ends: Uint32Array;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

export interface ExportCursor {
  readonly seriesCount: number;
  readonly isPartial: boolean;
  next(): Promise<ExportedSeries | null>;
  close(): void;
}

export interface ServedDatabase {
  /** Resolves once the batch is in the log; the batch may be used again then. */
  appendBatch(batch: WriteBatch): Promise<AppendCounts>;
  query(text: string, options: InstantQuery): Promise<PrintableResult>;
  queryRange(text: string, options: RangeQuery): Promise<PrintableResult>;
  series(request: LabelsQuery): Promise<Listed<Labels>>;
  labelNames(request: LabelsQuery): Promise<Listed<string>>;
  labelValues(label: string, request: LabelsQuery): Promise<Listed<string>>;
  /** One item each. */
  cardinality(request: CardinalityQuery): Promise<Listed<Cardinality>>;
  seriesCount(request: LabelsQuery): Promise<Listed<number>>;
  export(request: ExportQuery): Promise<ExportCursor>;
  /** Deletes what was appended before, for good: resolves when it survives a power cut. */
  delete(request: DeleteQuery): Promise<{ readonly series: number }>;
  /** Makes a snapshot. Its name. */
  snapshot(): Promise<string>;
  snapshots(): Promise<readonly string[]>;
  /** False if there is none of this name. */
  deleteSnapshot(name: string): Promise<boolean>;
  flush(): Promise<void>;
  /** Merges every partition whose name (`YYYY_MM`) starts with the prefix into one part. */
  merge(partitionPrefix: string): Promise<void>;
  /** Logs every new series for so long. */
  logNewSeries(durationMs: number): void;
}
