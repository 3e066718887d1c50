/**
 * A scrape endpoint for a set, in one line:
 *
 *     const endpoint = await serveMetrics(":9464");
 *     // scrape http://127.0.0.1:9464/metrics
 */
import { type Endpoint, type EndpointOptions, startEndpoint } from "../exposition/endpoint.ts";
import type { Family } from "../exposition/family.ts";
import { joinForScrape } from "../exposition/join.ts";
import { collectProcessMetrics, startProcessMetrics } from "../process/process-metrics.ts";
import { defaultSet } from "./default-set.ts";
import type { MetricSet } from "./metric-set.ts";

/** Where and what {@link serveMetrics} serves. */
export interface ServeOptions extends EndpointOptions {
  /** Default: the default set. */
  readonly set?: MetricSet;
  /** Show `process_*` and `nodejs_*` too. Default: true. */
  readonly processMetrics?: boolean;
}

/**
 * Serves the metrics of a set, with help and types, in the format the scraper prefers. `address` is a port, `":9464"` (all
 * addresses), `"127.0.0.1:9464"`, `"[::1]:9464"`, or options; port 0 takes a free one. The endpoint keeps no process alive that
 * has nothing else to do.
 * @throws EndpointError (`code`: `EADDRINUSE` …) if the address cannot be had; TypeError or RangeError if it makes no sense
 */
export async function serveMetrics(address: string | number | ServeOptions = {}): Promise<Endpoint> {
  const options: ServeOptions = typeof address === "object" ? address : parseAddress(address);
  const { set = defaultSet, processMetrics = true, ...where } = options;
  if (processMetrics) startProcessMetrics();
  return startEndpoint(() => collect(set, processMetrics), where);
}

function collect(set: MetricSet, processMetrics: boolean): Family[] {
  return joinForScrape(processMetrics ? [set.collect(), collectProcessMetrics()] : [set.collect()]);
}

/** `:port`, `host:port`, `[v6]:port` or a port. The port's range is the endpoint's to check. */
function parseAddress(address: string | number): EndpointOptions {
  if (typeof address === "number") return { port: address };
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^\s:[\]/]*)):(\d{1,5})$|^(\d{1,5})$/.exec(address);
  if (match === null) {
    throw new TypeError(
      `metrics endpoint: want an address like ":9464", "127.0.0.1:9464" or "[::1]:9464", got ${JSON.stringify(address)}`,
    );
  }
  const host = match[1] ?? match[2] ?? "";
  const port = Number(match[3] ?? match[4]);
  return host === "" ? { port } : { host, port };
}
