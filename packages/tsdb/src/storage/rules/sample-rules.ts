/**
 * What an owner decided about which samples a database keeps: deduplication, downsampling by age, and retention by filter.
 *
 *   SampleRules   the decision: plain data, for options, the manifest and other threads
 *   RuleBook      the decision, ready to be asked about one series
 *   SeriesRules   the answer: plain data, one object for all series that are treated alike
 *
 * What the rules do to samples is in rule-application.ts; why they are what they are, in docs/decisions/0008-sample-rules.md.
 */
import type { FilterGroups } from "../../base/label-filter.ts";
import type { Labels } from "../../base/labels.ts";
import { compileSelectorRegex } from "../../base/regex.ts";
import type { Tenant } from "../../base/tenant.ts";

/** What is left of the samples of an interval. */
export type Aggregate = "last" | "min" | "max" | "avg" | "sum" | "count";

export const AGGREGATES: readonly Aggregate[] = ["last", "min", "max", "avg", "sum", "count"];

export interface DownsamplingStep {
  /** Intervals that ended this long ago have one sample left. */
  readonly offsetMs: number;
  readonly intervalMs: number;
}

export interface DownsamplingRule {
  /** Null: all series. */
  readonly groups: FilterGroups | null;
  readonly aggregate: Aggregate;
  /** By ascending offset and interval, each interval a multiple of the one before; none: these series are left alone. */
  readonly steps: readonly DownsamplingStep[];
}

export interface RetentionRule {
  readonly groups: FilterGroups;
  readonly retentionMs: number;
}

export interface SampleRules {
  /** Of each interval of this length the last sample is kept; 0: all are. */
  readonly dedupMs: number;
  /** The first one whose filter a series matches applies to it. */
  readonly downsampling: readonly DownsamplingRule[];
  /** The shortest of those a series matches applies to it. */
  readonly retentions: readonly RetentionRule[];
}

export const NO_RULES: SampleRules = { dedupMs: 0, downsampling: [], retentions: [] };

/** What is done to the samples of one series. */
export interface SeriesRules {
  /** Samples older than this are gone. */
  readonly retentionMs: number;
  readonly dedupMs: number;
  readonly aggregate: Aggregate;
  readonly steps: readonly DownsamplingStep[];
}

/** Labels that filters may use for the tenant, as VictoriaMetrics' cluster has them. */
const ACCOUNT_LABEL = "vm_account_id";
const PROJECT_LABEL = "vm_project_id";

type SeriesTest = (tenant: Tenant, labels: Labels) => boolean;

export class RuleBook {
  /** What it was made from. */
  readonly rules: SampleRules;
  /** The rules as text: equal for equal rules. */
  readonly text: string;
  /** True if there is no rule: then nobody needs to ask. */
  readonly isEmpty: boolean;
  /** True if some rule looks at labels. */
  readonly hasFilters: boolean;
  /** True if some rule makes other samples than those that came. */
  readonly hasAggregates: boolean;
  /** The shortest retention any series may have. */
  readonly shortestMs: number;
  /** For all series if there are no filters. */
  private readonly common: SeriesRules;
  private readonly retentionMs: number;
  private readonly retentions: readonly { readonly matches: SeriesTest; readonly retentionMs: number }[];
  private readonly downsampling: readonly { readonly matches: SeriesTest; readonly rule: DownsamplingRule }[];
  /** One object a treatment, by the numbers of the rules. */
  private readonly known: Map<string, SeriesRules> = new Map();

  /** `retentionMs` bounds that of every series. @throws InputError if a filter has a regex that cannot be understood */
  constructor(rules: SampleRules, retentionMs: number) {
    const { dedupMs, downsampling, retentions } = rules;
    this.rules = rules;
    this.text = JSON.stringify(rules);
    this.isEmpty = dedupMs === 0 && downsampling.length === 0 && retentions.length === 0;
    this.hasFilters = retentions.length > 0 || downsampling.some(({ groups }) => groups !== null);
    this.hasAggregates = downsampling.some(({ aggregate, steps }) => aggregate !== "last" && steps.length > 0);
    this.retentionMs = retentionMs;
    this.shortestMs = Math.min(retentionMs, ...retentions.map((rule) => rule.retentionMs));
    this.retentions = retentions.map((rule) => ({ matches: testOf(rule.groups), retentionMs: rule.retentionMs }));
    this.downsampling = downsampling.map((rule) => ({
      matches: rule.groups === null ? () => true : testOf(rule.groups),
      rule,
    }));
    this.common = this.made(retentionMs, this.hasFilters ? undefined : downsampling[0]);
  }

