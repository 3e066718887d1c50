/** Which time is on view, and the steps that cut it into points. Milliseconds since the epoch throughout. */
import { formatDuration } from "./duration.ts";

export type TimeRange =
  /** The last `ms` until now, whenever now is. */
  | { readonly kind: "last"; readonly ms: number }
  | { readonly kind: "fixed"; readonly fromMs: number; readonly toMs: number };

export interface Interval {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Ranges on offer; `id` is what vmui writes into its address as `relative_time`. */
export const RANGE_CHOICES: readonly { readonly ms: number; readonly title: string; readonly id: string }[] = [
  { ms: 300_000, title: "Last 5 minutes", id: "last_5_minutes" },
  { ms: 900_000, title: "Last 15 minutes", id: "last_15_minutes" },
  { ms: 1_800_000, title: "Last 30 minutes", id: "last_30_minutes" },
  { ms: 3_600_000, title: "Last hour", id: "last_1_hour" },
  { ms: 10_800_000, title: "Last 3 hours", id: "last_3_hours" },
  { ms: 21_600_000, title: "Last 6 hours", id: "last_6_hours" },
  { ms: 43_200_000, title: "Last 12 hours", id: "last_12_hours" },
  { ms: 86_400_000, title: "Last 24 hours", id: "last_24_hours" },
  { ms: 172_800_000, title: "Last 2 days", id: "last_2_days" },
  { ms: 604_800_000, title: "Last 7 days", id: "last_7_days" },
  { ms: 2_592_000_000, title: "Last 30 days", id: "last_30_days" },
];

/** Names a range where there is little room. */
export function describeRange(range: TimeRange): string {
  if (range.kind === "fixed") return `Fixed, ${formatDuration(Math.round((range.toMs - range.fromMs) / 1000) * 1000)}`;
  return RANGE_CHOICES.find(({ ms }) => ms === range.ms)?.title ?? `Last ${formatDuration(range.ms)}`;
}

export function resolveRange(range: TimeRange, nowMs: number): Interval {
  if (range.kind === "fixed") return { fromMs: range.fromMs, toMs: range.toMs };
  return { fromMs: nowMs - range.ms, toMs: nowMs };
}

/**
 * The interval whose points lie on multiples of the step, so that a graph that refreshes itself moves by whole points instead of
 * trembling. It ends at most one step before the range's end.
 */
export function alignInterval({ fromMs, toMs }: Interval, stepMs: number): Interval {
  const alignedTo = Math.floor(toMs / stepMs) * stepMs;
  return { fromMs: Math.min(Math.floor(fromMs / stepMs) * stepMs, alignedTo), toMs: alignedTo };
}

const NICE_STEPS_S: readonly number[] = [
  1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
];

/** Steps people think in, for about 250 points: more than a screen shows apart is work for nobody. */
export function chooseStepMs(rangeMs: number): number {
  const wantedS = rangeMs / 1000 / 250;
  const nice = NICE_STEPS_S.find((step) => step >= wantedS);
  return (nice ?? Math.ceil(wantedS / 86_400) * 86_400) * 1000;
}

/** Moves by half its length; `direction` -1 is earlier. What was "until now" becomes fixed. */
export function shiftRange(range: TimeRange, direction: -1 | 1, nowMs: number): TimeRange {
  const { fromMs, toMs } = resolveRange(range, nowMs);
  const byMs = (direction * (toMs - fromMs)) / 2;
  return { kind: "fixed", fromMs: Math.round(fromMs + byMs), toMs: Math.round(toMs + byMs) };
}

/** Twice as long around the same middle; a range until now stays one. */
export function widenRange(range: TimeRange): TimeRange {
  if (range.kind === "last") return { kind: "last", ms: range.ms * 2 };
  const byMs = (range.toMs - range.fromMs) / 2;
  return { kind: "fixed", fromMs: Math.round(range.fromMs - byMs), toMs: Math.round(range.toMs + byMs) };
}
