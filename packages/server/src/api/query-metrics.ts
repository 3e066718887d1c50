/** Counts what queries read and remembers the latest, for the panels and lists that show which are heavy. */
import type { MetricSet } from "@nyanza/metrics";
import { quote } from "../http/arguments.ts";
import type { Logger } from "../process/logger.ts";
import type { QueryHistory } from "./query-history.ts";
import type { Evaluated } from "./task-runner.ts";

export interface MeasureOptions {
  readonly metrics: MetricSet;
  readonly history: QueryHistory;
  /** -search.logQueryMemoryUsage; 0 logs none. */
  readonly largeBytes: number;
  readonly logger: Logger;
}

/** Is told of each query what its samples, series, time and memory were. */
export function measureQueries(options: MeasureOptions): (text: string, rangeMs: number, evaluated: Evaluated) => void {
  const { history, largeBytes, logger, metrics } = options;
  const rowsPerQuery = metrics.getOrCreateHistogram("vm_rows_read_per_query");
  // Blocks are cut to the range before their samples are looked at: what is read is what is scanned.
  const rowsScanned = metrics.getOrCreateHistogram("vm_rows_scanned_per_query");
  const seriesPerQuery = metrics.getOrCreateHistogram("vm_series_read_per_query");
  const rowsPerSeries = metrics.getOrCreateHistogram("vm_rows_read_per_series");
  const largeQueries = metrics.getOrCreateCounter("vm_memory_intensive_queries_total");
  return (text, rangeMs, { cost, durationMs }) => {
    const memoryBytes = cost?.memoryBytes ?? 0;
    if (cost !== null) {
      rowsPerQuery.update(cost.samplesRead);
      rowsScanned.update(cost.samplesRead);
      seriesPerQuery.update(cost.seriesFetched);
      if (cost.seriesFetched > 0) rowsPerSeries.update(cost.samplesRead / cost.seriesFetched);
    }
    // Those that fail too, as in VictoriaMetrics: they have cost their time.
    history.add({ text, rangeMs, endedMs: Date.now(), durationMs, memoryBytes });
    if (largeBytes > 0 && memoryBytes >= largeBytes) {
      largeQueries.inc();
      logger.warn(
        `memory-intensive query according to -search.logQueryMemoryUsage=${largeBytes}: ${memoryBytes} bytes; query=${quote(text)}`,
      );
    }
  };
}