  /** The rules for a series; the same object for series treated alike. Costs nothing where no rule has a filter. */
  forSeries(tenant: Tenant, labels: Labels): SeriesRules {
    if (!this.hasFilters) return this.common;
    let { retentionMs } = this;
    for (const rule of this.retentions) {
      if (rule.retentionMs < retentionMs && rule.matches(tenant, labels)) retentionMs = rule.retentionMs;
    }
    const at = this.downsampling.findIndex(({ matches }) => matches(tenant, labels));
    const key = `${retentionMs}/${at}`;
    let found = this.known.get(key);
    if (found === undefined) {
      found = this.made(retentionMs, this.downsampling[at]?.rule);
      this.known.set(key, found);
    }
    return found;
  }

  /**
   * The range to read so that `[minMs, maxMs]` is answered rightly: of the intervals at its ends all samples are needed, whether a merge has
   * dealt with them or not.
   */
  readRange(minMs: number, maxMs: number, nowMs: number): { readonly minMs: number; readonly maxMs: number } {
    let lo = minMs;
    let hi = maxMs;
    const { dedupMs, downsampling } = this.rules;
    if (dedupMs > 0) {
      hi = Math.max(hi, intervalEnd(maxMs, dedupMs));
      if (this.hasAggregates) lo = Math.min(lo, intervalEnd(minMs, dedupMs) - dedupMs + 1);
    }
    for (const { aggregate, steps } of downsampling) {
      for (const { offsetMs, intervalMs } of steps) {
        const end = intervalEnd(maxMs, intervalMs);
        if (end <= nowMs - offsetMs) hi = Math.max(hi, end);
        if (aggregate !== "last" && intervalEnd(minMs, intervalMs) <= nowMs - offsetMs) {
          lo = Math.min(lo, intervalEnd(minMs, intervalMs) - intervalMs + 1);
        }
      }
    }
    return { minMs: Math.max(0, lo), maxMs: Math.min(hi, Number.MAX_SAFE_INTEGER) };
  }

  /** Ages at which some sample of a series may go or change, ascending; 0 for deduplication. */
  ages(): number[] {
    const { dedupMs, downsampling, retentions } = this.rules;
    const ages = new Set<number>(dedupMs > 0 ? [0] : []);
    for (const { steps } of downsampling) for (const { offsetMs } of steps) ages.add(offsetMs);
    for (const { retentionMs } of retentions) if (retentionMs < this.retentionMs) ages.add(retentionMs);
    return [...ages].sort((a, b) => a - b);
  }

  private made(retentionMs: number, rule: DownsamplingRule | undefined): SeriesRules {
    const { dedupMs } = this.rules;
    return { retentionMs, dedupMs, aggregate: rule?.aggregate ?? "last", steps: rule?.steps ?? [] };
  }
}

/** Intervals end at multiples of their length, and the end belongs to them: `(k·d − d, k·d]`. */
export function intervalEnd(ms: number, intervalMs: number): number {
  return Math.ceil(ms / intervalMs) * intervalMs;
}

/**
 * The first time of which samples are kept. An interval whose samples are one goes as a whole as soon as its first millisecond is out of retention:
 * half of it would be another answer after a merge than before.
 */
export function oldestKeptMs(rules: SeriesRules, nowMs: number): number {
  let oldest = Math.max(0, nowMs - rules.retentionMs);
  if (rules.aggregate === "last" || oldest === 0) return oldest;
  for (const { offsetMs, intervalMs } of rules.steps) {
    const end = intervalEnd(oldest, intervalMs);
    const startsHere = oldest === end - intervalMs + 1;
    if (!startsHere && end <= nowMs - offsetMs) oldest = end + 1;
  }
  return oldest;
}

function testOf(groups: FilterGroups): SeriesTest {
  const tests = groups.map((filters) =>
    filters.map(({ label, op, value }) => {
      const matcher = op === "=~" || op === "!~" ? compileSelectorRegex(value) : null;
      const fits = matcher === null ? (text: string) => text === value : (text: string) => matcher.matches(text);
      return { read: readerOf(label), fits, wanted: op === "=" || op === "=~" };
    }),
  );
  return (tenant, labels) =>
    tests.some((filters) => filters.every(({ read, fits, wanted }) => fits(read(tenant, labels)) === wanted));
}

function readerOf(label: string): (tenant: Tenant, labels: Labels) => string {
  if (label === ACCOUNT_LABEL) return ({ accountId }) => String(accountId);
  if (label === PROJECT_LABEL) return ({ projectId }) => String(projectId);
  return (_tenant, labels) => labels.get(label);
}
