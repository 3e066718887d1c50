/**
 * Many processes, one endpoint: workers of node:cluster and of a real PM2 are killed, restarted and reloaded while they count and are
 * scraped. The sums are right, whoever answers, and never go down.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { eventually, freePort, runCommand, startProcess } from "./support/process.ts";
import { makeFolder, type Scope, scoped } from "./support/scope.ts";

const script = fileURLToPath(new URL("./scripts/group-worker.js", import.meta.url));

const ANSWER_MS_MAX = 3000;

/** What the application should show: who has acknowledged how much. */
class Load {
  readonly #url: string;
  /** By pid: when a request was acknowledged, and how much it counted. */
  readonly acknowledged = new Map<number, { readonly atMs: number; readonly count: number }[]>();

  constructor(port: number) {
    this.#url = `http://127.0.0.1:${port}`;
  }

  /** Counts at one of the workers; its pid. A request that a dying worker did not take is asked of the next one, one it took is lost with it. */
  async work(count: number): Promise<number> {
    const pid = Number(await this.#fetch(`/work?count=${count}`, "POST"));
    const list = this.acknowledged.get(pid) ?? [];
    list.push({ atMs: performance.now(), count });
    this.acknowledged.set(pid, list);
    return pid;
  }

  /** A connection that the primary has handed to a worker killed at that moment is never answered. */
  async #fetch(path: string, method: string): Promise<string> {
    const response = await fetch(this.#url + path, { method, signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    assert.equal(response.status, 200);
    return await response.text();
  }

  get total(): number {
    return [...this.acknowledged.values()].flat().reduce((sum, { count }) => sum + count, 0);
  }

  /** Counts until `workers` processes have taken some; their pids. */
  async workAtEach(workers: number): Promise<number[]> {
    const pids = new Set<number>();
    for (let i = 0; i < 200 && pids.size < workers; i++) pids.add(await this.work(1 + (i % 7)));
    assert.equal(pids.size, workers, "workers that take requests");
    return [...pids];
  }

  async scrape(): Promise<Map<string, number>> {
    const text = await this.#fetch("/metrics", "GET");
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
    );
  }

  /** Each of several scrapes, by different workers, shows exactly what was acknowledged. */
  async expectExact(workers: number): Promise<void> {
    for (let i = 0; i < workers; i++) {
      const values = await this.scrape();
      assert.equal(values.get("app_requests_total"), this.total);
      assert.equal(values.get("app_sizes_count") ?? 0, this.total);
      assert.ok(Math.abs((values.get("app_busy_seconds_total") ?? 0) - this.total / 10) < 1e-6);
      assert.equal(values.get("app_processes"), workers);
      assert.equal(values.get("metrics_process_group_workers"), workers);
    }
  }

  /** Waits until `departed` processes have gone and `workers` are there. */
  async waitForWorkers(workers: number, departed: number): Promise<void> {
    const check = async (): Promise<boolean> => {
      const values = await this.scrape();
      const gone = values.get("metrics_process_group_departed_total");
      return gone === departed && values.get("metrics_process_group_workers") === workers;
    };
    await eventually(`${workers} workers, ${departed} gone`, check, 15_000, 50);
  }
}

/** Scrapes until it is told to end; fails if any sum has gone down. */
class Watch {
  scrapes = 0;
  #isEnding = false;
  readonly #done: Promise<void>;

  constructor(load: Load) {
    this.#done = this.#run(load);
    this.#done.catch(() => {});
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#done;
  }

  async #run(load: Load): Promise<void> {
    const highest = new Map<string, number>();
    while (!this.#isEnding) {
      // A worker that is killed takes the connections it had accepted with it.
      const values = await load.scrape().catch((error: unknown) => {
        if (error instanceof assert.AssertionError) throw error;
        return new Map<string, number>();
      });
      if (values.size > 0) this.scrapes++;
      for (const name of values.size === 0
        ? []
        : ["app_requests_total", "app_busy_seconds_total", "app_sizes_sum", "process_cpu_seconds_total"]) {
        const value = values.get(name) ?? 0;
        const before = highest.get(name) ?? 0;
        assert.ok(value >= before, `${name} fell from ${before} to ${value} after ${this.scrapes} scrapes`);
        highest.set(name, value);
      }
    }
  }
}

async function startCluster(scope: Scope, intervalMs: number): Promise<Load> {
  const port = await freePort();
  const load = new Load(port);
  await startProcess(scope, {
    command: process.execPath,
    args: [script],
    group: true,
    env: { PORT: String(port), WORKERS: "3", INTERVAL_MS: String(intervalMs), TMPDIR: makeFolder(scope, "tmp") },
    ready: async () => (await load.scrape()).get("metrics_process_group_workers") === 3,
  });
  return load;
}

test(
  "node:cluster: sums are exact over three workers, one killed, one ended, all killed at once",
  { timeout: 40_000 },
  scoped(async (scope) => {
    const intervalMs = 200;
    const load = await startCluster(scope, intervalMs);
    const [killed, ended] = await load.workAtEach(3);
    await load.expectExact(3);
    await load.workAtEach(3);
    // Nobody scrapes meanwhile: the interval alone must have stored it.
    await sleep(intervalMs * 2);
    process.kill(killed as number, "SIGKILL");
    process.kill(ended as number, "SIGTERM");
    await load.waitForWorkers(3, 2);
    const all = await load.workAtEach(3);
    await load.expectExact(3);
    // All at once: the primary lives, so nothing begins anew.
    for (const pid of all) process.kill(pid, "SIGKILL");
    await load.waitForWorkers(3, 5);
    await load.expectExact(3);
  }),
);

