/**
 * Rules as people write them, in VictoriaMetrics' words, turned into data:
 *
 *   downsampling   `[filter:]offset:interval[:last|min|max|avg|sum|count]`   `30d:5m`, `{env="dev"}:1d:1m:avg`
 *   retention      `filter:duration`                                         `{team="juniors"}:3d`
 *
 * Everything here throws an InputError that quotes the text and says what was wanted.
 */
import { parseDurationMs } from "../base/duration.ts";
import { InputError } from "../base/errors.ts";
import type { FilterGroups } from "../base/label-filter.ts";
import { parse } from "../metricsql/parse.ts";
import {
  AGGREGATES,
  type Aggregate,
  type DownsamplingRule,
  type DownsamplingStep,
  NO_RULES,
  type RetentionRule,
  RuleBook,
  type SampleRules,
} from "../storage/rules/sample-rules.ts";

export interface RuleTexts {
  /** Milliseconds, 0 for no deduplication. */
  readonly dedupMs?: number | undefined;
  readonly downsampling?: readonly string[] | undefined;
  readonly retentionFilters?: readonly string[] | undefined;
}

/** More texts than this are no configuration. */
const TEXTS_MAX = 1_000;
const MS_PER_DAY = 86_400_000;
/** As in `-retentionPeriod`: a number alone counts months, and a month is 31 days. */
const RETENTION_UNITS: ReadonlyMap<string, number> = new Map([
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", MS_PER_DAY],
  ["w", 7 * MS_PER_DAY],
  ["M", 31 * MS_PER_DAY],
  ["y", 365 * MS_PER_DAY],
]);

/**
 * All rules of a database whose samples are kept for `retentionMs`.
 * @throws InputError for a text that is none, or for rules that contradict each other
 */
export function parseRules(
  { dedupMs = 0, downsampling = [], retentionFilters = [] }: RuleTexts,
  retentionMs: number,
): SampleRules {
  if (!Number.isSafeInteger(dedupMs) || dedupMs < 0) {
    throw new InputError(`deduplication: want whole milliseconds of 0 and more, got ${dedupMs}`);
  }
  if (downsampling.length + retentionFilters.length > TEXTS_MAX) {
    throw new InputError(`rules: want at most ${TEXTS_MAX}, got ${downsampling.length + retentionFilters.length}`);
  }
  const rules: SampleRules = {
    ...NO_RULES,
    dedupMs,
    downsampling: groupByFilter(downsampling.map(parseDownsampling), dedupMs),
    retentions: retentionFilters.map((text) => parseRetentionFilter(text, retentionMs)),
  };
  // Regexes are compiled here for the first time: what is wrong with them is said at the start.
  new RuleBook(rules, retentionMs);
  return rules;
}

interface ParsedStep {
  readonly text: string;
  readonly groups: FilterGroups | null;
  readonly step: DownsamplingStep;
  readonly aggregate: Aggregate;
}

function parseDownsampling(text: string): ParsedStep {
  const fail = (reason: string): InputError =>
    new InputError(`downsampling ${quote(text)}: want [filter:]offset:interval[:${AGGREGATES.join("|")}], ${reason}`);
  // From the end: a filter may hold colons.
  const pieces = text.split(":");
  let aggregate: Aggregate = "last";
  if ((AGGREGATES as readonly string[]).includes((pieces.at(-1) as string).trim()) && pieces.length > 2) {
    aggregate = (pieces.pop() as string).trim() as Aggregate;
  }
  if (pieces.length < 2) throw fail("got no offset and interval");
  const intervalMs = durationOf(pieces.pop() as string, (reason) => fail(`the interval: ${reason}`));
  const offsetMs = durationOf(pieces.pop() as string, (reason) => fail(`the offset: ${reason}`));
  const filter = pieces.join(":").trim();
  if (pieces.length > 0 && filter === "") throw fail("got an empty filter");
  if (intervalMs === 0 && offsetMs !== 0) throw fail("got an interval of 0");
  if (intervalMs > 0 && offsetMs % intervalMs !== 0) throw fail("with an offset that is a multiple of the interval");
  return { text, groups: filter === "" ? null : parseFilter(filter, text), step: { offsetMs, intervalMs }, aggregate };
}

