/** Counts what queries read and remembers the latest, for the panels and lists that show which are heavy. */
import type { MetricSet } from "@nyanza/metrics";
import { quote } from "../http/arguments.ts";
import type { Logger } from "../process/logger.ts";
import type { InstantQuery, RangeQuery, ServedDatabase } from "./database.ts";
import type { QueryHistory } from "./query-history.ts";

type Queries = Pick<ServedDatabase, "query" | "queryRange">;
type Result = Awaited<ReturnType<Queries["query"]>>;

export interface MeasureOptions {
  readonly metrics: MetricSet;
  readonly history: QueryHistory;
  /** -search.logQueryMemoryUsage; 0 logs none. */
  readonly largeBytes: number;
  readonly logger: Logger;
}

/** The database with its eyes on each query's samples, series, time and memory. */
export function measureQueries(database: Queries, options: MeasureOptions): Queries {
  const { history, largeBytes, logger, metrics } = options;
  const rowsPerQuery = metrics.getOrCreateHistogram("vm_rows_read_per_query");
  // Blocks are cut to the range before their samples are looked at: what is read is what is scanned.
  const rowsScanned = metrics.getOrCreateHistogram("vm_rows_scanned_per_query");
  const seriesPerQuery = metrics.getOrCreateHistogram("vm_series_read_per_query");
  const rowsPerSeries = metrics.getOrCreateHistogram("vm_rows_read_per_series");
  const largeQueries = metrics.getOrCreateCounter("vm_memory_intensive_queries_total");
  const count = ({ stats: { samplesRead = 0, seriesFetched } }: Result): void => {
    rowsPerQuery.update(samplesRead);
    rowsScanned.update(samplesRead);
    seriesPerQuery.update(seriesFetched);
    if (seriesFetched > 0) rowsPerSeries.update(samplesRead / seriesFetched);
  };
  const measure = async (text: string, rangeMs: number, work: () => Promise<Result>): Promise<Result> => {
    const startMs = performance.now();
    let memoryBytes = 0;
    try {
      const result = await work();
      memoryBytes = result.stats.memoryBytes ?? 0;
      count(result);
      return result;
    } finally {
      // Those that fail too, as in VictoriaMetrics: they have cost their time.
      history.add({ text, rangeMs, endedMs: Date.now(), durationMs: performance.now() - startMs, memoryBytes });
      if (largeBytes > 0 && memoryBytes >= largeBytes) {
        largeQueries.inc();
        logger.warn(
          `memory-intensive query according to -search.logQueryMemoryUsage=${largeBytes}: ${memoryBytes} bytes; query=${quote(text)}`,
        );
      }
    }
  };
  return {
    query: (text, query: InstantQuery) => measure(text, 0, () => database.query(text, query)),
    queryRange: (text, query: RangeQuery) =>
      measure(text, query.endMs - query.startMs, () => database.queryRange(text, query)),
  };
}
