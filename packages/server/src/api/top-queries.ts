/** /api/v1/status/top_queries: which of the latest queries came most often, took longest, needed most memory. */
import type { Handlers } from "../http/context.ts";
import { PIECE_BYTES } from "../http/pieces.ts";
import { StreamedAnswer } from "../http/response.ts";
import { JsonWriter } from "./json-writer.ts";
import type { QueryHistory, QueryTotals } from "./query-history.ts";
import { getDuration } from "./time-arguments.ts";

export interface TopQueriesOptions {
  readonly history: QueryHistory;
  /** Texts of the flags that say what is kept, by name. */
  readonly flagTexts: ReadonlyMap<string, string>;
}

const TOP_N = 20;
const TOP_N_MAX = 1000;
const LIFETIME_MS = 600_000;

interface Ranking {
  readonly name: string;
  /** What decides the place, and how it is printed beside the count; "" for the count itself. */
  readonly by: (totals: QueryTotals) => number;
  readonly member: string;
  readonly digits: number;
}

const RANKINGS: readonly Ranking[] = [
  { name: "topByCount", by: ({ count }) => count, member: "", digits: 0 },
  {
    name: "topByAvgDuration",
    by: ({ count, durationMs }) => durationMs / count / 1000,
    member: "avgDurationSeconds",
    digits: 3,
  },
  { name: "topBySumDuration", by: ({ durationMs }) => durationMs / 1000, member: "sumDurationSeconds", digits: 3 },
  {
    name: "topByAvgMemoryUsage",
    by: ({ count, memoryBytes }) => memoryBytes / count,
    member: "avgMemoryBytes",
    digits: 0,
  },
];

export function createTopQueriesHandler({ flagTexts, history }: TopQueriesOptions): Pick<Handlers, "topQueries"> {
  return {
    topQueries: async (context) => {
      const { args } = context;
      const topN = Math.min(Math.max(args.getInteger("topN", TOP_N), 0), TOP_N_MAX);
      const lifetimeMs = getDuration(args, "maxLifetime", LIFETIME_MS);
      const totals = history.totals(context.startMs - lifetimeMs);
      const json = new JsonWriter();
      const answer = new StreamedAnswer(context, { contentType: "application/json" });
      json.raw(`{"topN":"${topN}","maxLifetime":"${printGoDuration(lifetimeMs)}"`);
      for (const [name, text] of flagTexts) {
        json.raw(`,"${name}":`);
        // VictoriaMetrics' pages want numbers where there are no units.
        if (/^\d{1,15}$/.test(text)) json.raw(text);
        else json.string(text);
      }
      for (const ranking of RANKINGS) {
        json.raw(`,"${ranking.name}":[`);
        const places = totals.toSorted((a, b) => ranking.by(b) - ranking.by(a)).slice(0, topN);
        for (const [i, place] of places.entries()) {
          if (i > 0) json.comma();
          json.raw('{"query":');
          json.string(place.text);
          json.raw(`,"timeRangeSeconds":${place.rangeSeconds}`);
          if (ranking.member !== "") json.raw(`,"${ranking.member}":${ranking.by(place).toFixed(ranking.digits)}`);
          json.raw(`,"count":${place.count}}`);
          if (json.length >= PIECE_BYTES) await answer.write(json.take());
        }
        json.raw("]");
      }
      json.raw("}");
      await answer.end(json.finish());
    },
  };
}

/** As Go prints them: `10m0s`, `1h0m0.5s`, `250ms`. */
export function printGoDuration(ms: number): string {
  if (ms < 1000) return ms === 0 ? "0s" : `${ms}ms`;
  const minutes = Math.floor(ms / 60_000);
  const seconds = `${(ms - minutes * 60_000) / 1000}s`;
  if (minutes === 0) return seconds;
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${minutes}m${seconds}` : `${hours}h${minutes % 60}m${seconds}`;
}
