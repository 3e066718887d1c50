/**
 * Limits of series, and the calls for maintenance, beside Debian's VictoriaMetrics 1.79.5: which series stay, in which form, and which metric counts the
 * others.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { API_DIFFERENCES as API } from "./support/api-differences.ts";
import { http } from "./support/http.ts";
import { exportSeries } from "./support/query.ts";
import { scoped } from "./support/scope.ts";
import { askBoth, loadBoth, startTwins, type Twins } from "./support/twins.ts";

const START_MS = Date.now() - 3_600_000;

const load = (twins: Twins, metrics: readonly Record<string, string>[], timestampMs = START_MS): Promise<void> =>
  loadBoth(
    twins,
    "/api/v1/import",
    metrics.map((metric) => `${JSON.stringify({ metric, timestamps: [timestampMs], values: [1] })}\n`).join(""),
  );

/** Keys of all series of both. */
async function seriesOfBoth({ ours, theirs }: Twins): Promise<{ ours: string[]; theirs: string[] }> {
  const keys = async (url: string): Promise<string[]> => [...(await exportSeries(url, '{__name__!=""}')).keys()].sort();
  return { ours: await keys(ours), theirs: await keys(theirs) };
}

/** 0 if there is none. */
async function metricOf(url: string, name: string): Promise<number> {
  const line = (await http(`${url}/metrics`)).text.split("\n").find((text) => text.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length + 1));
}

const ignored = (reason: string): string => `vm_rows_ignored_total{reason="${reason}"}`;

for (const { what, flag, metric, kept, about, reason, theirMetric } of [
  {
    what: "too many labels",
    flag: "-maxLabelsPerTimeseries=3",
    metric: { __name__: "over", a: "1", b: "2", c: "3", d: "4" },
    kept: '[["__name__","over"],["a","1"],["b","2"]]',
    about: API.manyLabels,
    reason: "too_many_labels",
    theirMetric: "vm_metrics_with_dropped_labels_total",
  },
  {
    what: "a value that is too long",
    flag: "-maxLabelValueLen=5",
    metric: { __name__: "over", a: "123456" },
    kept: '[["__name__","over"],["a","12345"]]',
    about: API.longLabels,
    reason: "too_long_label_value",
    theirMetric: "vm_too_long_label_values_total",
  },
  {
    what: "a name that is too long",
    flag: "",
    metric: { __name__: "over", [`n${"x".repeat(256)}`]: "1" },
    kept: `[["__name__","over"],["n${"x".repeat(255)}","1"]]`,
    about: API.longNames,
    reason: "too_long_label_name",
    theirMetric: "vm_too_long_label_names_total",
  },
] as const) {
  test(
    `series with ${what}: here ${about.here}, there ${about.there}`,
    { timeout: 60_000 },
    scoped(async (scope) => {
      const twins = await startTwins(scope, flag === "" ? [] : [flag]);
      await load(twins, [{ __name__: "fits", a: "1" }, metric]);
      const { ours, theirs } = await seriesOfBoth(twins);
      const fits = '[["__name__","fits"],["a","1"]]';
      assert.deepEqual(ours, [fits]);
      assert.deepEqual(theirs, [fits, kept]);
      assert.equal(await metricOf(twins.ours, ignored(reason)), 1);
      assert.equal(await metricOf(twins.theirs, theirMetric), 1);
    }),
  );
}

for (const [period, flag] of [
  ["hourly", "-storage.maxHourlySeries"],
  ["daily", "-storage.maxDailySeries"],
] as const) {
  test(
    `${flag}: as many stay, and the same metric counts the others; those that are known go on here`,
    { timeout: 60_000 },
    scoped(async (scope) => {
      const limit = 200;
      const twins = await startTwins(scope, [`${flag}=${limit}`]);
      const metrics = Array.from({ length: 300 }, (_, i) => ({ __name__: "many", i: String(i) }));
      await load(twins, metrics.slice(0, limit));
      await load(twins, metrics);
      await load(twins, metrics.slice(0, limit), START_MS + 1000);
      const dropped = `vm_${period}_series_limit_rows_dropped_total`;
      const ours = await exportSeries(twins.ours, "many");
      assert.equal(ours.size, limit);
      for (const { timestamps } of ours.values())
        assert.equal(timestamps.at(-1), START_MS + 1000, API.knownAtLimit.here);
      assert.equal(await metricOf(twins.ours, dropped), 100);
      assert.equal(await metricOf(twins.ours, `vm_${period}_series_limit_current_series`), limit);
      assert.equal(await metricOf(twins.ours, `vm_${period}_series_limit_max_series`), limit);
      // Theirs are counted in a Bloom filter, which takes some that are new for known ones; and of the known ones all, half or none go on, run by run.
      const theirs = await exportSeries(twins.theirs, "many");
      assert.ok(Math.abs(theirs.size - limit) <= limit / 10, `${theirs.size}`);
      assert.ok((await metricOf(twins.theirs, dropped)) > 0);
    }),
  );
}

test(
  "/internal/force_merge and /internal/log_new_series",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const twins = await startTwins(scope);
    await load(twins, [{ __name__: "fits", a: "1" }]);
    for (const target of ["/internal/force_merge", "/internal/force_merge?partition_prefix=2020_01"]) {
      const { ours, theirs } = await askBoth(twins, target);
      assert.deepEqual([ours.status, ours.text], [theirs.status, theirs.text], target);
      assert.equal(ours.status, 200, target);
    }
    const { ours, theirs } = await seriesOfBoth(twins);
    assert.deepEqual(ours, theirs);
    const answers = await askBoth(twins, "/internal/log_new_series?seconds=1");
    assert.deepEqual([answers.ours.status, answers.theirs.status], [200, 400], API.logNewSeries.reason);
  }),
);
