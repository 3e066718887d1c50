/**
 * What the kit serves and pushes, as the real programs read it: promtool finds nothing to say, and Prometheus, VictoriaMetrics and our
 * server give back every value.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Endpoint, MetricSet, pushMetrics, serveMetrics } from "@nyanza/metrics";
import { getJson, http } from "./support/http.ts";
import { projectRoot, startNyanza } from "./support/nyanza.ts";
import { startPeer } from "./support/peers.ts";
import { eventually, runCommand, startProcess } from "./support/process.ts";
import { type PromSeries, queryInstant, seriesKey } from "./support/query.ts";
import { makeFolder, type Scope, scoped } from "./support/scope.ts";

/** Gauges that dashboards of prom-client know by these names. Nothing else may be said about us. */
const namesDashboardsFix: readonly string[] = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
];

const oddValue = 'ünï "quoted" \\ \u{1f980}\n\0},le="1"';

test(
  "promtool check metrics has nothing to say but of the names that dashboards fix",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const set = makeSet();
    const pusher = pushMetrics("http://127.0.0.1:9/", { set, retries: 0 });
    await assert.rejects(pusher.push());
    const endpoint = await serve(scope, set);
    await pusher.close({ flush: false });
    const { text } = await http(endpoint.url);
    for (const family of [
      "kit_orders_total",
      "kit_ranges_seconds",
      "metrics_push_errors_total",
      "process_cpu_seconds_total",
    ]) {
      assert.ok(text.includes(`\n# TYPE ${family} `), `${family} is served`);
    }
    const { stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
    const findings = `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
    assert.deepEqual(
      findings,
      namesDashboardsFix.map((name) => `${name} non-counter metrics should not have "_total" suffix`),
    );
  }),
);

test(
  "prometheus scrapes OpenMetrics from the kit, and stores every value",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const set = makeSet();
    const endpoint = await serve(scope, set);
    const prometheus = await startPeer(scope, "prometheus", { config: scrapeConfig(endpoint) });
    await eventually("a scrape", async () => (await readKit(prometheus.url)).size > 0);
    assert.deepEqual(await readKit(prometheus.url), expected(set));
    const { data } = await getJson<{ data: { activeTargets: { health: string; lastError: string }[] } }>(
      `${prometheus.url}/api/v1/targets`,
    );
    assert.deepEqual(
      data.activeTargets.map(({ health, lastError }) => [health, lastError]),
      [["up", ""]],
    );
    // Under the name without `_total`, which only OpenMetrics gives a counter's family.
    const metadata = await getJson<{ data: Record<string, { type: string; unit: string; help: string }[]> }>(
      `${prometheus.url}/api/v1/metadata`,
    );
    assert.deepEqual(metadata.data["kit_orders"], [{ type: "counter", unit: "", help: "Orders." }]);
    assert.deepEqual(metadata.data["kit_wait_seconds"], [{ type: "histogram", unit: "seconds", help: "Waits." }]);
    assert.equal(metadata.data["kit_ranges_seconds_bucket"]?.[0]?.type, "unknown");
    const [quantile] = await queryInstant(prometheus.url, "histogram_quantile(0.5, kit_wait_seconds_bucket)", now());
    assert.equal(Number(quantile?.value?.[1]), 0.55);
  }),
);

test(
  "victoria-metrics scrapes text from the kit, and stores every value",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const set = makeSet();
    const endpoint = await serve(scope, set);
    const config = join(makeFolder(scope, "scrape"), "scrape.yml");
    writeFileSync(config, scrapeConfig(endpoint));
    const { url } = await startPeer(scope, "victoria-metrics", { flags: [`-promscrape.config=${config}`] });
    await eventually("a scrape", async () => (await readKit(url)).size > 0);
    assert.deepEqual(await readKit(url), expected(set));
    // It reads the vmrange buckets as its own.
    const [median] = await queryInstant(url, "histogram_quantile(0.5, kit_ranges_seconds_bucket)", now());
    assert.ok(Math.abs(Number(median?.value?.[1]) - 0.25) < 0.25 * 0.14, JSON.stringify(median));
  }),
);

test(
  "pushMetrics reaches victoria-metrics and our server, and both give back every value",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const receivers = [
      { name: "victoria-metrics", url: (await startPeer(scope, "victoria-metrics")).url },
      { name: "nyanza", url: (await startNyanza(scope)).url },
    ];
    for (const { name, url } of receivers) {
      const set = makeSet();
      const orders = set.counter("kit_late_total", { help: "Counted after the first push." });
      const errors: Error[] = [];
      const pusher = pushMetrics(`${url}/api/v1/import/prometheus`, {
        set,
        extraLabels: { job: "kit", instance: "push" },
        onError: (error) => errors.push(error),
      });
      await pusher.push();
      orders.inc();
      // Pushes once more.
      await pusher.close();
      assert.deepEqual(errors, [], name);
      await eventually(`the last push in ${name}`, async () => {
        await showNow(url);
        const [late] = await queryInstant(url, "kit_late_total", now());
        return late?.value?.[1] === "1";
      });
      assert.deepEqual(await readKit(url), expected(set), name);
      // Of itself it has pushed what it knew before the last push.
      const [pushes] = await queryInstant(url, 'metrics_push_total{job="kit"}', now());
      assert.equal(pushes?.metric["url"], `${url}/api/v1/import/prometheus`, name);
      assert.equal(pushes?.value?.[1], "1", name);
    }
  }),
);

test(
  "pushMetrics and a receiver that goes away and comes back",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const first = await startPeer(scope, "victoria-metrics");
    const set = new MetricSet();
    const jobs = set.counter("kit_jobs_total", { help: "Jobs." });
    const errors: Error[] = [];
    const pusher = pushMetrics(`${first.url}/api/v1/import/prometheus`, {
      set,
      processMetrics: false,
      intervalMs: 100,
      retries: 1,
      timeoutMs: 2000,
      onError: (error) => errors.push(error),
    });
    scope.onEnd(() => pusher.close({ flush: false }));
    jobs.add(5);
    await eventually("the first value", async () => (await readJobs(first.url)) === "5");
    await first.process.kill();
    jobs.add(2);
    await eventually("a failed push", async () => errors.length > 0);
    assert.match(String(errors[0]), /^PushError: push to http:\/\/127\.0\.0\.1:\d+\/api\/v1\/import\/prometheus: /);
    await startProcess(scope, {
      command: "victoria-metrics",
      args: [
        `-httpListenAddr=127.0.0.1:${first.port}`,
        `-storageDataPath=${makeFolder(scope)}`,
        "-search.latencyOffset=0s",
      ],
      ready: async () => (await http(`${first.url}/health`)).status === 200,
    });
    await eventually("what was counted meanwhile", async () => (await readJobs(first.url)) === "7");
    assert.match(set.writePrometheus(), /^metrics_push_errors_total\{.*\} [1-9]/m);
  }),
);

test(
  "neither an endpoint that was scraped nor a pusher keeps a process alive that is done",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const program = `
      import { pushMetrics, serveMetrics } from "@nyanza/metrics";
      const endpoint = await serveMetrics("127.0.0.1:0");
      const pusher = pushMetrics(endpoint.url, { retries: 0 });
      console.log((await fetch(endpoint.url)).status, await pusher.push().catch((error) => error.status));
    `;
    const started = performance.now();
    const args = ["--input-type=module", "--eval", program];
    const { code, output } = await runCommand(scope, process.execPath, args, { cwd: projectRoot });
    assert.deepEqual([code, output], [0, "200 405\n"]);
    // Well before the interval, the connection's keep-alive and all timeouts.
    assert.ok(performance.now() - started < 5000);
  }),
);

async function readJobs(url: string): Promise<string | undefined> {
  await showNow(url);
  return (await queryInstant(url, "last_over_time(kit_jobs_total[1h])", now()))[0]?.value?.[1];
}

/** One of each kind, with values that are not easy. What stands still between scrapes. */
function makeSet(): MetricSet {
  const set = new MetricSet();
  const orders = set.counter("kit_orders_total", { help: "Orders.", labelNames: ["kind", "shop"] });
  orders.add(3, { kind: "book", shop: "a" });
  orders.add(2 ** 40, { kind: oddValue, shop: "__proto__" });
  set.floatCounter("kit_busy_seconds_total", { help: "Work.", unit: "seconds" }).add(0.1);
  const level = set.gauge("kit_level", { help: 'Odd "values"\\\n.', labelNames: ["of"] });
  level.set(1e300, { of: "big" });
  level.set(-0.25, { of: "negative" });
  level.set(Number.POSITIVE_INFINITY, { of: "infinite" });
  level.set(0, { of: "zero" });
  const wait = set.histogram("kit_wait_seconds", { help: "Waits.", unit: "seconds", buckets: [0.1, 1, 10, 1e6] });
  for (const seconds of [0.05, 0.5, 0.5, 5]) wait.update(seconds);
  const ranges = set.histogram("kit_ranges_seconds", {
    help: "Waits, by ranges.",
    unit: "seconds",
    labelNames: ["path"],
  });
  for (const seconds of [0.125, 0.25, 0.25, 512]) ranges.update(seconds, { path: "/a" });
  const summary = set.summary("kit_size_bytes", { help: "Sizes.", unit: "bytes", quantiles: [0.5, 1] });
  for (const bytes of [100, 200, 300]) summary.update(bytes);
  return set;
}

async function serve(scope: Scope, set: MetricSet): Promise<Endpoint> {
  const endpoint = await serveMetrics({ set, host: "127.0.0.1", port: 0 });
  scope.onEnd(() => endpoint.close());
  return endpoint;
}

function scrapeConfig(endpoint: Endpoint): string {
  return (
    "global: { scrape_interval: 1s }\n" +
    `scrape_configs: [{ job_name: kit, static_configs: [{ targets: ["127.0.0.1:${endpoint.port}"] }] }]\n`
  );
}

/** What a set shows, by series. */
function expected(set: MetricSet): Map<string, number> {
  const found = new Map<string, number>();
  for (const { name, samples } of set.collect()) {
    if (!name.startsWith("kit_")) continue;
    for (const { suffix, labels, value } of samples) {
      const pairs = [...labels.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/gs)].map(
        ([, label = "", text = ""]): [string, string] => [label, unescapeLabel(text)],
      );
      found.set(key(name + suffix, pairs), value);
    }
  }
  return found;
}

/** VictoriaMetrics shows what it took after some seconds, unless it is told to. */
async function showNow(url: string): Promise<void> {
  await http(`${url}/internal/force_flush`);
}

async function readKit(url: string): Promise<Map<string, number>> {
  await showNow(url);
  const found = await queryInstant(url, '{__name__=~"kit_.+",job="kit"}', now());
  return new Map(found.map((series) => [keyOf(series), Number((series.value?.[1] ?? "").replace("Inf", "Infinity"))]));
}

function keyOf({ metric }: PromSeries): string {
  const { __name__: name = "", job: _job, instance: _instance, ...labels } = metric;
  return key(name, Object.entries(labels));
}

/** A bound is the same number however it is printed: OpenMetrics has a form of its own. */
function key(name: string, labels: readonly (readonly [string, string])[]): string {
  const bounds = ["le", "quantile"];
  const same = labels.map(([label, text]) => [label, bounds.includes(label) ? String(Number(text)) : text] as const);
  return seriesKey([["__name__", name], ...same]);
}

function unescapeLabel(text: string): string {
  return text.replace(/\\(.)/gs, (_, char: string) => (char === "n" ? "\n" : char));
}

function now(): number {
  return Math.ceil(Date.now() / 1000) + 1;
}
