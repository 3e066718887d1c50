/**
 * The page at /vmui in a real browser, before the real server: what a newcomer sees first.
 *
 * Looks are for people: NYANZA_SCREENSHOT_DIR=folder keeps the pictures the last test takes. With NYANZA_TEST_PROGRAM set, that
 * program answers the queries and this file hands out the page.
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer, request as forward } from "node:http";
import { extname, join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import type { Browser, BrowserContextOptions, Locator, Page, Request } from "playwright-core";
import { launchBrowser } from "./support/browser.ts";
import { http } from "./support/http.ts";
import { type Nyanza, projectRoot, startNyanza } from "./support/nyanza.ts";
import { freePort } from "./support/process.ts";
import { makeFolder, Scope, withScope } from "./support/scope.ts";

const pageFolder = join(projectRoot, "packages/ui/dist/page");
const isOtherProgram = process.env["NYANZA_TEST_PROGRAM"] !== undefined;
const screenshotFolder = process.env["NYANZA_SCREENSHOT_DIR"];

const hostileValue = `"><img src=x onerror="window.isHacked=1"><script>window.isHacked=1</script>'`;
const hostileName = `hostile_<img/src=x/onerror="window.isHacked=1">`;

const scope = new Scope();
let server: Nyanza;
let browser: Browser;

before(async () => {
  server = await startNyanza(scope, { flags: ["-selfScrapeInterval=1s"] });
  browser = await launchBrowser(scope);
  await storeHostileSeries();
});

after(() => scope.end());

/** A label value and a metric name that are HTML, and a minute of points so that there is a line to hover. */
async function storeHostileSeries(): Promise<void> {
  const nowMs = Date.now();
  const timestamps = Array.from({ length: 61 }, (_, i) => nowMs - (60 - i) * 1000);
  const values = timestamps.map((_, i) => i);
  const lines = [
    { metric: { __name__: "hostile_value", label: hostileValue }, values, timestamps },
    { metric: { __name__: hostileName, label: "x" }, values, timestamps },
  ];
  const body = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  const answer = await http(`${server.url}/api/v1/import`, { body });
  assert.equal(answer.status, 204, answer.text);
}

interface Visit {
  readonly page: Page;
  /** Everything the console said as an error, and errors nobody caught. A refused Content-Security-Policy is one. */
  readonly errors: string[];
  /** Range queries the page has sent, from the first on. */
  readonly ranges: RangeRequest[];
}

interface RangeRequest {
  readonly query: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly step: string;
}

/** Opens the page in a window of its own, runs `body`, and fails if the page complained. */
async function visit(
  address: string,
  body: (visit: Visit) => Promise<void>,
  options: BrowserContextOptions = {},
  url = server.url,
): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const errors: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    const ranges: RangeRequest[] = [];
    page.on("request", (request) => {
      if (isRangeRequest(request)) ranges.push(rangeOf(request));
    });
    if (isOtherProgram) await servePage(page);
    await page.goto(`${url}/vmui/${address}`);
    await body({ page, errors, ranges });
    assert.deepEqual(errors, []);
  } finally {
    await context.close();
  }
}

