/** Draws the rules of programs: those a database begins with, and those it is opened with later. */
import type { Random } from "../../base/random.ts";
import {
  AGGREGATES,
  DAY,
  DEDUP_INTERVALS,
  INTERVALS,
  type ModelPeriod,
  type ModelRules,
  RULE_FILTERS,
} from "./rule-model.ts";

const FILTERS = Object.keys(RULE_FILTERS);
const OFFSETS = [0, 1, 3, 20, 45, 100].map((days) => days * DAY);
const STAGES_MAX = 4;

/** Rules, each of which asks no less than the one before: only then is what earlier merges took taken by later rules, too. */
export function drawStages(random: Random, retentionMs: number): ModelRules[] {
  const stages = [drawRules(random, retentionMs)];
  for (let count = random.below(STAGES_MAX); count > 0; count--) {
    stages.push(tightened(random, stages.at(-1) as ModelRules, retentionMs));
  }
  return stages;
}

/** True if some value is made that no sample had. */
export function hasAggregates({ downsampling }: ModelRules): boolean {
  return downsampling.some(({ aggregate }) => aggregate !== "last");
}

/** Ages at which samples go or become one. */
export function agesOf({ downsampling, retentions }: ModelRules): number[] {
  return [...downsampling.map(({ offsetMs }) => offsetMs), ...retentions.map(({ retentionMs }) => retentionMs)];
}

function drawRules(random: Random, retentionMs: number): ModelRules {
  const filters = FILTERS.filter(() => random.chance(0.3));
  if (filters.length === 0) filters.push("");
  return {
    dedupMs: random.chance(0.5) ? 0 : random.pick(DEDUP_INTERVALS),
    downsampling: random.chance(0.85) ? filters.flatMap((filter) => drawPeriods(random, filter)) : [],
    retentions: Array.from({ length: Math.max(0, random.below(5) - 2) }, () => drawRetention(random, retentionMs)),
  };
}

function drawPeriods(random: Random, filter: string): ModelPeriod[] {
  const aggregate = random.pick(AGGREGATES);
  const periods: ModelPeriod[] = [];
  let interval = random.below(3);
  let offset = random.below(3);
  for (let count = 1 + random.below(3); count > 0 && interval < INTERVALS.length && offset < OFFSETS.length; count--) {
    periods.push({
      filter,
      offsetMs: OFFSETS[offset] as number,
      intervalMs: INTERVALS[interval] as number,
      aggregate,
    });
    interval += 1 + random.below(2);
    offset += 1 + random.below(2);
  }
  return periods;
}

function drawRetention(random: Random, retentionMs: number): ModelRules["retentions"][number] {
  return { filter: random.pick(FILTERS.slice(1)), retentionMs: Math.ceil((retentionMs * (1 + random.below(8))) / 8) };
}

function tightened(random: Random, rules: ModelRules, retentionMs: number): ModelRules {
  const { dedupMs, downsampling, retentions } = rules;
  const kind = random.below(4);
  const newFilters = FILTERS.filter((text) => !downsampling.some(({ filter }) => filter === text));
  // Sums of samples that were not deduplicated stay what they are.
  if (kind === 0 && !hasAggregates(rules)) {
    return { ...rules, dedupMs: random.pick(DEDUP_INTERVALS.filter((ms) => ms >= dedupMs)) };
  }
  if (kind === 1) return { ...rules, retentions: [...retentions, drawRetention(random, retentionMs)] };
  if (kind === 2 && newFilters.length > 0) {
    return { ...rules, downsampling: [...downsampling, ...drawPeriods(random, random.pick(newFilters))] };
  }
  const last = downsampling.at(-1);
  if (last === undefined) return rules;
  const intervalMs = INTERVALS.find((ms) => ms > last.intervalMs);
  if (intervalMs === undefined) return rules;
  return { ...rules, downsampling: [...downsampling, { ...last, intervalMs, offsetMs: last.offsetMs + 20 * DAY }] };
}