/** Steps of one filter are one rule; rules are in order of the first appearance of their filter. */
function groupByFilter(parsed: readonly ParsedStep[], dedupMs: number): DownsamplingRule[] {
  const byFilter = new Map<string, ParsedStep[]>();
  for (const item of parsed) {
    const key = JSON.stringify(item.groups);
    const known = byFilter.get(key);
    if (known === undefined) byFilter.set(key, [item]);
    else known.push(item);
  }
  return [...byFilter.values()].map((items) => {
    const sorted = [...items].sort((a, b) => a.step.offsetMs - b.step.offsetMs);
    const [first] = sorted as [ParsedStep];
    let beforeMs = dedupMs;
    sorted.forEach(({ text, step, aggregate }, i) => {
      const fail = (reason: string): InputError => new InputError(`downsampling ${quote(text)}: ${reason}`);
      if (step.intervalMs === 0 && sorted.length > 1)
        throw fail("0s:0s means none, and its filter has another period, too");
      if (aggregate !== first.aggregate) {
        throw fail(`want one aggregate a filter, got ${aggregate} here and ${first.aggregate} in ${quote(first.text)}`);
      }
      if (i > 0 && step.offsetMs === (sorted[i - 1] as ParsedStep).step.offsetMs) throw fail("its offset comes twice");
      if (beforeMs > 0 && step.intervalMs > 0 && step.intervalMs % beforeMs !== 0) {
        throw fail(
          `want an interval that is a multiple of the one before it (or of the deduplication), which is ${beforeMs} ms, got ${step.intervalMs} ms`,
        );
      }
      if (i > 0 && step.intervalMs <= beforeMs) throw fail("want longer intervals with longer offsets");
      beforeMs = step.intervalMs;
    });
    return {
      groups: first.groups,
      aggregate: first.aggregate,
      steps: first.step.intervalMs === 0 ? [] : sorted.map(({ step }) => step),
    };
  });
}

function parseRetentionFilter(text: string, boundMs: number): RetentionRule {
  const fail = (reason: string): InputError =>
    new InputError(`retention filter ${quote(text)}: want filter:duration, ${reason}`);
  const at = text.lastIndexOf(":");
  if (at < 0) throw fail("got no duration");
  const filter = text.slice(0, at).trim();
  if (filter === "") throw fail("got no filter");
  const match = /^(\d{1,15}(?:\.\d{0,15})?)([smhdwMy]?)$/.exec(text.slice(at + 1).trim());
  if (match === null) throw fail(`with a duration such as 3d, 8w, 6M or 1y, got ${quote(text.slice(at + 1))}`);
  const unit = match[2] === "" ? "M" : (match[2] as string);
  const retentionMs = Math.round(Number(match[1]) * (RETENTION_UNITS.get(unit) as number));
  if (retentionMs < 1) throw fail("with a duration above 0");
  if (retentionMs > boundMs) {
    throw fail(`with a duration of at most the retention of the whole, which is ${boundMs / MS_PER_DAY}d`);
  }
  return { groups: parseFilter(filter, text), retentionMs };
}

function parseFilter(filter: string, text: string): FilterGroups {
  let expr: ReturnType<typeof parse>;
  try {
    expr = parse(filter);
  } catch (error) {
    throw new InputError(`${quote(text)}: the filter: ${(error as Error).message}`);
  }
  if (expr.kind !== "selector")
    throw new InputError(`${quote(text)}: want a series filter such as {env="dev"}, got another expression`);
  return expr.groups;
}

function durationOf(text: string, fail: (reason: string) => InputError): number {
  let ms: number;
  try {
    ms = parseDurationMs(text.trim());
  } catch (error) {
    throw fail((error as Error).message);
  }
  if (ms < 0) throw fail(`got ${quote(text)}, which is negative`);
  return ms;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
