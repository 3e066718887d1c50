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

/** A board somebody thought of before. `board=<id>` in an address is all of it. */
export interface BoardPreset {
  readonly id: string;
  /** Whose graphs they are, as it stands in a sentence. */
  readonly title: string;
  readonly graphs: readonly BoardGraph[];
}

export const BOARDS: readonly BoardPreset[] = [
  {
    id: "server",
    title: "this server",
    graphs: PRESETS.filter(({ tab }) => tab === "graph").map(({ title, query }) => ({ title, query })),
  },
  {
    // The names that AppMetrics of @nyanza/metrics gives to what every HTTP service has.
    id: "application",
    title: "an application",
    graphs: [
      { title: "Requests by path", query: "sum(rate(http_requests_total[1m])) by (path)" },
      { title: "Errors by status", query: "sum(rate(http_errors_total[1m])) by (status_code)" },
      {
        title: "Request duration, p99",
        query: "histogram_quantile(0.99, sum(rate(http_request_duration_seconds_bucket[1m])) by (le))",
      },
      { title: "Active users", query: "sum(active_users)" },
      { title: "Memory", query: "sum(process_memory_bytes)" },
    ],
  },
];
