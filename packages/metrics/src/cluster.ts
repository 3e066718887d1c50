/**
 * The door for applications of many processes behind one port: node:cluster, PM2.
 *
 *     import { joinProcessGroup } from "@nyanza/metrics/cluster";
 *
 *     const group = await joinProcessGroup();                  // in every worker, nothing to configure
 *     createServer((request, response) => {
 *       if (request.url === "/metrics") return void answerScrape(request, response, () => group.collect());
 *       …
 *     });
 *
 * Whatever collects the metrics of one process can stand behind it: `joinProcessGroup({ collect, processMetrics: false })` with the
 * `collect` that an endpoint would have been given, then `() => group.collect()` to the endpoint in its place.
 *
 * Start reading at cluster/process-group.ts.
 *
 * @module
 */
export {
  type GroupWorker,
  type GroupWriteOptions,
  joinProcessGroup,
  type ProcessGroup,
  type ProcessGroupOptions,
} from "./cluster/process-group.ts";
