/** Profiles of a real server: what a CPU profile names while a query runs, and a heap snapshot that can be read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { http } from "./support/http.ts";
import { startNyanza } from "./support/nyanza.ts";
import { scoped } from "./support/scope.ts";

const END = 1_767_225_600;

test(
  "/debug/pprof/profile names the work of a query",
  { timeout: 60_000 },
  scoped(async (scope) => {
    // A profile is of the main thread.
    const { url } = await startNyanza(scope, { flags: ["-selfScrapeInterval=0", "-search.workers=0"] });
    const lines = Array.from({ length: 200 }, (_, s) =>
      Array.from({ length: 60 }, (_, i) => `m{s="${s}"} ${i} ${(END - 900 + 15 * i) * 1000}\n`).join(""),
    );
    assert.equal((await http(`${url}/api/v1/import/prometheus`, { body: lines.join("") })).status, 204);
    const profile = http(`${url}/debug/pprof/profile?seconds=2`);
    const query = encodeURIComponent("count(quantile_over_time(0.5, m[10m]))");
    let isTaken = false;
    void profile.then(() => {
      isTaken = true;
    });
    while (!isTaken) {
      await http(`${url}/api/v1/query_range?query=${query}&start=${END - 900}&end=${END}&step=1&nocache=1`);
    }
    const { body, status } = await profile;
    assert.equal(status, 200);
    const texts = gunzipSync(body).toString("latin1");
    assert.ok(texts.includes("quantileOfColumn"), "no frame of the rollup");
  }),
);

test(
  "/debug/pprof/heap is a whole snapshot, compressed when asked for",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const { url } = await startNyanza(scope, { flags: ["-pprofAuthKey=k", "-selfScrapeInterval=0"] });
    assert.equal((await http(`${url}/debug/pprof/heap`)).status, 401);
    const packed = await http(`${url}/debug/pprof/heap?authKey=k`, { headers: { "accept-encoding": "gzip" } });
    assert.equal(packed.status, 200);
    assert.match(String(packed.headers["content-disposition"]), /\.heapsnapshot"$/);
    const { nodes, snapshot } = JSON.parse(gunzipSync(packed.body).toString()) as {
      nodes: number[];
      snapshot: { meta: { node_fields: string[] }; node_count: number };
    };
    assert.equal(nodes.length, snapshot.node_count * snapshot.meta.node_fields.length);
    assert.equal((await http(`${url}/health`)).status, 200);
  }),
);
