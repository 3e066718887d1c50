/** Stopping and not starting: signals lose nothing, and what keeps the server from starting is one clear line. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { Agent } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { getJson, http } from "./support/http.ts";
import { nyanzaFlags, nyanzaProgram, startNyanza } from "./support/nyanza.ts";
import { freePort, runCommand } from "./support/process.ts";
import { exportSeries, seriesKey } from "./support/query.ts";
import { remoteWrite, seriesOf } from "./support/remote-write.ts";
import { makeFolder, type Scope, scoped } from "./support/scope.ts";

const startMs = Date.UTC(2026, 5, 1);

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(
    `${signal} under load: exits 0 and loses nothing`,
    { timeout: 60_000 },
    scoped(async (scope) => {
      const folder = makeFolder(scope);
      const { url, process } = await startNyanza(scope, { folder });
      const acknowledged: number[] = [];
      let next = 0;
      let running = true;
      const agent = new Agent({ keepAlive: true });
      const writer = async (): Promise<void> => {
        while (running) {
          const from = next;
          next += 100;
          const series = Array.from({ length: 100 }, (_, i) =>
            seriesOf("stopped", { n: String(i) }, [[startMs + from * 10, from + i]]),
          );
          const status = await remoteWrite(url, series, { agent }).then(
            (answer) => answer.status,
            () => 0,
          );
          if (status === 204) for (let i = 0; i < 100; i++) acknowledged.push(from + i);
          // 503 while it shuts down is an honest refusal.
          else if (status !== 503) break;
        }
      };
      const writers = Promise.all([writer(), writer(), writer()]);
      await sleep(700);
      process.signal(signal);
      const status = await process.exited;
      running = false;
      await writers;
      agent.destroy();
      assert.deepEqual(status, { code: 0, signal: null }, process.tail());
      assert.ok(acknowledged.length > 1000, `${acknowledged.length} acknowledged`);

      const again = await startNyanza(scope, { folder });
      const stored = await exportSeries(again.url, "stopped");
      const values = new Set([...stored.values()].flatMap((series) => series.values));
      const missing = acknowledged.filter((value) => !values.has(value));
      assert.deepEqual(missing.slice(0, 10), [], `${missing.length} of ${acknowledged.length} missing`);
      assert.ok(stored.has(seriesKey({ __name__: "stopped", n: "99" })));
      await again.process.stop();
    }),
  );
}

test(
  "100,000 active series are written out and the process gone within 10 seconds; a second signal waits for nothing and loses nothing",
  { timeout: 120_000 },
  scoped(async (scope) => {
    const folder = makeFolder(scope);
    const flags = ["-selfScrapeInterval=0s"];
    let server = await startNyanza(scope, { folder, flags });
    const nowMs = Date.now();
    for (let piece = 0; piece < 10; piece++) {
      const lines = Array.from(
        { length: 10_000 },
        (_, i) => `many{job="stop",instance="host${i % 100}",n="${piece * 10_000 + i}"} ${i} ${nowMs}\n`,
      );
      const { status } = await http(`${server.url}/api/v1/import/prometheus`, { body: lines.join("") });
      assert.equal(status, 204);
    }
    const signalledMs = performance.now();
    server.process.signal("SIGTERM");
    assert.deepEqual(await server.process.exited, { code: 0, signal: null }, server.process.tail());
    const tookMs = performance.now() - signalledMs;
    assert.ok(tookMs < 10_000, `${tookMs} ms`);

    server = await startNyanza(scope, { folder, flags: [...flags, "-http.shutdownDelay=60s"] });
    const { status } = await http(`${server.url}/api/v1/import/prometheus`, { body: `many{n="last"} 1 ${nowMs}\n` });
    assert.equal(status, 204);
    server.process.signal("SIGTERM");
    for (let answer = 200; answer === 200; ) answer = (await http(`${server.url}/health`)).status;
    server.process.signal("SIGTERM");
    assert.deepEqual(await server.process.exited, { code: 1, signal: null }, server.process.tail());

    server = await startNyanza(scope, { folder, flags });
    const { data } = await getJson<{ data: number[] }>(`${server.url}/api/v1/series/count`);
    assert.deepEqual(data, [100_001]);
    assert.match((await http(`${server.url}/metrics`)).text, /^vm_app_prev_shutdown_unclean 1$/m);
    await server.process.stop();
  }),
);

/** Starts a server that cannot start; returns what it printed last. */
async function failToStart(scope: Scope, flags: readonly string[]): Promise<string> {
  const startedMs = performance.now();
  const { code, output } = await runCommand(scope, process.execPath, [nyanzaProgram, ...flags]);
  assert.equal(code, 1, output);
  assert.ok(performance.now() - startedMs < 15_000, "gave up within 15 s");
  assert.doesNotMatch(output, /\n\s+at |node:internal|Node\.js v/, `a stack trace helps nobody here:\n${output}`);
  const complaints = output
    .trim()
    .split("\n")
    .filter((line) => /error|fatal|cannot|unknown/i.test(line));
  assert.equal(complaints.length, 1, `wanted one clear line:\n${output}`);
  return complaints[0] as string;
}

test(
  "a port in use: one line that names it, exit 1",
  { timeout: 30_000 },
  scoped(async (scope) => {
    const port = await freePort();
    const server = createServer().listen(port, "127.0.0.1");
    scope.onEnd(() => void server.close());
    const line = await failToStart(scope, nyanzaFlags(makeFolder(scope), port));
    assert.match(line, new RegExp(`${port}`));
    assert.match(line, /in use/i);
  }),
);

test(
  "a data folder that another server has: one line that names it, exit 1, and the other lives on",
  { timeout: 30_000 },
  scoped(async (scope) => {
    const folder = makeFolder(scope);
    const first = await startNyanza(scope, { folder });
    const line = await failToStart(scope, nyanzaFlags(folder, await freePort()));
    assert.ok(line.includes(folder), line);
    assert.match(line, /lock|in use|another/i);
    assert.equal((await remoteWrite(first.url, [seriesOf("alive", {}, [[startMs, 1]])])).status, 204);
    await first.process.kill();
    // The lock of a killed server is taken over.
    const second = await startNyanza(scope, { folder });
    assert.equal((await exportSeries(second.url, "alive")).size, 1);
  }),
);

test(
  "a data folder that is a file, or lies where none can be: one line that names it, exit 1",
  { timeout: 30_000 },
  scoped(async (scope) => {
    const folder = makeFolder(scope);
    const file = join(folder, "file");
    writeFileSync(file, "not a folder");
    for (const path of [file, join(file, "below"), "/proc/nyanza"]) {
      const line = await failToStart(scope, nyanzaFlags(path, await freePort()));
      assert.ok(line.includes(path), line);
    }
  }),
);

test(
  "an unknown flag: refused with the nearest name, exit 1",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const folder = makeFolder(scope);
    const line = await failToStart(scope, [...nyanzaFlags(folder, await freePort()), "-retentionPeriods=1d"]);
    assert.match(line, /retentionPeriods.*retentionPeriod/, "an unknown flag names the nearest one");
  }),
);
