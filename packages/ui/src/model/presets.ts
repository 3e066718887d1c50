/** Queries for somebody who has typed none yet. All of them show the server itself, which is always there. */
import type { BoardGraph, Tab, View } from "./view.ts";

export interface Preset {
  readonly title: string;
  readonly query: string;
  readonly tab: Tab;
}

export const PRESETS: readonly Preset[] = [
  {
    // First because a single sample draws it: the page is not empty seconds after the first start.
    title: "Memory",
    query: '{__name__=~"process_resident_memory_bytes|nodejs_(heap_size_used|heap_size_total|external_memory)_bytes"}',
    tab: "graph",
  },
  { title: "Rows stored a second", query: "rate(vm_rows_added_to_storage_total[1m])", tab: "graph" },
  { title: "Rows received by protocol", query: "sum(rate(vm_rows_inserted_total[1m])) by (type)", tab: "graph" },
  { title: "CPU cores in use", query: "rate(process_cpu_seconds_total[1m])", tab: "graph" },
  { title: "Event-loop lag", query: "nodejs_eventloop_lag_seconds", tab: "graph" },
  { title: "What is stored", query: 'sort_desc(count({__name__!=""}) by (__name__))', tab: "table" },
];

/** What the page shows when the address says nothing. */
export const FIRST_VIEW: View = {
  query: (PRESETS[0] as Preset).query,
  board: [],
  range: { kind: "last", ms: 300_000 },
  step: "",
  tab: "graph",
  refreshMs: 5_000,
};

/** Every graph among the presets. */
export const FIRST_BOARD: readonly BoardGraph[] = PRESETS.filter(({ tab }) => tab === "graph").map(
  ({ title, query }) => ({
    title,
    query,
  }),
);
