import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startProcessMetrics, writeProcessMetrics } from "./process-metrics.ts";

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

test("the process's own metrics", async () => {
  startProcessMetrics();
  await sleep(100);
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

test("a blocked event loop shows as lag", async () => {
  writeProcessMetrics();
  await sleep(1100);
  const until = performance.now() + 300;
  while (performance.now() < until);
  await sleep(50);
  const lag = readSamples(writeProcessMetrics()).get("nodejs_eventloop_lag_max_seconds") as number;
  assert.ok(lag > 0.2 && lag < 30, String(lag));
});
