/** Counts what queries read, for the panels that show which are heavy. */
import type { MetricSet } from "@nyanza/metrics";
import type { ServedDatabase } from "./database.ts";

type Queries = Pick<ServedDatabase, "query" | "queryRange">;
type Result = Awaited<ReturnType<Queries["query"]>>;

/** The database with histograms of the samples and series each query reads. */
export function measureQueries(database: Queries, metrics: MetricSet): Queries {
  const rowsPerQuery = metrics.getOrCreateHistogram("vm_rows_read_per_query");
  // Blocks are cut to the range before their samples are looked at: what is read is what is scanned.
  const rowsScanned = metrics.getOrCreateHistogram("vm_rows_scanned_per_query");
  const seriesPerQuery = metrics.getOrCreateHistogram("vm_series_read_per_query");
  const rowsPerSeries = metrics.getOrCreateHistogram("vm_rows_read_per_series");
  const count = (result: Result): Result => {
    const { samplesRead = 0, seriesFetched } = result.stats;
    rowsPerQuery.update(samplesRead);
    rowsScanned.update(samplesRead);
    seriesPerQuery.update(seriesFetched);
    if (seriesFetched > 0) rowsPerSeries.update(samplesRead / seriesFetched);
    return result;
  };
  return {
    query: async (text, options) => count(await database.query(text, options)),
    queryRange: async (text, options) => count(await database.queryRange(text, options)),
  };
}
