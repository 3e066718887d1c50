/**
 * What deduplication, downsampling and retention leave of a series: docs/decisions/0008-sample-rules.md read word for word, for the model test. Nothing
 * of the engine is used here, and nothing is done early: every answer starts from all samples that were ever taken, as Maps and lists.
 *
 * A few things are the price the decision names: what they come to depends on when merges were. Programs keep away from them, see `isDefined`.
 */

export const DAY = 86_400_000;
const HOUR = 3_600_000;
const MINUTE = 60_000;

export const AGGREGATES = ["last", "min", "max", "avg", "sum", "count"] as const;
export type ModelAggregate = (typeof AGGREGATES)[number];

type Labels = Readonly<Record<string, string>>;

/** The filters of rules, as text, and what they mean. "" is no filter. */
export const RULE_FILTERS: Readonly<Record<string, (labels: Labels, tenant: number) => boolean>> = {
  "": () => true,
  '{job="a"}': ({ job }) => job === "a",
  '{job!="b"}': ({ job }) => job !== "b",
  '{__name__=~"cpu|up"}': ({ __name__ }) => __name__ === "cpu" || __name__ === "up",
  '{instance=~".+",zone=""}': ({ instance, zone }) => instance !== undefined && zone === undefined,
  '{vm_account_id="7"}': (_labels, tenant) => tenant === 1,
  '{job="b" or dev="sda"}': ({ job, dev }) => job === "b" || dev === "sda",
};

export interface ModelPeriod {
  readonly filter: string;
  readonly offsetMs: number;
  readonly intervalMs: number;
  readonly aggregate: ModelAggregate;
}

export interface ModelRules {
  readonly dedupMs: number;
  readonly downsampling: readonly ModelPeriod[];
  readonly retentions: readonly { readonly filter: string; readonly retentionMs: number }[];
}

/** The lengths of intervals: each is a multiple of those before it. */
export const INTERVALS: readonly number[] = [20 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, DAY];
export const DEDUP_INTERVALS: readonly number[] = [0, MINUTE, 10 * MINUTE, 20 * MINUTE];

/** The rules as a database is given them. */
export function textsOf({ dedupMs, downsampling, retentions }: ModelRules): {
  readonly dedupIntervalMs: number;
  readonly downsampling: string[];
  readonly retentionFilters: string[];
} {
  return {
    dedupIntervalMs: dedupMs,
    downsampling: downsampling.map(
      ({ filter, offsetMs, intervalMs, aggregate }) =>
        `${filter === "" ? "" : `${filter}:`}${offsetMs / MINUTE}m:${intervalMs / MINUTE}m${aggregate === "last" ? "" : `:${aggregate}`}`,
    ),
    retentionFilters: retentions.map(({ filter, retentionMs }) => `${filter}:${retentionMs / HOUR}h`),
  };
}

/** Bits by time. */
type Samples = ReadonlyMap<number, string>;
type Sample = readonly [ms: number, bits: string];

const STALE = "7ff0000000000002";

export class RuleModel {
  readonly rules: ModelRules;
  private readonly retentionMs: number;

  constructor(rules: ModelRules, retentionMs: number) {
    this.rules = rules;
    this.retentionMs = retentionMs;
  }

  /** What a series shows of all its samples. */
  shown(labels: Labels, tenant: number, all: Samples, nowMs: number): Map<number, string> {
    const { dedupMs } = this.rules;
    const oldestMs = this.oldestMs(labels, tenant, nowMs);
    let samples: Sample[] = [...all].sort((a, b) => a[0] - b[0]);
    if (dedupMs > 0) samples = eachInterval(samples, dedupMs, (group) => [group.at(-1) as Sample]);
    const periods = this.periodsOf(labels, tenant);
    for (const [i, { offsetMs, intervalMs, aggregate }] of periods.entries()) {
      samples = eachInterval(samples, intervalMs, (group, endMs) => {
        if (endMs > nowMs - offsetMs) return group;
        if (aggregate === "last") return [group.at(-1) as Sample];
        // It leaves with its first millisecond.
        if (endMs - intervalMs + 1 < oldestMs) return [];
        // Of counts a coarser step makes the sum.
        return joined(group, aggregate === "count" && i > 0 ? "sum" : aggregate);
      });
    }
    return new Map(samples.filter(([ms]) => ms >= oldestMs));
  }

