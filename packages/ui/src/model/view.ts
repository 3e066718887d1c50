/** What the page shows, whole: two people with equal views see the same. The address holds exactly this (address.ts). */
import type { TimeRange } from "./time-range.ts";

export type Tab = "graph" | "table" | "json";

export const TABS: readonly Tab[] = ["graph", "table", "json"];

export interface View {
  readonly query: string;
  readonly range: TimeRange;
  /** As typed (`15s`); "" chooses one that suits the range. */
  readonly step: string;
  readonly tab: Tab;
  /** Pause between automatic runs, ms; 0 for none. */
  readonly refreshMs: number;
}

/** Pauses on offer. */
export const REFRESH_CHOICES_MS: readonly number[] = [0, 5_000, 15_000, 60_000];
