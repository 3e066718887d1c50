import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { collectProcessMetrics, startProcessMetrics, writeProcessMetrics } from "./process-metrics.ts";

function readSamples(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.trimEnd().split("\n")) {
    const match = /^([a-z_0-9]+(?:\{[^}]*\})?) (\S+)$/.exec(line);
    assert.ok(match, line);
    const [, name, value] = match as unknown as [string, string, string];
    assert.ok(!samples.has(name), `${name} twice`);
    samples.set(name, value === "+Inf" ? Number.POSITIVE_INFINITY : Number(value));
  }
  return samples;
}

/** Until the event loop's lag has been measured once. */
async function measuring(): Promise<void> {
  startProcessMetrics();
  while (!readSamples(writeProcessMetrics()).has("nodejs_eventloop_lag_mean_seconds")) await sleep(5);
}

test("a process's peak is its own, not that of a larger one that started it", {
  skip: process.platform !== "linux",
}, () => {
  const large = Buffer.alloc(200 << 20, 1);
  const program = new URL("./process-stats.js", import.meta.url).href;
  const script = `import(${JSON.stringify(program)}).then(({ collectProcessStats }) => collectProcessStats({ add(name, _t, _h, value) {
    if (name === "process_resident_memory_peak_bytes") console.log(value);
  } }))`;
  const peakBytes = Number(execFileSync(process.execPath, ["-e", script], { encoding: "utf8" }));
  assert.ok(peakBytes > 1e6 && peakBytes < large.length, String(peakBytes));
});

test("the process's own metrics", async () => {
  await measuring();
  const samples = readSamples(writeProcessMetrics());
  const get = (name: string) => samples.get(name) ?? assert.fail(name);
  assert.ok(get("process_cpu_seconds_total") > 0);
  assert.ok(
    Math.abs(
      get("process_cpu_seconds_total") -
        get("process_cpu_seconds_user_total") -
        get("process_cpu_seconds_system_total"),
    ) < 1e-6,
  );
  assert.ok(get("process_resident_memory_bytes") > 1e6);
  assert.ok(get("process_resident_memory_peak_bytes") > 1e6);
  assert.ok(Math.abs(get("process_start_time_seconds") + process.uptime() - Date.now() / 1000) < 5);
  assert.ok(get("nodejs_heap_size_total_bytes") >= get("nodejs_heap_size_used_bytes"));
  assert.ok(get("nodejs_external_memory_bytes") > 0);
  assert.ok(get("nodejs_eventloop_lag_seconds") >= 0);
  for (const part of ["min", "max", "mean", "stddev", "p50", "p90", "p99"]) {
    assert.ok(get(`nodejs_eventloop_lag_${part}_seconds`) >= 0, part);
  }
  const [major, minor, patch] = process.versions.node.split(".");
  assert.equal(
    get(`nodejs_version_info{major="${major}",minor="${minor}",patch="${patch}",version="${process.version}"}`),
    1,
  );
});

test("what /proc adds", { skip: !existsSync("/proc/self/status") }, () => {
  const samples = readSamples(writeProcessMetrics());
  const get = (name: string) => samples.get(name) ?? assert.fail(name);
  assert.ok(get("process_virtual_memory_bytes") > get("process_resident_memory_bytes") / 2);
  assert.ok(get("process_num_threads") >= 1);
  assert.ok(get("process_open_fds") >= 3);
  assert.ok(get("process_max_fds") >= get("process_open_fds"));
});

test("a blocked event loop shows as lag", async (t) => {
  await measuring();
  const now = performance.now.bind(performance);
  let aheadMs = 0;
  t.mock.method(performance, "now", () => now() + aheadMs);
  const readMaxLag = (): number => {
    // A window is a second at least.
    aheadMs += 1000;
    return readSamples(writeProcessMetrics()).get("nodejs_eventloop_lag_max_seconds") ?? Number.NaN;
  };
  readMaxLag();
  // The first firing after that is what the next one is measured from.
  await sleep(30);
  const untilMs = now() + 100;
  while (now() < untilMs);
  let lag = Number.NaN;
  for (let tries = 0; tries < 100 && !(lag > 0.08); tries++) {
    await sleep(5);
    lag = readMaxLag();
  }
  assert.ok(lag > 0.08 && lag < 30, String(lag));
});

test("a system that does not tell its memory costs those metrics only", (t) => {
  const fail = (): never => {
    throw Object.assign(new Error("too many open files"), { code: "EMFILE" });
  };
  t.mock.method(process.memoryUsage, "rss", fail);
  t.mock.method(process, "memoryUsage", fail);
  const samples = readSamples(writeProcessMetrics());
  assert.ok(!samples.has("process_resident_memory_bytes") && !samples.has("nodejs_external_memory_bytes"));
  assert.ok(samples.has("process_cpu_seconds_total") && samples.has('nodejs_heap_space_size_used_bytes{space="new"}'));
});

/** What `collectDefaultMetrics()` of prom-client 15 shows under Node 20 on Linux; dashboards are written against it. */
const PROM_CLIENT_NAMES: readonly string[] = [
  "nodejs_active_handles",
  "nodejs_active_handles_total",
  "nodejs_active_requests",
  "nodejs_active_requests_total",
  "nodejs_active_resources",
  "nodejs_active_resources_total",
  "nodejs_eventloop_lag_max_seconds",
  "nodejs_eventloop_lag_mean_seconds",
  "nodejs_eventloop_lag_min_seconds",
  "nodejs_eventloop_lag_p50_seconds",
  "nodejs_eventloop_lag_p90_seconds",
  "nodejs_eventloop_lag_p99_seconds",
  "nodejs_eventloop_lag_seconds",
  "nodejs_eventloop_lag_stddev_seconds",
  "nodejs_external_memory_bytes",
  "nodejs_gc_duration_seconds",
  "nodejs_heap_size_total_bytes",
  "nodejs_heap_size_used_bytes",
  "nodejs_heap_space_size_available_bytes",
  "nodejs_heap_space_size_total_bytes",
  "nodejs_heap_space_size_used_bytes",
  "nodejs_version_info",
  "process_cpu_seconds_total",
  "process_cpu_system_seconds_total",
  "process_cpu_user_seconds_total",
  "process_heap_bytes",
  "process_max_fds",
  "process_open_fds",
  "process_resident_memory_bytes",
  "process_start_time_seconds",
  "process_virtual_memory_bytes",
];

test("the names that dashboards ask for, each with its help", async () => {
  await measuring();
  const families = new Map(collectProcessMetrics().map((family) => [family.name, family]));
  for (const name of PROM_CLIENT_NAMES) {
    if (!existsSync("/proc/self/status") && /heap_bytes|fds|virtual/.test(name)) continue;
    assert.ok(families.has(name), name);
  }
  for (const { name, help, unit } of families.values()) {
    assert.match(help, /^[A-Z].+\.$/, name);
    assert.equal(unit, /_(bytes|seconds)(_total)?$/.exec(name)?.[1] ?? "", name);
  }
});

test("an open server is an active handle", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const samples = readSamples(writeProcessMetrics());
  server.close();
  await once(server, "close");
  const servers = samples.get(`nodejs_active_handles{type="Server"}`) as number;
  assert.ok(servers >= 1);
  assert.ok((samples.get("nodejs_active_handles_total") as number) >= servers);
  assert.ok((samples.get(`nodejs_active_resources{type="TCPServerWrap"}`) as number) >= 1);
});
