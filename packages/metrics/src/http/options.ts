import type { Meter } from "@opentelemetry/api";
import type { AppMetrics } from "../app/app-metrics.ts";

/** What all kinds of server have in common. */
export interface ServerMetricsOptions<Request> {
  /** Where requests are recorded. If left out, one that is shared by all servers on the same meter. */
  readonly metrics?: AppMetrics;
  /** Where the instruments are made, if there is no `metrics`; the global meter provider's if left out. */
  readonly meter?: Meter;
  /** Requests for which this answers true are not recorded: health checks, the metrics endpoint itself. If it throws, they are. */
  readonly ignore?: (request: Request) => boolean;
}

/** What a framework's middleware takes besides. */
export interface RouteOptions<Request> extends ServerMetricsOptions<Request> {
  /**
   * The route of a request, `/users/:id`, asked for when the answer is out. `undefined`: what the router says. There must be few of
   * them; after the first 500 they are `other`. If it throws, the route is `(unmatched)` and the failure is counted.
   */
  readonly route?: (request: Request) => string | undefined;
}
