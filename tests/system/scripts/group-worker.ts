/**
 * An application of many processes behind one port, as a test wants it: any of them counts, any of them is scraped.
 *
 *     node group-worker.js               a primary of node:cluster with WORKERS workers, which are replaced when they end
 *     pm2 start group-worker.js -i 2     workers of PM2's
 *
 * POST /work?count=3 counts three requests and answers the process's id; GET /metrics answers for the group.
 */
import cluster from "node:cluster";
import { createServer } from "node:http";
import { MetricSet } from "@nyanza/metrics";
import { joinProcessGroup } from "@nyanza/metrics/cluster";

if (cluster.isPrimary && process.env["pm_id"] === undefined) {
  for (let i = 0; i < Number(process.env["WORKERS"]); i++) cluster.fork();
  cluster.on("exit", () => cluster.fork());
} else {
  const set = new MetricSet();
  const requests = set.getOrCreateCounter("app_requests_total");
  const seconds = set.getOrCreateFloatCounter("app_busy_seconds_total");
  const sizes = set.getOrCreateHistogram("app_sizes");
  set.getOrCreateGauge("app_processes").set(1);
  const group = await joinProcessGroup({
    collect: () => set.collect(),
    intervalMs: Number(process.env["INTERVAL_MS"] ?? 1000),
  });
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    // A connection a request: the next one goes to the next worker.
    response.setHeader("connection", "close");
    if (url.pathname === "/metrics") {
      void group.writePrometheus().then((text) => response.end(text));
      return;
    }
    const count = Number(url.searchParams.get("count") ?? 0);
    requests.add(count);
    for (let i = 0; i < count; i++) {
      seconds.add(0.1);
      sizes.update(1 + i);
    }
    response.end(String(process.pid));
  });
  // Processes of PM2's fork mode cannot share a port: each has its own of the list.
  const ports = (process.env["PORT"] ?? "").split(",").map(Number);
  server.listen(ports[Number(process.env["NODE_APP_INSTANCE"] ?? 0)] ?? ports[0], "127.0.0.1");
  const finish = (): void => {
    server.close(() => process.exit(0));
  };
  process.on("SIGTERM", finish).on("SIGINT", finish);
}
