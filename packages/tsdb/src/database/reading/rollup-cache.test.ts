/** What a reader keeps of answers holds although samples are written elsewhere: it is told what comes late through shared memory. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { ManualClock } from "../../base/clock.ts";
import { Random } from "../../base/random.ts";
import { openDatabase } from "../database.ts";
import { Dashboards, START_MS } from "../testing/dashboards.ts";
import { connectReader } from "./reader.ts";

const TEXTS = ["m", "sum by (job) (rate(m[5m]))", "increase(m[2m])", "max_over_time(n[1m])", "topk(2, m)"];

test("a reader's answers are the same with what it keeps and without", async () => {
  for (const dialect of ["metricsql", "promql"] as const) {
    const folder = await mkdtemp(join(tmpdir(), "nyanza-reader-"));
    const clock = new ManualClock(START_MS);
    const db = await openDatabase(folder, { clock, fsync: "never" });
    const { port1, port2 } = new MessageChannel();
    db.serveReader(port1);
    const reader = connectReader(port2, { clock, rollupCacheBytes: 4 << 20 });
    try {
      const dashboards = new Dashboards(new Random(20261123), db, clock, reader);
      await dashboards.begin(
        TEXTS.map((text) => ({ text, dialect })),
        6,
      );
      for (let i = 0; i < 15; i++) await dashboards.round();
      const { partialHits } = reader.rollupCache;
      assert.ok(partialHits > 10, `${partialHits} partial hits`);
      assert.ok(dashboards.comparedPoints > 3_000);
    } finally {
      reader.close();
      await db.close();
      await rm(folder, { recursive: true });
    }
  }
});
