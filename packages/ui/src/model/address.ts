/**
 * The view as the part of the URL after `#`, in vmui's words, so that links made for vmui open here and the other way round:
 *
 *     #/?g0.expr=up&g0.range_input=1h&g0.relative_time=last_1_hour&g0.tab=0
 *     #/?g0.expr=up&g0.range_input=20m&g0.end_input=2026-01-02T03:04:05Z&g0.relative_time=none&g0.step_input=15s
 *
 * Several queries are numbered, and each is a graph of a board; `gN.title` is ours. Time, step and refresh are those of `g0`:
 *
 *     #/?g0.expr=up&g0.title=Up&g1.expr=rate(errors_total[1m])&g1.title=Errors&g0.range_input=5m&g0.refresh=5s
 *
 * A board of presets.ts goes by its name: `#/?board=application&g0.range_input=5m`.
 */
import { formatDuration, parseDurationMs } from "./duration.ts";
import { BOARDS } from "./presets.ts";
import { RANGE_CHOICES, type TimeRange } from "./time-range.ts";
import { type BoardGraph, REFRESH_CHOICES_MS, TABS, type Tab, type View } from "./view.ts";

/** vmui's numbers for tabs; it also takes names. */
const TAB_CODES: readonly (readonly [string, Tab])[] = [
  ["0", "graph"],
  ["1", "table"],
  ["3", "json"],
  ["chart", "graph"],
  ["code", "json"],
];

/** Addresses come from strangers too; more graphs than this are left out. */
const GRAPHS_MAX = 24;

/** Begins with `#`. */
export function formatAddress(view: View): string {
  const { range } = view;
  const params = new URLSearchParams();
  const preset = BOARDS.find(({ graphs }) => graphs === view.board);
  if (preset !== undefined) params.set("board", preset.id);
  const graphs = view.board.length === 0 ? [{ title: "", query: view.query }] : preset === undefined ? view.board : [];
  graphs.forEach(({ title, query }, i) => {
    params.set(`g${i}.expr`, query);
    if (title !== "") params.set(`g${i}.title`, title);
  });
  if (range.kind === "last") {
    params.set("g0.range_input", formatDuration(range.ms));
    const choice = RANGE_CHOICES.find(({ ms }) => ms === range.ms);
    if (choice !== undefined) params.set("g0.relative_time", choice.id);
  } else {
    params.set("g0.range_input", formatDuration(range.toMs - range.fromMs));
    params.set("g0.end_input", new Date(range.toMs).toISOString().replace(".000Z", "Z"));
    params.set("g0.relative_time", "none");
  }
  if (view.step !== "") params.set("g0.step_input", view.step);
  params.set("g0.tab", TAB_CODES.find(([, tab]) => tab === view.tab)?.[0] ?? "0");
  params.set("g0.refresh", formatDuration(view.refreshMs));
  return `#/?${params}`;
}

/** What the address does not say, or says wrongly, is taken from `fallback`: an address is typed by people. */
export function parseAddress(hash: string, fallback: View): View {
  const start = hash.indexOf("?");
  if (start < 0) return fallback;
  const params = new URLSearchParams(hash.slice(start + 1));
  const tab = params.get("g0.tab");
  const refresh = params.get("g0.refresh");
  const refreshMs = refresh === null ? null : (parseDurationMs(refresh) ?? 0);
  const board = parseBoard(params);
  return {
    query: board[0]?.query ?? params.get("g0.expr") ?? fallback.query,
    board,
    range: parseRange(params) ?? fallback.range,
    step: params.get("g0.step_input") ?? "",
    tab: TAB_CODES.find(([code]) => code === tab)?.[1] ?? TABS.find((name) => name === tab) ?? fallback.tab,
    refreshMs: refreshMs !== null && REFRESH_CHOICES_MS.includes(refreshMs) ? refreshMs : fallback.refreshMs,
  };
}

/** Empty if the address has neither a board's name nor two queries. Prometheus and vmui leave empty ones behind, and gaps where one was closed. */
function parseBoard(params: URLSearchParams): readonly BoardGraph[] {
  const preset = BOARDS.find(({ id }) => id === params.get("board"));
  if (preset !== undefined) return preset.graphs;
  const graphs: BoardGraph[] = [];
  for (let i = 0; i < GRAPHS_MAX; i++) {
    const query = params.get(`g${i}.expr`)?.trim() ?? "";
    if (query !== "") graphs.push({ title: params.get(`g${i}.title`) ?? "", query });
  }
  return graphs.length > 1 ? graphs : [];
}

function parseRange(params: URLSearchParams): TimeRange | null {
  const relative = params.get("g0.relative_time");
  const choice = RANGE_CHOICES.find(({ id }) => id === relative);
  if (choice !== undefined) return { kind: "last", ms: choice.ms };
  const ms = parseDurationMs(params.get("g0.range_input") ?? "");
  if (ms === null) return null;
  // Without a zone the time is the reader's own, as in vmui.
  const toMs = Date.parse(params.get("g0.end_input") ?? "");
  return Number.isNaN(toMs) ? { kind: "last", ms } : { kind: "fixed", fromMs: toMs - ms, toMs };
}