test(
  "node:cluster: what a killed worker loses is of its last moments; what it ends with in peace is kept",
  { timeout: 40_000 },
  scoped(async (scope) => {
    const intervalMs = 300;
    const load = await startCluster(scope, intervalMs);
    for (const [i, signal] of (["SIGTERM", "SIGKILL"] as const).entries()) {
      await load.expectExact(3);
      const victim = await load.work(0);
      const before = load.total;
      const startMs = performance.now();
      while (performance.now() < startMs + 8 * intervalMs) await load.work(1);
      const killedMs = performance.now();
      process.kill(victim, signal);
      await load.waitForWorkers(3, i + 1);
      const lost = load.total - ((await load.scrape()).get("app_requests_total") ?? 0);
      // A tick comes late on a busy machine: two intervals more of the eight.
      const young = (load.acknowledged.get(victim) ?? []).filter(({ atMs }) => atMs > killedMs - 3 * intervalMs);
      const youngest = young.reduce((sum, { count }) => sum + count, 0);
      console.log(`${signal}: ${load.total - before} counted, ${lost} lost, ${youngest} of the last three intervals`);
      if (signal === "SIGTERM") assert.equal(lost, 0);
      else assert.ok(lost >= 0 && lost <= youngest, `lost ${lost}, of the last three intervals ${youngest}`);
    }
  }),
);

test(
  "node:cluster: no sum goes down while workers are restarted ten times",
  { timeout: 40_000 },
  scoped(async (scope) => {
    const load = await startCluster(scope, 1000);
    const watches = [new Watch(load), new Watch(load)];
    for (let i = 0; i < 10; i++) {
      let victim = 0;
      for (let k = 0; k < 10; k++) victim = await load.work(3).catch(() => victim);
      process.kill(victim, i % 2 === 0 ? "SIGKILL" : "SIGTERM");
      await sleep(150);
    }
    await load.waitForWorkers(3, 10);
    for (const watch of watches) await watch.end();
    const values = await load.scrape();
    console.log(
      `${watches.map(({ scrapes }) => scrapes).join(" and ")} scrapes, ${values.get("app_requests_total")} of ${load.total} requests kept`,
    );
    assert.ok((values.get("app_requests_total") ?? 0) <= load.total);
  }),
);

test(
  "PM2: two processes in cluster mode, reloaded while they are scraped, and two in fork mode",
  { timeout: 80_000 },
  scoped(async (scope) => {
    const folder = makeFolder(scope, "pm2");
    const home = join(folder, "home");
    const install = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder, "pm2@7"];
    const installed = await runCommand(scope, "npm", install, { cwd: folder });
    assert.equal(installed.code, 0, installed.output);
    const port = await freePort();
    const env = {
      PM2_HOME: home,
      PM2_DISABLE_VERSION_CHECK: "true",
      TMPDIR: folder,
      PORT: String(port),
      INTERVAL_MS: "200",
    };
    const pm2 = async (...args: string[]): Promise<string> => {
      const { code, output } = await runCommand(
        scope,
        process.execPath,
        [join(folder, "node_modules/pm2/bin/pm2"), ...args],
        { cwd: folder, env },
      );
      assert.equal(code, 0, output);
      return output;
    };
    const pidFile = join(home, "pm2.pid");
    scope.onEnd(() => {
      // If its own command has not ended it.
      if (existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, "utf8")), "SIGKILL");
    });
    const load = new Load(port);
    await pm2("start", script, "--name", "app", "-i", "2", "--kill-timeout", "5000");
    await load.waitForWorkers(2, 0);
    const old = await load.workAtEach(2);
    await load.expectExact(2);
    const watch = new Watch(load);
    await pm2("reload", "app");
    await watch.end();
    await load.waitForWorkers(2, 2);
    const young = await load.workAtEach(2);
    assert.ok(young.every((pid) => !old.includes(pid)));
    await load.expectExact(2);
    console.log(`${watch.scrapes} scrapes during the reload`);

    // Fork mode has a port a process: another application, whose sums are its own.
    const forkPorts = [await freePort(), await freePort()];
    const forked = forkPorts.map((forkPort) => new Load(forkPort));
    const config = join(folder, "forked.json");
    const app = { name: "forked", script, exec_mode: "fork", instances: 2, env: { PORT: forkPorts.join(",") } };
    writeFileSync(config, JSON.stringify({ apps: [app] }));
    await pm2("start", config);
    for (const each of forked) await each.waitForWorkers(2, 0);
    await (forked[0] as Load).work(5);
    await (forked[1] as Load).work(7);
    for (const each of forked) assert.equal((await each.scrape()).get("app_requests_total"), 12);
    await load.expectExact(2);

    await pm2("delete", "all");
    await pm2("kill");
    assert.ok(!existsSync(pidFile));
  }),
);
