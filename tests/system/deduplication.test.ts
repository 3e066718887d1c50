/**
 * Deduplication is VictoriaMetrics': the same random samples, sent in the same pieces to Debian's 1.79.5, leave the same ones, whatever was flushed and
 * merged. Times are distinct, or come again with the same value: which of several values wins is later than 1.79.5 (their issue 3333).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { scoped } from "./support/scope.ts";
import { askBoth, loadBoth, startTwins, type Twins } from "./support/twins.ts";

const START_MS = Date.UTC(2026, 0, 31, 23, 0, 0);
const SERIES = 12;

/** The same numbers in every run. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

async function compareAll(twins: Twins, what: string): Promise<void> {
  const window = `start=${START_MS / 1000 - 3600}&end=${START_MS / 1000 + 360_000}`;
  const { ours, theirs } = await askBoth(twins, `/api/v1/export?match[]=dup&${window}`);
  const lines = (text: string): string[] =>
    text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const { metric, timestamps, values } = JSON.parse(line) as Record<string, unknown>;
        return JSON.stringify([(metric as Record<string, string>)["n"], timestamps, values]);
      })
      .sort();
  assert.deepEqual(lines(ours.text), lines(theirs.text), what);
  assert.equal(lines(ours.text).length, SERIES, what);
}

for (const [interval, spreadMs] of [
  ["1ms", 2_000],
  ["1s", 60_000],
  ["7s", 600_000],
  ["1m", 7_200_000],
  ["1h", 200_000_000],
] as const) {
  test(
    `-dedup.minScrapeInterval=${interval}: what is left is what VictoriaMetrics leaves`,
    { timeout: 120_000 },
    scoped(async (scope) => {
      const twins = await startTwins(scope, [`-dedup.minScrapeInterval=${interval}`]);
      const roll = dice(spreadMs);
      for (let piece = 0; piece < 6; piece++) {
        const lines: string[] = [];
        for (let n = 0; n < SERIES; n++) {
          const count = 1 + roll(200);
          // On the ends of intervals, just behind them, and anywhere.
          const timestamps = Array.from({ length: count }, () => {
            const ms = START_MS + roll(spreadMs);
            return roll(3) > 0 ? ms : ms - (ms % 1000) + roll(2);
          });
          const values = timestamps.map((ms) => (ms * 7 + n) % 1009);
          lines.push(JSON.stringify({ metric: { __name__: "dup", n: String(n) }, timestamps, values }));
        }
        await loadBoth(twins, "/api/v1/import", lines.join("\n"));
        await compareAll(twins, `after piece ${piece}`);
      }
      await askBoth(twins, "/internal/force_merge");
      await compareAll(twins, "after a merge");
      for (const query of [
        "count_over_time(dup[1h])",
        "sum(sum_over_time(dup[3d])) by (n)",
        "last_over_time(dup[2h])",
      ]) {
        const path = `/api/v1/query?query=${encodeURIComponent(query)}&time=${START_MS / 1000 + 3600}`;
        const { ours, theirs } = await askBoth(twins, path);
        assert.deepEqual(JSON.parse(ours.text).data, JSON.parse(theirs.text).data, query);
      }
    }),
  );
}
