/**
 * `npm run demo` as somebody sees it who has just cloned the project: two programs come up, the page shows five graphs with lines, and
 * Ctrl-C leaves nothing behind.
 *
 * Looks are for people: NYANZA_SCREENSHOT_DIR=folder keeps pictures of the page.
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { BrowserContextOptions, Page } from "playwright-core";
import { launchBrowser } from "./support/browser.ts";
import { http } from "./support/http.ts";
import { projectRoot, startNyanza } from "./support/nyanza.ts";
import { eventually, type RunningProcess, runCommand, startProcess } from "./support/process.ts";
import { queryInstant } from "./support/query.ts";
import { makeFolder, type Scope, scoped } from "./support/scope.ts";

const program = join(projectRoot, "tools/dist/demo.js");
const screenshotFolder = process.env["NYANZA_SCREENSHOT_DIR"];

interface Demo {
  readonly process: RunningProcess;
  readonly graphsUrl: string;
  readonly serverUrl: string;
  readonly appUrl: string;
  readonly metricsUrl: string;
  readonly childPids: readonly number[];
  /** Everything it keeps on disk is in here. */
  readonly folder: string;
}

async function startDemo(scope: Scope, args: readonly string[] = []): Promise<Demo> {
  const folder = makeFolder(scope, "demo-tmp");
  const running = await startProcess(scope, {
    command: process.execPath,
    args: [program, ...args],
    env: { TMPDIR: folder },
  });
  const addressOf = (what: string): string =>
    new RegExp(`^ +${what} +(http\\S+)$`, "m").exec(running.output)?.[1] ?? "";
  await eventually("the addresses", async () => {
    if (!running.isRunning) throw new Error(running.output);
    return addressOf("its metrics") !== "";
  });
  const childPids = listChildren(running.pid);
  // They are in groups of their own: should the demo fail to end them, this does.
  scope.onEnd(() => {
    for (const pid of childPids.filter(isAlive)) process.kill(pid, "SIGKILL");
  });
  const graphsUrl = addressOf("graphs");
  return {
    process: running,
    graphsUrl,
    serverUrl: new URL(graphsUrl).origin,
    appUrl: addressOf("application"),
    metricsUrl: addressOf("its metrics"),
    childPids,
    folder,
  };
}

function listChildren(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function assertNothingLeft({ childPids, serverUrl, folder }: Demo): Promise<void> {
  assert.equal(childPids.length, 2);
  assert.deepEqual(childPids.filter(isAlive), []);
  await assert.rejects(http(`${serverUrl}/health`));
  assert.deepEqual(readdirSync(folder), []);
}

/** Pixels of each graph that have a colour, as lines do; text and grid are grey. */
async function countLinePixels(page: Page): Promise<number[]> {
  return page.evaluate<number[]>(`[...document.querySelectorAll(".graph-card .chart canvas")].map((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) {
      const [r, g, b, a] = data.subarray(i, i + 4);
      if (a > 200 && Math.max(r, g, b) - Math.min(r, g, b) > 60) count++;
    }
    return count;
  })`);
}

test(
  "the demo shows five graphs with lines soon, and Ctrl-C ends it whole",
  { timeout: 180_000 },
  scoped(async (scope) => {
    const browser = await launchBrowser(scope);
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const demo = await startDemo(scope);
    const upMs = performance.now();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(demo.graphsUrl);
    await eventually("five graphs with lines", async () => {
      const counts = await countLinePixels(page);
      return counts.length === 5 && counts.every((count) => count > 20);
    });
    const tookS = (performance.now() - upMs) / 1000;
    console.log(`lines in all five graphs after ${tookS.toFixed(1)} s`);
    assert.ok(tookS < 20, `${tookS} s`);
    assert.deepEqual(errors, []);

    const links = await page.locator(".graph-link").all();
    assert.equal(links.length, 5);
    for (const link of links) {
      const query = (await link.getAttribute("title")) ?? "";
      const series = await queryInstant(demo.serverUrl, query, Date.now() / 1000);
      assert.ok(series.length > 0, query);
      for (const { value } of series) assert.ok(Number(value?.[1]) >= 0, `${query}: ${value?.[1]}`);
    }
    const value = async (query: string): Promise<number> =>
      Number((await queryInstant(demo.serverUrl, query, Date.now() / 1000))[0]?.value?.[1]);
    const perSecond = await value("sum(rate(http_requests_total[30s]))");
    assert.ok(perSecond > 15 && perSecond < 100, `${perSecond} requests a second`);
    assert.ok((await value("sum(active_users)")) >= 5);
    assert.ok((await value("sum(process_memory_bytes)")) > 10e6);

    const scraped = await http(demo.metricsUrl);
    assert.equal(scraped.status, 200);
    for (const name of ["http_requests_total", "business_orders_total", "cache_hits_total", "shop_emails_total"]) {
      assert.match(scraped.text, new RegExp(`^${name}\\{`, "m"));
    }
    assert.equal((await http(demo.appUrl)).status, 200);
    await takePictures(scope, demo.graphsUrl);

    demo.process.signal("SIGINT");
    assert.deepEqual(await demo.process.exited, { code: 0, signal: null });
    await assertNothingLeft(demo);
  }),
);

/** Waits a minute until the graphs have a shape, then looks at them in both colours and on a phone. */
async function takePictures(scope: Scope, url: string): Promise<void> {
  if (screenshotFolder === undefined) return;
  mkdirSync(screenshotFolder, { recursive: true });
  await sleep(60_000);
  const browser = await launchBrowser(scope);
  const looks: [string, BrowserContextOptions][] = [
    ["light", { colorScheme: "light", viewport: { width: 1280, height: 800 } }],
    ["dark", { colorScheme: "dark", viewport: { width: 1280, height: 800 } }],
    ["narrow", { colorScheme: "dark", viewport: { width: 400, height: 820 } }],
  ];
  for (const [look, options] of looks) {
    const page = await browser.newPage(options);
    await page.goto(url);
    await page.locator(".graph-card .chart canvas").nth(4).waitFor();
    await page.waitForTimeout(500);
    await page.screenshot({ path: join(screenshotFolder, `demo-${look}.png`), fullPage: true });
  }
}

test(
  "the demo takes another port when 8428 is taken, and ends by itself",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const squatter = createServer().on("error", () => {});
    squatter.listen(8428, "127.0.0.1");
    scope.onEnd(() => void squatter.close());
    const demo = await startDemo(scope, ["--seconds=2"]);
    assert.notEqual(new URL(demo.serverUrl).port, "8428");
    assert.deepEqual(await demo.process.exited, { code: 0, signal: null });
    await assertNothingLeft(demo);
  }),
);

