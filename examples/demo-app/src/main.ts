/**
 * The demo application: a shop, its customers, and what both look like in numbers. Start reading here.
 *
 *     PORT=3000 METRICS_PORT=9464 NYANZA_URL=http://127.0.0.1:8428 node dist/main.js
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { instrumentServer } from "@nyanza/metrics/http";
import { AppMetrics, startMetrics } from "@nyanza/metrics/otel";
import { sendCustomers } from "./customers.ts";
import { createShop, PATHS } from "./shop.ts";

const HOST = "127.0.0.1";
const { PORT = "3000", METRICS_PORT = "9464", NYANZA_URL = "http://127.0.0.1:8428" } = process.env;

// 1. Metrics first: instruments that are made earlier measure nothing.
const kit = await startMetrics({
  serviceName: "demo-app",
  serviceVersion: "1.0.0",
  environment: "demo",
  prometheus: { host: HOST, port: Number(METRICS_PORT) },
  otlp: { url: NYANZA_URL, intervalMs: 1000 },
  // A server that is away for a while is no reason to stop selling: the next push has everything.
  onError: (error) => console.error(error.message),
});

// 2. The service. Every request it answers is recorded by method, route and status; the labels come from its own list of paths.
const app = new AppMetrics();
const server = createServer(createShop(app));
instrumentServer(server, {
  metrics: app,
  route: ({ url = "" }) => PATHS.find((path) => url === path || url.startsWith(`${path}?`)),
  // Whoever only wants to know whether it runs.
  ignore: ({ url }) => url === "/",
});
await new Promise<void>((resolve, reject) => server.once("error", reject).listen(Number(PORT), HOST, resolve));
const url = `http://${HOST}:${(server.address() as AddressInfo).port}`;
console.log(`a shop at ${url}/, its metrics at ${kit.url}, pushed to ${NYANZA_URL}`);

// 3. Somebody to serve.
const customers = sendCustomers(url);

// 4. The end: customers log out, the last values are pushed, and nothing holds the process any longer. A second signal ends it at once.
const stop = async (): Promise<void> => {
  await customers.leave();
  server.close();
  await kit.shutdown();
};
process.once("SIGINT", stop);
process.once("SIGTERM", stop);
