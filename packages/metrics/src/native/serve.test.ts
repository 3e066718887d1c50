import assert from "node:assert/strict";
import { test } from "node:test";
import { MetricSet } from "./metric-set.ts";
import { type ServeOptions, serveMetrics } from "./serve.ts";

test("serveMetrics shows a set and the process, with types", async () => {
  const set = new MetricSet();
  set.getOrCreateCounter('orders_total{kind="book"}').add(3);
  const text = await scrape({ set, host: "127.0.0.1", port: 0 });
  assert.match(text, /^# TYPE orders_total counter\norders_total\{kind="book"\} 3$/m);
  assert.match(text, /^# HELP process_start_time_seconds .+\n# TYPE process_start_time_seconds gauge\n/m);
  assert.match(text, /^nodejs_eventloop_lag_seconds /m);
});

test("the process's own metrics can be left out, and give way to the application's", async () => {
  const set = new MetricSet();
  set.getOrCreateGauge("process_start_time_seconds").set(5);
  assert.equal(
    await scrape({ set, host: "127.0.0.1", port: 0, processMetrics: false }),
    "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 5\n",
  );
  const both = await scrape({ set, host: "127.0.0.1", port: 0 });
  assert.match(both, /^process_start_time_seconds 5$/m);
  assert.match(both, /^metrics_dropped_samples 1$/m);
});

test("addresses", async () => {
  for (const address of ["127.0.0.1:0", ":0", "localhost:0", 0, "0"]) {
    const endpoint = await serveMetrics(address);
    assert.match(endpoint.url, /^http:\/\/(127\.0\.0\.1|localhost):\d+\/metrics$/);
    assert.notEqual(endpoint.port, 0);
    await endpoint.close();
  }
  for (const address of ["", ":", "x", "127.0.0.1", "::1:80", "http://x:80", "a b:80", ":99999999", ":-1"]) {
    await assert.rejects(serveMetrics(address), TypeError, address);
  }
  for (const address of [":65536", 65_536, -1, 1.5]) await assert.rejects(serveMetrics(address), RangeError);
});

async function scrape(options: ServeOptions): Promise<string> {
  const endpoint = await serveMetrics(options);
  try {
    return await (await fetch(endpoint.url, { headers: { connection: "close" } })).text();
  } finally {
    await endpoint.close();
  }
}