test(
  "the demo ends whole, with exit code 1 and the reason, when one of its programs does",
  { timeout: 60_000 },
  scoped(async (scope) => {
    for (const [i, name] of ["the server", "the demo application"].entries()) {
      const demo = await startDemo(scope);
      process.kill(demo.childPids[i] as number, "SIGKILL");
      assert.deepEqual(await demo.process.exited, { code: 1, signal: null });
      assert.match(demo.process.output, new RegExp(`demo: ${name} ended by itself: SIGKILL`));
      await assertNothingLeft(demo);
    }
  }),
);

test(
  "the demo ends when the shell between npm and it is gone",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const folder = makeFolder(scope, "demo-tmp");
    const shell = await startProcess(scope, {
      command: "sh",
      args: ["-c", `'${process.execPath}' '${program}'; true`],
      env: { TMPDIR: folder, npm_lifecycle_event: "demo" },
    });
    await eventually("the addresses", async () => shell.output.includes("its metrics"));
    const [demoPid = 0] = listChildren(shell.pid);
    const pids = [demoPid, ...listChildren(demoPid)];
    scope.onEnd(() => {
      for (const pid of pids.filter(isAlive)) process.kill(pid, "SIGKILL");
    });
    assert.equal(pids.length, 3);
    await shell.kill();
    await eventually("all of them to end", async () => !pids.some(isAlive));
    assert.deepEqual(readdirSync(folder), []);
  }),
);

test(
  "the application alone: its customers log out before it ends, and the server hears of it",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const { url } = await startNyanza(scope);
    const app = await startProcess(scope, {
      command: process.execPath,
      args: [join(projectRoot, "examples/demo-app/dist/main.js")],
      env: { PORT: "0", METRICS_PORT: "0", NYANZA_URL: url },
    });
    const users = async (): Promise<number> =>
      Number((await queryInstant(url, "active_users", Date.now() / 1000))[0]?.value?.[1]);
    await eventually("users", async () => (await users()) > 5);
    assert.deepEqual(await app.stop(), { code: 0, signal: null });
    assert.equal(await users(), 0);
  }),
);

test(
  "the demo says what it does not understand",
  scoped(async (scope) => {
    const run = (...args: string[]) => runCommand(scope, process.execPath, [program, ...args]);
    const help = await run("--help");
    assert.equal(help.code, 0);
    assert.match(help.output, /--seconds=N/);
    const wrong = await run("--port=lake");
    assert.equal(wrong.code, 1);
    assert.match(wrong.output, /^demo: --port wants a whole number/);
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, "127.0.0.1", resolve));
    scope.onEnd(() => void squatter.close());
    const { port } = squatter.address() as { port: number };
    const taken = await run(`--port=${port}`);
    assert.equal(taken.code, 1);
    assert.match(taken.output, new RegExp(`somebody listens at 127.0.0.1:${port} already`));
  }),
);
