/** /debug/pprof/: who gets a profile, in which form, and how many at a time. */
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { ask, type Reply, withServer } from "./start.test.support.ts";
import { withTwins } from "./start-twins.test.support.ts";

const PROFILE = "/debug/pprof/profile";
const HEAP = "/debug/pprof/heap";

test("a CPU profile for pprof and for a browser", () =>
  withServer([], async ({ port }) => {
    const pprof = await ask(port, `${PROFILE}?seconds=1`);
    assert.deepEqual([pprof.status, pprof.headers["content-type"]], [200, "application/octet-stream"]);
    assert.match(String(pprof.headers["content-disposition"]), /^attachment; filename="nyanza-[\dT-]+Z\.pprof"$/);
    assert.ok(gunzipSync(pprof.body).includes("nanoseconds"));
    const v8 = await ask(port, `${PROFILE}?seconds=1&format=cpuprofile`);
    const profile = JSON.parse(v8.text) as { nodes: unknown[]; samples: number[]; startTime: number; endTime: number };
    assert.ok(profile.nodes.length > 0 && profile.samples.length > 0);
    assert.ok(profile.endTime - profile.startTime >= 990_000);
    assert.match((await ask(port, "/debug/pprof/")).text, /^\/debug\/pprof\/profile/);
  }));

test("query workers are in a profile, and can be had alone", { timeout: 60_000 }, () =>
  withTwins([], async ({ alone, pooled }) => {
    const query = `/api/v1/query_range?query=${encodeURIComponent("sum(rate(rand(0)[1h:1s]))")}&start=1000000&end=1007200&step=15&nocache=1`;
    const work = async (): Promise<void> => {
      const { status, text } = await ask(pooled.port, query);
      assert.equal(status, 200, text);
    };
    const workingBeside = async (path: string): Promise<Reply> => {
      let reply: Reply | null = null;
      const taking = ask(pooled.port, path).then((taken) => {
        reply = taken;
      });
      while (reply === null) await work();
      await taking;
      return reply;
    };
    assert.match((await ask(pooled.port, `${PROFILE}?seconds=1&thread=query-1`)).text, /want main or none/);
    await work();
    // A second of a machine that is busy elsewhere may have seen little.
    for (let tries = 1; ; tries++) {
      const all = gunzipSync((await workingBeside(`${PROFILE}?seconds=1`)).body).toString("latin1");
      const missing = ["thread", "main", "query-1", "workers/", "http/"].filter((text) => !all.includes(text));
      if (missing.length === 0) break;
      assert.ok(tries < 10, missing.join());
    }
    const one = await workingBeside(`${PROFILE}?seconds=1&thread=query-1&format=cpuprofile`);
    assert.match(one.text, /tsdb/);
    assert.doesNotMatch(one.text, /http\/server\.js/);
    const main = gunzipSync((await workingBeside(`${PROFILE}?seconds=1&thread=main`)).body).toString("latin1");
    assert.ok(!main.includes("query-1"));
    const wrong = await ask(pooled.port, `${PROFILE}?seconds=1&thread=other`);
    assert.equal(wrong.status, 400);
    assert.match(wrong.text, /want main, query-1/);
    assert.equal((await ask(alone.port, `${PROFILE}?seconds=1`)).status, 200);
    // One that is given up ends in the workers as well.
    const dropped = httpRequest({ host: "127.0.0.1", port: pooled.port, path: `${PROFILE}?seconds=300`, agent: false });
    dropped.on("error", () => {}).end();
    while (!pooled.log.some((line) => line.includes("profile of 300 seconds"))) await sleep(2);
    dropped.destroy();
    while ((await ask(pooled.port, `${PROFILE}?seconds=1`)).status === 429) await sleep(5);
  }),
);

test("one at a time; a client that hangs up makes room", () =>
  withServer(["-pprofAuthKey=k"], async ({ log, port }) => {
    const first = httpRequest({ host: "127.0.0.1", port, path: `${PROFILE}?seconds=300&authKey=k`, agent: false });
    first.on("error", () => {});
    first.end();
    while (!log.some((line) => line.includes("taking a CPU profile of 300 seconds"))) await sleep(2);
    for (const path of [`${PROFILE}?seconds=1&authKey=k`, `${HEAP}?authKey=k`]) {
      const refused = await ask(port, path);
      assert.equal(refused.status, 429, path);
      const seconds = Number(refused.headers["retry-after"]);
      assert.ok(seconds > 200 && seconds <= 300, String(seconds));
      assert.match(refused.text, /one at a time/);
    }
    first.destroy();
    let reply = await ask(port, `${PROFILE}?seconds=1&authKey=k`);
    while (reply.status === 429) {
      await sleep(5);
      reply = await ask(port, `${PROFILE}?seconds=1&authKey=k`);
    }
    assert.equal(reply.status, 200);
  }));

test("a server that stops does not wait for a profile", () =>
  withServer(["-http.maxGracefulShutdownDuration=100ms"], async ({ log, port, server }) => {
    const profile = ask(port, `${PROFILE}?seconds=300`);
    while (!log.some((line) => line.includes("taking a CPU profile"))) await sleep(2);
    await server.stop();
    assert.equal((await profile).status, 503);
  }));

test("profiles: bad arguments, methods and callers are told so", () =>
  withServer(["-pprofAuthKey=k", "-httpAuth.username=u"], async ({ port }) => {
    for (const bad of ["seconds=0", "seconds=-1", "seconds=301", "seconds=1.5", "seconds=x", "seconds=1&format=svg"]) {
      const reply = await ask(port, `${PROFILE}?authKey=k&${bad}`);
      assert.equal(reply.status, 400, `${bad}: ${reply.text}`);
    }
    for (const path of [PROFILE, HEAP, "/debug/pprof/"]) {
      for (const query of ["", "?authKey=", "?authKey=x"]) assert.equal((await ask(port, path + query)).status, 401);
    }
    assert.equal((await ask(port, `${PROFILE}?authKey=k`, { method: "HEAD" })).status, 405);
    assert.equal((await ask(port, `${HEAP}?authKey=k`, { method: "POST" })).status, 405);
    assert.equal((await ask(port, "/debug/pprof/goroutine?authKey=k")).status, 400);
  }));

test("a heap snapshot is for those who have proved to be somebody", async () => {
  await withServer([], async ({ port }) => {
    const reply = await ask(port, HEAP);
    assert.equal(reply.status, 403);
    assert.match(reply.text, /set -pprofAuthKey or -httpAuth\.username/);
  });
});