async function servePage(page: Page): Promise<void> {
  const types = new Map([
    [".html", "text/html"],
    [".js", "text/javascript"],
    [".css", "text/css"],
    [".svg", "image/svg+xml"],
  ]);
  await page.route("**/vmui/**", async (route) => {
    const path = new URL(route.request().url()).pathname.replace(/^.*\/vmui\//, "") || "index.html";
    await route.fulfill({
      body: readFileSync(join(pageFolder, path)),
      contentType: types.get(extname(path)) ?? "text/plain",
      headers: { "content-security-policy": "default-src 'self'" },
    });
  });
}

function addressOf(query: string, more: Readonly<Record<string, string>> = {}): string {
  return `#/?${new URLSearchParams({ "g0.expr": query, "g0.range_input": "5m", "g0.refresh": "0s", ...more })}`;
}

function rangeOf(request: Request): RangeRequest {
  const { searchParams } = new URL(request.url());
  return {
    query: searchParams.get("query") ?? "",
    fromMs: Number(searchParams.get("start")) * 1000,
    toMs: Number(searchParams.get("end")) * 1000,
    step: searchParams.get("step") ?? "",
  };
}

const isRangeRequest = (request: Request): boolean => request.url().includes("/api/v1/query_range?");

/** Pixels of the canvas that have a colour, as lines do; text and grid are grey. */
async function countColoredPixels(page: Page): Promise<number> {
  return page.evaluate<number>(`(() => {
    const canvas = document.querySelector(".chart canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) {
      const [r, g, b, a] = data.subarray(i, i + 4);
      if (a > 200 && Math.max(r, g, b) - Math.min(r, g, b) > 60) count++;
    }
    return count;
  })()`);
}

async function textOf(locator: Locator): Promise<string> {
  return (await locator.textContent()) ?? "";
}

async function waitForLines(page: Page): Promise<void> {
  await page.locator(".legend tbody tr").first().waitFor();
  await page.locator(".chart canvas").waitFor();
}

async function assertNotHacked(page: Page): Promise<void> {
  assert.equal(await page.evaluate("window.isHacked"), undefined);
  assert.equal(await page.locator("img, #app script").count(), 0);
}

test("the first visit shows a graph of the server's own metrics", async () => {
  await visit("", async ({ page }) => {
    assert.equal(await page.title(), "Nyanza");
    await waitForLines(page);
    assert.match(await textOf(page.locator(".legend")), /process_resident_memory_bytes/);
    const isDrawn = async () => (await countColoredPixels(page)) > 20;
    for (let i = 0; i < 50 && !(await isDrawn()); i++) await page.waitForTimeout(200);
    assert.ok(await isDrawn(), "the canvas has lines");
    assert.match(page.url(), /\/vmui\/$/);
    // It refreshes itself.
    await page.waitForRequest(isRangeRequest);
  });
});

test("every example has an answer", async () => {
  await visit("", async ({ page }) => {
    const examples = page.locator(".preset");
    const count = await examples.count();
    assert.ok(count >= 4);
    for (let i = 0; i < count; i++) {
      const answered = page.waitForResponse((response) => /\/api\/v1\/query(_range)?\?/.test(response.url()));
      await examples.nth(i).click();
      const response = await answered;
      assert.equal(response.status(), 200, await textOf(examples.nth(i)));
    }
    await page.locator(".table tbody tr").first().waitFor();
    assert.equal(await page.locator(".error").count(), 0);
  });
});

test("the table lists values and sorts by its headings", async () => {
  await visit(addressOf('sort_desc(count({__name__!=""}) by (__name__))', { "g0.tab": "1" }), async ({ page }) => {
    const names = page.locator(".table tbody td:first-child");
    await names.first().waitFor();
    const heading = page.getByRole("button", { name: "metric" });
    await heading.click();
    const ascending = await names.allTextContents();
    assert.ok(ascending.includes("process_resident_memory_bytes"));
    await heading.click();
    const descending = await names.allTextContents();
    assert.equal(descending[0], ascending.at(-1));
    assert.equal(await page.locator("th").first().getAttribute("aria-sort"), "descending");
  });
});

test("the JSON tab shows the answer and links to the request", async () => {
  await visit(addressOf("process_start_time_seconds", { "g0.tab": "3" }), async ({ page }) => {
    const text = await textOf(page.locator(".json pre"));
    const body = JSON.parse(text) as { status: string; data: { resultType: string } };
    assert.equal(body.status, "success");
    assert.equal(body.data.resultType, "vector");
    const href = (await page.getByRole("link", { name: "Open the request" }).getAttribute("href")) as string;
    assert.equal((await http(href)).status, 200);
  });
});

test("a query that is refused says why and where", async () => {
  await visit(addressOf("sum(\n  rate(up[5m]) by (job)"), async ({ page, errors }) => {
    const alert = page.getByRole("alert");
    await alert.waitFor();
    const text = await textOf(alert);
    assert.match(text, /refused/);
    assert.match(text, /by/);
    if (!isOtherProgram) {
      assert.match(text, /line 2/);
      // The caret stands in the column the message names, below the query's own line.
      const column = Number(/column (\d+)/.exec(text)?.[1]);
      const place = await textOf(page.locator(".error-place"));
      assert.equal(place.split("\n")[0], "  rate(up[5m]) by (job)");
      assert.equal((await textOf(page.locator(".error-place .unseen"))).length, column - 1);
    }
    // Mended, it is answered.
    await page.fill("#query", "vector(1)");
    await page.press("#query", "Enter");
    await waitForLines(page);
    assert.equal(await alert.count(), 0);
    // The browser itself reports the refusal in its console; nothing else may be there.
    assert.ok(
      errors.every((error) => /status of 4\d\d/.test(error)),
      errors.join("\n"),
    );
    errors.length = 0;
  });
});

test("nothing found is said with a hint", async () => {
  await visit(addressOf("there_is_no_such_metric"), async ({ page }) => {
    await page.getByText("No data in this time range").waitFor();
  });
});

test("labels, names and queries that are HTML stay text", async () => {
  await visit(addressOf('{__name__=~"hostile.*"}'), async ({ page }) => {
    await waitForLines(page);
    const legend = await textOf(page.locator(".legend"));
    assert.ok(legend.includes(JSON.stringify(hostileValue)), legend);
    assert.ok(legend.includes(hostileName), legend);
    await assertNotHacked(page);

    const plot = await page.locator(".u-over").boundingBox();
    assert.ok(plot !== null);
    // 45 s ago: the points end when this file began.
    await page.mouse.move(plot.x + plot.width * 0.85, plot.y + plot.height / 2);
    await page.locator(".tooltip:not([hidden])").waitFor();
    const tooltip = await textOf(page.locator(".tooltip"));
    assert.ok(tooltip.includes(hostileValue) || tooltip.includes(hostileName), tooltip);
    await assertNotHacked(page);

    await page.getByRole("tab", { name: "Table" }).click();
    await page.locator(".table tbody tr").first().waitFor();
    assert.ok((await textOf(page.locator(".table"))).includes(hostileValue));
    await page.getByRole("tab", { name: "JSON" }).click();
    await page.locator(".json pre").waitFor();
    await assertNotHacked(page);

    await page.fill("#query", "");
    await page.locator("#query").pressSequentially("host", { delay: 30 });
    await page.locator(".name").first().waitFor();
    assert.ok((await textOf(page.locator(".names"))).includes(hostileName));
    await assertNotHacked(page);
  });
  await visit(addressOf(`<img src=x onerror="window.isHacked=1">`), async ({ page, errors }) => {
    await page.getByRole("alert").waitFor();
    await assertNotHacked(page);
    errors.length = 0;
  });
});

test("a drag chooses the time range, the back button undoes it, the list chooses another", async () => {
  await visit(addressOf("hostile_value"), async ({ page, ranges }) => {
    await waitForLines(page);
    const first = ranges[0] as RangeRequest;
    assert.equal(first.query, "hostile_value");
    assert.equal(first.toMs - first.fromMs, 300_000);
    const before = page.url();

    const plot = await page.locator(".u-over").boundingBox();
    assert.ok(plot !== null);
    const zoomed = page.waitForRequest(isRangeRequest);
    await page.mouse.move(plot.x + plot.width * 0.5, plot.y + 50);
    await page.mouse.down();
    await page.mouse.move(plot.x + plot.width * 0.6, plot.y + 60, { steps: 4 });
    await page.mouse.move(plot.x + plot.width * 0.75, plot.y + 60, { steps: 4 });
    await page.mouse.up();
    const second = rangeOf(await zoomed);
    const lengthMs = second.toMs - second.fromMs;
    assert.ok(lengthMs > 70_000 && lengthMs < 80_000, `a quarter of five minutes, got ${lengthMs} ms`);
    const startMs = second.fromMs - first.fromMs;
    assert.ok(startMs > 145_000 && startMs < 155_000, `from the middle on, got ${startMs} ms`);
    assert.match(page.url(), /relative_time=none/);

    const restored = page.waitForRequest(isRangeRequest);
    await page.goBack();
    assert.equal(page.url(), before);
    const third = rangeOf(await restored);
    assert.equal(third.toMs - third.fromMs, 300_000);

    const longer = page.waitForRequest(isRangeRequest);
    await page.selectOption("#range", { label: "Last hour" });
    const fourth = rangeOf(await longer);
    assert.equal(fourth.toMs - fourth.fromMs, 3_600_000);
    assert.equal(fourth.step, "15s");
    assert.match(page.url(), /range_input=1h&g0\.relative_time=last_1_hour/);
  });
});

test("a range from … to … and a step are asked for as given", async () => {
  await visit(
    addressOf("up", { "g0.tab": "0" }),
    async ({ page, errors }) => {
      await page.selectOption("#range", { label: "From … to …" });
      await page.fill("input[name=from]", "2026-01-02T03:00:00");
      await page.fill("input[name=to]", "2026-01-02T02:00:00");
      await page.getByRole("button", { name: "Apply" }).click();
      await page.getByText("The start must be before the end.").waitFor();
      await page.fill("input[name=to]", "2026-01-02T04:00:00");
      const asked = page.waitForRequest(isRangeRequest);
      await page.getByRole("button", { name: "Apply" }).click();
      const range = rangeOf(await asked);
      assert.equal(range.fromMs, Date.UTC(2026, 0, 2, 3));
      assert.equal(range.toMs, Date.UTC(2026, 0, 2, 4));

      const again = page.waitForRequest(isRangeRequest);
      await page.fill("#step", "2m");
      await page.press("#step", "Enter");
      assert.equal(rangeOf(await again).step, "120s");
      await page.fill("#step", "often");
      await page.press("#step", "Enter");
      await page.getByText('want a duration such as 15s or 1h30m, got "often"').waitFor();
      assert.deepEqual(errors, []);
    },
    { timezoneId: "UTC" },
  );
});

test("the keyboard is enough", async () => {
  await visit(addressOf("up"), async ({ page }) => {
    await page.focus("#query");
    await page.fill("#query", "vector(1)");
    await page.press("#query", "Shift+Enter");
    await page.locator("#query").pressSequentially("+ 1");
    assert.equal(await page.inputValue("#query"), "vector(1)\n+ 1");
    const asked = page.waitForRequest(isRangeRequest);
    await page.press("#query", "Control+Enter");
    assert.equal(rangeOf(await asked).query, "vector(1)\n+ 1");

    await page.fill("#query", "");
    await page.locator("#query").pressSequentially("rate(process_cpu_sec", { delay: 20 });
    await page.locator(".name").first().waitFor();
    await page.press("#query", "ArrowDown");
    await page.press("#query", "Enter");
    assert.match(await page.inputValue("#query"), /^rate\(process_cpu_seconds_\w+$/);
    assert.equal(await page.locator(".names").count(), 0);

    await page.focus("#tab-graph");
    await page.keyboard.press("ArrowRight");
    await page.locator("#tab-table[aria-selected=true]").waitFor();
    assert.equal(await page.evaluate("document.activeElement.id"), "tab-table");
  });
});

test("a click in the legend shows one line alone", async () => {
  await visit(addressOf('{__name__=~"hostile.*"}'), async ({ page }) => {
    await waitForLines(page);
    const rows = page.locator(".legend tbody tr");
    assert.equal(await rows.count(), 2);
    await rows.first().getByRole("button").click();
    await page.locator(".legend tr.off").waitFor();
    assert.equal(await page.locator(".legend tr.off").count(), 1);
    await rows.first().getByRole("button").click();
    await page.locator(".legend tr.off").waitFor({ state: "detached" });
  });
});

/** Graphs of a board, each as text: titles, values, names. */
const cardsOf = (page: Page): Promise<string[]> => page.locator(".graph-card").allTextContents();

test("several queries are a board of titled graphs over one time range", async () => {
  const address = addressOf("process_resident_memory_bytes", {
    "g0.title": "Memory",
    "g0.refresh": "5s",
    "g1.expr": "sum(rate(vm_http_requests_total[1m])) by (path)",
    "g1.title": "Requests",
    "g2.expr": "there_is_no_such_metric",
    "g3.expr": "sum(",
    "g3.title": hostileName,
    "g4.expr": "hostile_value",
    "g4.title": "Hostile",
  });
  await visit(address, async ({ page, errors, ranges }) => {
    await page.locator(".graph-card .chart canvas").nth(2).waitFor();
    await page.locator(".graph-card .line-names li").nth(1).waitFor();
    const cards = await cardsOf(page);
    assert.equal(cards.length, 5);
    assert.match(cards[0] as string, /^Memory[\d.]+ MiB/);
    assert.match(cards[1] as string, /^Requestsrequests\/s.*\/api\/v1\//);
    assert.match(cards[2] as string, /^there_is_no_such_metricNo data yet$/);
    assert.match(cards[3] as string, /The query was refused/);
    assert.ok((cards[3] as string).startsWith(hostileName), cards[3]);
    await assertNotHacked(page);
    assert.equal(new Set(ranges.slice(0, 5).map(({ fromMs, toMs, step }) => `${fromMs} ${toMs} ${step}`)).size, 1);
    errors.length = 0;

    // All of them again, by themselves.
    const asked = new Set<string>();
    while (asked.size < 5) asked.add(rangeOf(await page.waitForRequest(isRangeRequest)).query);

    // A drag in one chooses the time of all.
    const plot = await page.locator(".u-over").last().boundingBox();
    assert.ok(plot !== null);
    await page.mouse.move(plot.x + plot.width * 0.5, plot.y + 50);
    await page.mouse.down();
    await page.mouse.move(plot.x + plot.width * 0.6, plot.y + 60, { steps: 4 });
    await page.mouse.move(plot.x + plot.width * 0.75, plot.y + 60, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/relative_time=none/);
    assert.equal(await page.locator(".graph-card").count(), 5);
    await page.goBack();

    await page.getByRole("link", { name: "Requests" }).click();
    await page.locator(".legend tbody tr").first().waitFor();
    assert.equal(await page.inputValue("#query"), "sum(rate(vm_http_requests_total[1m])) by (path)");
    assert.doesNotMatch(page.url(), /g1\.expr/);
    await page.goBack();
    await page.locator(".graph-card .chart canvas").nth(2).waitFor();
    errors.length = 0;
  });
});

test("a board of presets shows every example graph", async () => {
  await visit("", async ({ page }) => {
    await waitForLines(page);
    await page.getByRole("button", { name: "this server" }).click();
    await page.locator(".graph-card .chart canvas").nth(3).waitFor();
    assert.equal(await page.locator(".graph-card .bad").count(), 0);
    assert.match(page.url(), /\?board=server&/);
    await page.reload();
    await page.locator(".graph-card .chart canvas").nth(3).waitFor();
  });
});

test("a server that is gone is reported, and found again", async () => {
  await withScope(async (inner) => {
    const folder = makeFolder(inner);
    const mortal = await startNyanza(inner, { folder });
    await visit(
      addressOf("vector(1)"),
      async ({ page, errors }) => {
        await waitForLines(page);
        await mortal.process.stop();
        await page.click("#run");
        await page.getByText("The server cannot be reached").waitFor();
        await startNyanza(inner, { folder, port: mortal.port });
        await page.click("#run");
        await waitForLines(page);
        errors.length = 0;
      },
      {},
      mortal.url,
    );
  });
});

test("the page works behind a proxy that adds a prefix", async () => {
  await withScope(async (inner) => {
    const prefix = "/some/where";
    const proxy = createServer((request, response) => {
      const path = (request.url ?? "").slice(prefix.length);
      const { headers, method } = request;
      const upstream = forward({ host: "127.0.0.1", port: server.port, path, headers, method }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      request.pipe(upstream);
    });
    const port = await freePort();
    await new Promise<void>((resolve) => proxy.listen(port, "127.0.0.1", resolve));
    inner.onEnd(() => void proxy.close());
    const open = async ({ page }: Visit) => waitForLines(page);
    await visit(addressOf("vector(1)"), open, {}, `http://127.0.0.1:${port}${prefix}`);
  });
});

test("the page is small and needs nothing from elsewhere", () => {
  let bytes = 0;
  for (const entry of readdirSync(pageFolder, { recursive: true, encoding: "utf8" })) {
    const path = join(pageFolder, entry);
    if (!statSync(path).isFile()) continue;
    bytes += gzipSync(readFileSync(path)).length;
    if (entry.endsWith(".html")) {
      const html = readFileSync(path, "utf8");
      assert.doesNotMatch(html, /(?:src|href)="(?:https?:)?\/\//, "absolute addresses");
      assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/, "inline scripts or styles");
    }
  }
  assert.ok(bytes < 150_000, `${bytes} bytes after gzip`);
});

const boardParams: [string, string][] = [
  ["Memory", '{__name__=~"process_resident_memory_bytes|nodejs_heap_size_used_bytes"}'],
  ["Requests", "sum(rate(vm_http_requests_total[1m])) by (path)"],
  ["Event-loop lag, the largest of a scrape", "nodejs_eventloop_lag_max_seconds"],
  ["Nothing", "there_is_no_such_metric"],
  ["A mistake", "sum("],
].flatMap(([title = "", query = ""], i) => [
  [`g${i}.title`, title],
  [`g${i}.expr`, query],
]);

test("light, dark, narrow: nothing sticks out", async () => {
  const folder = screenshotFolder ?? makeFolder(scope, "screenshots");
  mkdirSync(folder, { recursive: true });
  const looks: [string, BrowserContextOptions][] = [
    ["light", { colorScheme: "light" }],
    ["dark", { colorScheme: "dark" }],
    ["narrow-light", { colorScheme: "light", viewport: { width: 400, height: 820 } }],
    ["narrow-dark", { colorScheme: "dark", viewport: { width: 400, height: 820 } }],
  ];
  const views: [string, string][] = [
    ["graph", ""],
    ["table", addressOf('sort_desc(count({__name__!=""}) by (__name__))', { "g0.tab": "1" })],
    ["error", addressOf("sum(rate(up[5m]) by (job)")],
    ["board", `#/?${new URLSearchParams(boardParams)}`],
  ];
  const backgrounds = new Set<string>();
  for (const [look, options] of looks) {
    for (const [view, address] of views) {
      await visit(
        address,
        async ({ page, errors }) => {
          await page.locator(".legend tbody tr, .table tbody tr, .error, .graph-card .chart canvas").first().waitFor();
          await page.waitForTimeout(300);
          const [content, window] = await page.evaluate<[number, number]>(
            "[document.documentElement.scrollWidth, window.innerWidth]",
          );
          assert.ok(content <= window, `${look} ${view}: ${content} pixels of content in ${window}`);
          backgrounds.add(await page.evaluate<string>("getComputedStyle(document.body).backgroundColor"));
          const picture = await page.screenshot({ path: join(folder, `${view}-${look}.png`), fullPage: true });
          assert.ok(picture.length > 5000);
          errors.length = 0;
        },
        options,
      );
    }
  }
  assert.equal(backgrounds.size, 2, "light and dark differ");
});