  /**
   * False for a sample whose coming makes answers depend on merges: one of a time that was added up before; and, where means are made or samples are
   * deduplicated before they are added up, one of an interval that is over for long enough.
   */
  isDefined(labels: Labels, tenant: number, ms: number, isRepeat: boolean, nowMs: number): boolean {
    const [first] = this.periodsOf(labels, tenant);
    if (first === undefined || first.aggregate === "last") return true;
    if (isRepeat) return false;
    if (first.aggregate !== "avg" && this.rules.dedupMs === 0) return true;
    return Math.ceil(ms / first.intervalMs) * first.intervalMs > nowMs - first.offsetMs;
  }

  private oldestMs(labels: Labels, tenant: number, nowMs: number): number {
    let { retentionMs } = this;
    for (const { filter, retentionMs: own } of this.rules.retentions) {
      if (matches(filter, labels, tenant)) retentionMs = Math.min(retentionMs, own);
    }
    return Math.max(0, nowMs - retentionMs);
  }

  /** Those of the first filter that matches, by offset. */
  private periodsOf(labels: Labels, tenant: number): ModelPeriod[] {
    const first = this.rules.downsampling.find(({ filter }) => matches(filter, labels, tenant));
    const own = this.rules.downsampling.filter(({ filter }) => filter === first?.filter);
    return own.sort((a, b) => a.offsetMs - b.offsetMs);
  }
}

function matches(filter: string, labels: Labels, tenant: number): boolean {
  return (RULE_FILTERS[filter] as (labels: Labels, tenant: number) => boolean)(labels, tenant);
}

/** Samples in order, interval by interval; its end belongs to an interval, its start does not. */
function eachInterval(
  samples: readonly Sample[],
  intervalMs: number,
  reduce: (group: Sample[], endMs: number) => Sample[],
): Sample[] {
  const groups = new Map<number, Sample[]>();
  for (const sample of samples) {
    const endMs = Math.ceil(sample[0] / intervalMs) * intervalMs;
    const group = groups.get(endMs);
    if (group === undefined) groups.set(endMs, [sample]);
    else group.push(sample);
  }
  return [...groups].flatMap(([endMs, group]) => reduce(group, endMs));
}

const REDUCERS: Readonly<Record<Exclude<ModelAggregate, "last">, (numbers: readonly number[]) => number>> = {
  min: (numbers) => Math.min(...numbers),
  max: (numbers) => Math.max(...numbers),
  sum: (numbers) => numbers.reduce((sum, number) => sum + number),
  avg: (numbers) => numbers.reduce((sum, number) => sum + number) / numbers.length,
  count: (numbers) => numbers.length,
};

/** One sample at the time of the last number, and the staleness marker behind it; without any number the last sample. */
function joined(group: readonly Sample[], aggregate: Exclude<ModelAggregate, "last">): Sample[] {
  const numbers = group.filter(([, bits]) => !Number.isNaN(numberOf(bits)));
  const last = group.at(-1) as Sample;
  if (numbers.length === 0) return [last];
  const [lastMs] = numbers.at(-1) as Sample;
  const value = REDUCERS[aggregate](numbers.map(([, bits]) => numberOf(bits)));
  return [[lastMs, bitsOf(value)], ...(last[0] > lastMs && last[1] === STALE ? [last] : [])];
}

export function numberOf(bits: string): number {
  return Buffer.from(bits, "hex").readDoubleBE(0);
}

export function bitsOf(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString("hex");
}
