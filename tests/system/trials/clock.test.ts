/**
 * The wall clock jumps under a running server, an hour, two days and a year, ahead and back, while the monotonic clock goes on evenly: libfaketime, whose
 * offset is in a file. Nothing that is inside the retention is dropped, whatever flushes, merges and restarts happen meanwhile, and no timer sticks.
 */
import assert from "node:assert/strict";
import { existsSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { http } from "../support/http.ts";
import { startNyanza } from "../support/nyanza.ts";
import { eventually } from "../support/process.ts";
import { exportSeries } from "../support/query.ts";
import { makeFolder, scoped } from "../support/scope.ts";
import { report, trialMsMax } from "../support/trial.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const retentionDays = 10;

const jumps: readonly { readonly name: string; readonly ms: number }[] = [
  { name: "an hour ahead", ms: HOUR },
  { name: "an hour back", ms: -HOUR },
  { name: "two days ahead", ms: 2 * DAY },
  { name: "two days back", ms: -2 * DAY },
  { name: "a year ahead", ms: 365 * DAY },
  { name: "a year back", ms: -365 * DAY },
];
/** Longer than what the storage does every five seconds. */
const lookMs = 5_500;

const library = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"]
  .map((folder) => `${folder}/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path));

test(
  "jumps of the wall clock drop nothing inside the retention, and stop no timer",
  { timeout: trialMsMax },
  scoped(async (scope) => {
    assert.ok(library !== undefined, "libfaketime is not there: apt-get install faketime");
    const base = makeFolder(scope, "clock");
    const file = join(base, "offset");
    const setClock = (offsetMs: number): void => {
      // Put in place whole: the server reads it at any time.
      writeFileSync(`${file}.new`, `${offsetMs < 0 ? "-" : "+"}${Math.abs(offsetMs) / 1000}`);
      renameSync(`${file}.new`, file);
    };
    setClock(0);
    const options = {
      folder: join(base, "data"),
      flags: [`-retentionPeriod=${retentionDays}d`, "-wal.fsyncInterval=200ms"],
      env: {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
        FAKETIME_NO_CACHE: "1",
      },
    };
    let server = await startNyanza(scope, options);
    // From the edge of the retention to now: parts of two months as a rule, and a log.
    const sent = new Map<number, number>();
    let value = 0;
    const write = async (offsetMs: number): Promise<void> => {
      const ms = Date.now() + offsetMs;
      value++;
      const { status, text } = await http(`${server.url}/api/v1/import/prometheus`, {
        body: `clock{job="trial"} ${value} ${ms}\n`,
      });
      assert.equal(status, 204, text);
      sent.set(ms, value);
    };
    const walSyncs = async (): Promise<number> => {
      const { text } = await http(`${server.url}/metrics`);
      return Number(/^vm_wal_syncs_total (\d+)$/m.exec(text)?.[1]);
    };
    const check = async (when: string): Promise<void> => {
      const stored = [...(await exportSeries(server.url, "clock", { start: 0, end: 4e9 })).values()][0];
      const found = new Map(stored?.timestamps.map((ms, i) => [ms, stored.values[i]]));
      for (const [ms, wanted] of sent) assert.equal(found.get(ms), wanted, `${when}: ${new Date(ms).toISOString()}`);
      assert.equal(found.size, sent.size, when);
    };
    for (let day = retentionDays - 1; day >= 0; day--) {
      await write(-day * DAY - HOUR / 2);
      if (day === 5) await http(`${server.url}/internal/force_flush`);
    }
    await check("at first");
    for (const [i, { name, ms }] of jumps.entries()) {
      setClock(ms);
      const seconds = Number(
        (await http(`${server.url}/api/v1/query?query=time()&nocache=1`)).text.match(/"value":\[([\d.]+)/)?.[1],
      );
      const aheadMs = seconds * 1000 - Date.now();
      assert.ok(Math.abs(aheadMs - ms) < 60_000, `${name}: the server is ${aheadMs} ms ahead`);
      const syncs = await walSyncs();
      // What comes with the right time is inside the retention, unless the server thinks it is far ahead of time.
      if (ms > -2 * DAY) await write(-HOUR);
      else {
        // A probe in the server's own time, so that the log has something to sync.
        const probe = { body: `probe{n="${i}"} 1\n` };
        assert.equal((await http(`${server.url}/api/v1/import/prometheus`, probe)).status, 204);
      }
      await eventually(`${name}: the log is synced`, async () => (await walSyncs()) > syncs, 3_000, 50);
      await http(`${server.url}/internal/force_flush`);
      await http(`${server.url}/internal/force_merge`);
      await sleep(lookMs);
      await http(`${server.url}/internal/force_merge`);
      if (i % 2 === 0) {
        // A restart in the wrong time believes no more of it.
        await server.process.stop();
        server = await startNyanza(scope, options);
        await http(`${server.url}/internal/force_merge`);
        await sleep(lookMs);
      }
      const startMs = performance.now();
      assert.equal((await http(`${server.url}/health`)).status, 200);
      assert.ok(performance.now() - startMs < 2_000, `${name}: /health`);
      setClock(0);
      await write(-HOUR);
      await check(name);
    }
    await server.process.stop();
    report(
      "clock jumps",
      `${jumps.length} jumps, 3 restarts in the wrong time`,
      "0 samples inside the retention dropped",
    );
  }),
);
