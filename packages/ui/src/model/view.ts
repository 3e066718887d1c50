/** What the page shows, whole: two people with equal views see the same. The address holds exactly this (address.ts). */
import type { TimeRange } from "./time-range.ts";

export type Tab = "graph" | "table" | "json";

export const TABS: readonly Tab[] = ["graph", "table", "json"];

/** One of several graphs. */
export interface BoardGraph {
  /** "" is titled with its query. */
  readonly title: string;
  readonly query: string;
}

export interface View {
  /** Of a board, its first graph's. */
  readonly query: string;
  /** Several graphs over one time range, instead of one query and its tabs. Empty for the ordinary view, else two or more. */
  readonly board: readonly BoardGraph[];
  readonly range: TimeRange;
  /** As typed (`15s`); "" chooses one that suits the range. */
  readonly step: string;
  readonly tab: Tab;
  /** Pause between automatic runs, ms; 0 for none. */
  readonly refreshMs: number;
}

/** What the view asks for, in the order it is shown. */
export function queriesOf({ query, board }: View): readonly string[] {
  return board.length === 0 ? [query] : board.map((graph) => graph.query);
}

/** That query alone, over the same time. */
export function viewAlone(view: View, query: string): View {
  return { ...view, query, board: [], tab: "graph" };
}

/** Pauses on offer. */
export const REFRESH_CHOICES_MS: readonly number[] = [0, 5_000, 15_000, 60_000];
