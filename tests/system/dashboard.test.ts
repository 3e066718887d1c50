/** VictoriaMetrics' own dashboard fills: every metric its panels ask for is on /metrics, and beside it the status pages agree with its server. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { getJson, http } from "./support/http.ts";
import { otherProgram, startNyanza } from "./support/nyanza.ts";
import { scoped } from "./support/scope.ts";
import { askBoth, loadBoth, startTwins } from "./support/twins.ts";

/** What the panels of dashboards/victoriametrics.json ask for, August 2026; what is Go's own is in docs/COMPATIBILITY.md. */
const METRICS = `
flag process_cpu_cores_available process_cpu_seconds_total process_io_read_syscalls_total process_io_storage_read_bytes_total
process_io_storage_written_bytes_total process_io_write_syscalls_total process_major_pagefaults_total process_max_fds process_num_threads
process_open_fds process_resident_memory_anon_bytes process_resident_memory_bytes process_resident_memory_file_bytes vm_active_merges
vm_app_start_timestamp vm_app_version vm_assisted_merges_total vm_available_cpu_cores vm_available_memory_bytes vm_cache_entries
vm_cache_misses_total vm_cache_requests_total vm_cache_size_bytes vm_cache_size_max_bytes vm_concurrent_insert_capacity
vm_concurrent_insert_current vm_concurrent_select_capacity vm_concurrent_select_current vm_concurrent_select_limit_reached_total
vm_concurrent_select_limit_timeout_total vm_data_size_bytes vm_deduplicated_samples_total vm_filestream_fsync_calls_total
vm_filestream_fsync_duration_seconds_total vm_free_disk_space_bytes vm_free_disk_space_limit_bytes vm_http_request_errors_total
vm_http_requests_total vm_last_partition_parts vm_log_messages_total vm_memory_intensive_queries_total vm_new_timeseries_created_total vm_parts vm_pending_rows
vm_relabel_metrics_dropped_total vm_request_duration_seconds vm_rows vm_rows_added_to_storage_total vm_rows_ignored_total
vm_rows_inserted_total vm_rows_merged_total vm_rows_read_per_query_bucket vm_rows_read_per_series_bucket vm_rows_scanned_per_query_bucket
vm_search_max_unique_timeseries vm_series_read_per_query_bucket vm_slow_queries_total vm_slow_row_inserts_total vm_snapshots vm_tcplistener_accepts_total vm_tcplistener_conns
vm_tcplistener_read_bytes_total vm_tcplistener_written_bytes_total`
  .trim()
  .split(/\s+/);
const PRESSURE = ["cpu", "io", "memory"].flatMap((resource) =>
  ["waiting", "stalled"].map((kind) => `process_pressure_${resource}_${kind}_seconds_total`),
);
/** By series, what the dashboard's expressions select by more than the name. */
const SERIES = [
  'vm_cache_entries{type="storage/hour_metric_ids"}',
  'vm_rows{type="indexdb/file"}',
  'vm_data_size_bytes{type="indexdb/file"}',
  'vm_pending_rows{type="storage"}',
  'vm_request_duration_seconds{path="/api/v1/query",quantile="0.99"}',
];

test(
  "every metric of the official dashboard is there after some traffic, with values that are true",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const { folder, url } = await startNyanza(scope);
    const nowMs = Date.now();
    const old = `m{n="9"} 1 ${nowMs + 30 * 86_400_000}\n`;
    const rows = Array.from({ length: 5 }, (_, n) => `m{n="${n}"} ${n} ${nowMs}\n`).join("");
    assert.equal((await http(`${url}/api/v1/import/prometheus`, { body: rows + old })).status, 204);
    assert.equal(
      (await http(`${url}/api/v1/import/prometheus`, { body: `x{${"a".repeat(257)}="1"} 1\n` })).status,
      204,
    );
    assert.equal((await http(`${url}/internal/force_flush`)).status, 200);
    assert.equal((await http(`${url}/api/v1/query?query=sum(m)`)).status, 200);
    const page = (await http(`${url}/metrics`)).text;
    const names = new Set(Array.from(page.matchAll(/^([a-zA-Z_:][\w:]*)/gm), ([, name]) => name));
    const wanted = [...METRICS, ...(existsSync("/sys/fs/cgroup/cpu.pressure") ? PRESSURE.slice(0, 1) : [])];
    assert.deepEqual(
      wanted.filter((name) => !names.has(name)),
      [],
    );
    const value = (series: string): number => {
      const line = page.split("\n").find((text) => text.startsWith(`${series} `));
      assert.ok(line !== undefined, series);
      return Number(line.slice(series.length + 1));
    };
    for (const series of SERIES) assert.ok(value(series) >= 0, series);
    assert.ok(value('vm_rows{type="storage/small"}') >= 5);
    assert.equal(value('vm_rows_ignored_total{reason="big_timestamp"}'), 1);
    assert.equal(value('vm_rows_ignored_total{reason="too_long_label_name"}'), 1);
    assert.equal(value('vm_rows_ignored_total{reason="too_many_labels"}'), 0);
    assert.ok(value("vm_filestream_fsync_calls_total") > 0);
    const path = `{path="${folder}"}`;
    assert.equal(value(`vm_free_disk_space_limit_bytes${path}`), 100_000_000);
    assert.ok(value(`vm_total_disk_space_bytes${path}`) >= value(`vm_free_disk_space_bytes${path}`));
    assert.equal(value(`vm_storage_is_read_only${path}`), 0);
    assert.equal(value("vm_app_prev_shutdown_unclean"), 0);
    // A line appears twice nowhere: scrapers refuse a page with such.
    const series = page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    const keys = series.map((line) => line.slice(0, line.lastIndexOf(" ")));
    assert.equal(new Set(keys).size, keys.length);
  }),
);

/** What its panels on queries draw, without the variables of the page. */
const QUERY_PANELS = [
  'sum(rate(vm_http_requests_total{path!~".*(/write|/metrics)"}[5s]))',
  "sum(rate(vm_http_requests_total[5s])) by (path) > 0",
  "sum(rate(vm_http_request_errors_total[5s])) by (job, path) > 0",
  'max(vm_request_duration_seconds{quantile="0.99"}) by (path) > 0',
  "sum(rate(vm_slow_queries_total[5s])) by (job) > 0",
  "histogram_quantile(0.99, sum(rate(vm_rows_read_per_series_bucket[5s])) by (job, vmrange))",
  "histogram_quantile(0.99, sum(rate(vm_rows_scanned_per_query_bucket[5s])) by (job, vmrange))",
  "histogram_quantile(0.99, sum(rate(vm_series_read_per_query_bucket[5s])) by (job, vmrange))",
  "histogram_quantile(0.99, sum(rate(vm_rows_read_per_query_bucket[5s])) by (job, vmrange))",
  // Of the alerts and the cluster's dashboard.
  "sum(rate(vm_concurrent_select_limit_reached_total[5s])) > 0",
  "max(vm_concurrent_select_current / vm_concurrent_select_capacity)",
  "sum(rate(vm_concurrent_select_limit_timeout_total[5s]))",
  "sum(rate(vm_memory_intensive_queries_total[5s])) > 0",
  "vm_search_max_unique_timeseries",
  "histogram_quantile(0.9, sum(rate(vm_http_request_duration_seconds_bucket[5s])) by (vmrange))",
];

test(
  "the dashboard's panels on queries have something to draw",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const flags = ["-selfScrapeInterval=1s", "-search.logSlowQueryDuration=1ms", "-search.logQueryMemoryUsage=1"];
    const { url } = await startNyanza(scope, { flags: [...flags, "-search.maxConcurrentRequests=1"] });
    const missing = new Set(QUERY_PANELS);
    const ask = (path: string, query: string): ReturnType<typeof http> =>
      http(`${url}${path}?query=${encodeURIComponent(query)}`);
    for (let round = 0; round < 30 && missing.size > 0; round++) {
      await Promise.all([
        ask("/api/v1/query", 'sum(rate({__name__=~"vm_.*"}[1m])) by (__name__)'),
        ask("/api/v1/query_range", "sum({job!=''}) by (__name__)"),
        ask("/api/v1/query", "m{"),
        http(`${url}/metrics`),
      ]);
      await new Promise((resolve) => setTimeout(resolve, 250));
      for (const panel of missing) {
        const { status, text } = await ask("/api/v1/query", panel);
        assert.equal(status, 200, `${panel}: ${text}`);
        if ((JSON.parse(text) as { data: { result: unknown[] } }).data.result.length > 0) missing.delete(panel);
      }
    }
    assert.deepEqual([...missing], []);
  }),
);

interface Status {
  readonly data: Record<string, number | readonly { readonly name: string; readonly value: number }[]>;
}

test(
  "/api/v1/status/tsdb and /api/v1/series/count beside victoria-metrics",
  { timeout: 60_000, skip: otherProgram !== undefined && "needs both programs" },
  scoped(async (scope) => {
    const twins = await startTwins(scope);
    const nowMs = Date.now();
    const rows: string[] = [];
    for (let i = 0; i < 300; i++) {
      rows.push(`m${i % 7}{job="j${i % 3}",instance="host${i % 40}",n="${i}"} ${i} ${nowMs}`);
      if (i < 50) rows.push(`yesterday{job="j${i % 3}",n="${i}"} ${i} ${nowMs - 86_400_000}`);
    }
    await loadBoth(twins, "/api/v1/import/prometheus", `${rows.join("\n")}\n`);
    const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
    for (const query of [
      "topN=1000",
      "topN=3",
      `topN=1000&date=${day(nowMs - 86_400_000)}`,
      `topN=1000&date=${day(nowMs - 40 * 86_400_000)}`,
      "topN=1000&match[]=m3",
      "topN=1000&match[]=%7Bjob%3D%22j1%22%7D&match[]=m0",
      "topN=1000&focusLabel=job",
    ]) {
      const target = `/api/v1/status/tsdb?${query}`;
      const ours = await getJson<Status>(twins.ours + target);
      const theirs = await getJson<Status>(twins.theirs + target);
      // Entries of one count come in any order there.
      const sorted = (answer: Status): unknown =>
        Object.fromEntries(
          Object.entries(answer.data).map(([name, list]) => [
            name,
            typeof list === "number"
              ? list
              : query.startsWith("topN=3")
                ? list.map(({ value }) => value)
                : [...list].sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1)),
          ]),
        );
      const ourData = sorted(ours) as Status["data"];
      for (const [name, list] of Object.entries(sorted(theirs) as Status["data"])) {
        assert.deepEqual(ourData[name], list, `${target}: ${name}`);
      }
    }
    const { ours, theirs } = await askBoth(twins, "/api/v1/series/count");
    assert.deepEqual((JSON.parse(ours.text) as Status).data, (JSON.parse(theirs.text) as Status).data);
    for (const bad of ["date=2026-02-30", "date=x", "topN=x", "match[]=%7B"]) {
      const { ours, theirs } = await askBoth(twins, `/api/v1/status/tsdb?${bad}`);
      assert.ok(
        ours.status >= 400 && ours.status < 500 && theirs.status >= 400,
        `${bad}: ${ours.status} ${theirs.status}`,
      );
    }
  }),
);
