import assert from "node:assert/strict";
import { Agent, createServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { type TestContext, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { answerScrape, type Collect, type Endpoint, EndpointError, startEndpoint } from "./endpoint.ts";
import type { Family } from "./family.ts";

const OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

test("text 0.0.4 by default, OpenMetrics for those who ask", () =>
  withEndpoint(orders, async (endpoint) => {
    const text = await get(endpoint.url);
    assert.equal(text.status, 200);
    assert.equal(text.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert.equal(text.body, "# HELP orders_total Sold.\n# TYPE orders_total counter\norders_total 7\n");
    const openMetrics = await get(endpoint.url, { headers: { accept: OPENMETRICS } });
    assert.equal(openMetrics.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert.equal(openMetrics.body, "# TYPE orders counter\n# HELP orders Sold.\norders_total 7\n# EOF\n");
    assert.equal(openMetrics.headers["content-length"], String(openMetrics.body.length));
  }));

test("HEAD shows the headers of GET", () =>
  withEndpoint(orders, async (endpoint) => {
    const head = await get(endpoint.url, { method: "HEAD" });
    const whole = await get(endpoint.url);
    assert.deepEqual([head.status, head.body], [200, ""]);
    for (const name of ["content-type", "content-length", "vary"])
      assert.equal(head.headers[name], whole.headers[name]);
  }));

test("gzip for those who ask, if it is worth it", () => {
  const many = families([{ labels: Array.from({ length: 500 }, (_, i) => `id="${i}"`) }]);
  return withEndpoint(
    () => many,
    async (endpoint) => {
      const plain = await get(endpoint.url);
      const packed = await get(endpoint.url, { headers: { "accept-encoding": "gzip" } });
      assert.equal(plain.headers["content-encoding"], undefined);
      assert.equal(packed.headers["content-encoding"], "gzip");
      assert.equal(gunzipSync(packed.bytes).toString(), plain.body);
      assert.ok(packed.bytes.length < plain.bytes.length / 4);
    },
  );
});

test("other paths, other methods", () =>
  withEndpoint(
    orders,
    async (endpoint) => {
      const base = `http://127.0.0.1:${endpoint.port}`;
      assert.equal(endpoint.url, `${base}/internal/metrics`);
      const missing = await get(`${base}/metrics`);
      assert.deepEqual(
        [missing.status, missing.body],
        [404, "metrics endpoint: nothing here, the metrics are at /internal/metrics\n"],
      );
      const posted = await get(endpoint.url, { method: "POST", body: "x".repeat(100_000) });
      assert.deepEqual([posted.status, posted.headers.allow, posted.headers.connection], [405, "GET, HEAD", "close"]);
      const home = await get(base);
      assert.match(home.body, /href="\/internal\/metrics"/);
      assert.equal((await get(`${endpoint.url}?debug=1`)).status, 200);
    },
    { path: "/internal/metrics" },
  ));

test("a source that throws or rejects costs one answer", async () => {
  let fails: unknown = new Error("no shelf\nsecret second line");
  const collect = (): Family[] => {
    if (fails !== null) throw fails;
    return orders();
  };
  await withEndpoint(collect, async (endpoint) => {
    const thrown = await get(endpoint.url);
    assert.deepEqual([thrown.status, thrown.body], [500, "metrics endpoint: collecting failed: no shelf\n"]);
    fails = Object.create(null);
    assert.equal((await get(endpoint.url)).status, 500);
    fails = null;
    assert.equal((await get(endpoint.url)).status, 200);
  });
  await withEndpoint(
    () => Promise.reject(new Error("late")),
    async (endpoint) => assert.equal((await get(endpoint.url)).body, "metrics endpoint: collecting failed: late\n"),
  );
});

test("what is no HTTP gets 4xx or nothing, and the next scrape is answered", () =>
  withEndpoint(orders, async (endpoint) => {
    for (const [sent, answer] of [
      ["\x16\x03\x01\x02\x00\x01\x00", /^HTTP\/1\.1 400 /],
      ["GET /metrics HTTP/1.1\r\n\r\n", /^HTTP\/1\.1 400 /],
      [`GET /metrics HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
      ["GET http://elsewhere/metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", /^HTTP\/1\.1 404 /],
      ["GET //metrics/../../etc HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", /^HTTP\/1\.1 404 /],
      ["OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", /^HTTP\/1\.1 404 /],
    ] as const) {
      assert.match(await sendRaw(endpoint.port, sent), answer, sent.slice(0, 40));
    }
    assert.equal((await get(endpoint.url)).status, 200);
  }));

test("a taken port is a clear error", () =>
  withEndpoint(orders, async (endpoint) => {
    await assert.rejects(startEndpoint(orders, { host: "127.0.0.1", port: endpoint.port }), (error: unknown) => {
      assert.ok(error instanceof EndpointError);
      assert.equal(error.code, "EADDRINUSE");
      assert.equal(
        error.message,
        `metrics endpoint: 127.0.0.1:${endpoint.port} is taken (EADDRINUSE): choose another port or end the process that listens there`,
      );
      return true;
    });
  }));

test("options that make no sense are refused", async () => {
  for (const port of [-1, 65_536, 1.5, Number.NaN]) await assert.rejects(startEndpoint(orders, { port }), RangeError);
  for (const path of ["metrics", "", "/a b", "/a?b", "/a#b", "/ü"]) {
    await assert.rejects(startEndpoint(orders, { port: 0, path }), TypeError, path);
  }
  await assert.rejects(startEndpoint(orders, { host: "192.0.2.1", port: 0 }), { code: "EADDRNOTAVAIL" });
});

test("url of all addresses, and of IPv6", async (t) => {
  const all = await startEndpoint(orders, { port: 0 });
  assert.equal(all.url, `http://127.0.0.1:${all.port}/metrics`);
  assert.equal((await get(all.url)).status, 200);
  await all.close();
  const six = await startEndpoint(orders, { host: "::1", port: 0 }).catch((error: EndpointError) => error);
  if (six instanceof Error) return t.skip(`no IPv6 here: ${six.code}`);
  assert.equal(six.url, `http://[::1]:${six.port}/metrics`);
  assert.equal((await get(six.url)).status, 200);
  await assert.rejects(
    startEndpoint(orders, { host: "::1", port: six.port }),
    /metrics endpoint: \[::1\]:\d+ is taken/,
  );
  await six.close();
});

test("close ends silent connections at once and waits for the scrape under way", async () => {
  let release = (): void => {};
  let asked = (): void => {};
  const arrived = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const slow = new Promise<void>((resolve) => {
    release = resolve;
  });
  const endpoint = await startEndpoint(
    async () => {
      asked();
      await slow;
      return orders();
    },
    { host: "127.0.0.1", port: 0 },
  );
  const silent = connect(endpoint.port, "127.0.0.1");
  const silentEnded = new Promise((resolve) => silent.on("close", resolve));
  silent.on("error", () => {});
  const scrape = get(endpoint.url);
  await arrived;
  let isClosed = false;
  const closed = endpoint.close().then(() => {
    isClosed = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(isClosed, false);
  release();
  assert.equal((await scrape).status, 200);
  await closed;
  await silentEnded;
  await endpoint.close();
  await assert.rejects(get(endpoint.url));
});

test("a source that never answers costs one answer 503", async (t) => {
  let asked = (): void => {};
  const collect = (): Promise<Family[]> => new Promise(() => asked());
  await withEndpoint(collect, async (endpoint) => {
    const arrived = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const fire = holdTimers(t);
    const scrape = get(endpoint.url);
    await arrived;
    // The timer is set when collect has returned.
    await new Promise((resolve) => setImmediate(resolve));
    fire(30_000);
    const { status, body } = await scrape;
    assert.deepEqual([status, body], [503, "metrics endpoint: collecting took longer than 30 s\n"]);
  });
});

test("a reader who does not read is let go", async (t) => {
  const many = families([{ labels: Array.from({ length: 10_000 }, (_, i) => `id="${i}${"x".repeat(2_000)}"`) }]);
  await withEndpoint(
    () => many,
    async (endpoint) => {
      const fire = holdTimers(t);
      const socket = connect(endpoint.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.write("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n");
      // The answer has begun; of its 20 MB the sockets' buffers hold a part.
      await new Promise((resolve) => socket.once("readable", resolve));
      fire(120_000);
      const closed = new Promise((resolve) => socket.once("close", resolve));
      let bytes = 0;
      socket.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
      });
      await closed;
      assert.ok(bytes < 20_000_000, String(bytes));
      assert.equal((await get(endpoint.url)).status, 200);
    },
  );
});

test("a thousand requests in one packet are one collection", async () => {
  let collections = 0;
  const collect = (): Family[] => {
    collections++;
    return orders();
  };
  await withEndpoint(collect, async (endpoint) => {
    const answers = await sendRaw(endpoint.port, "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1000));
    assert.equal(collections, 1);
    assert.deepEqual(answers.match(/^HTTP\/1\.1 \d+/gm), ["HTTP/1.1 200", "HTTP/1.1 503"]);
  });
});

test("many scrapes at once, and one connection for many scrapes", () =>
  withEndpoint(orders, async (endpoint) => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => get(endpoint.url)));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 100; i++) assert.equal((await get(endpoint.url, { agent })).status, 200);
    agent.destroy();
  }));

test("answerScrape within a server of the application's own", async () => {
  const server = createServer((request, response) => void answerScrape(request, response, orders));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/any/path`;
  assert.match((await get(url)).body, /^orders_total 7$/m);
  assert.equal((await get(url, { method: "DELETE" })).status, 405);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** From now on timers wait; what is returned fires the last one of a delay. Ends with the test. */
function holdTimers(t: TestContext): (delayMs: number) => void {
  const held = new Map<number, () => void>();
  const hold = (callback: () => void, delayMs: number): object => {
    held.set(delayMs, callback);
    return { unref: () => {} };
  };
  t.mock.method(globalThis, "setTimeout", hold as unknown as typeof setTimeout);
  return (delayMs) => (held.get(delayMs) ?? assert.fail(`no timer of ${delayMs} ms`))();
}

function orders(): Family[] {
  return families([{ labels: [""] }]);
}

function families(all: readonly { labels: readonly string[] }[]): Family[] {
  return all.map(({ labels }) => ({
    name: "orders_total",
    type: "counter",
    help: "Sold.",
    unit: "",
    aggregation: "sum",
    samples: labels.map((text) => ({ suffix: "", labels: text, value: 7 })),
  }));
}

async function withEndpoint(
  collect: Collect,
  use: (endpoint: Endpoint) => unknown,
  options: { readonly path?: string } = {},
): Promise<void> {
  const endpoint = await startEndpoint(collect, { host: "127.0.0.1", port: 0, ...options });
  try {
    await use(endpoint);
  } finally {
    await endpoint.close();
  }
}

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly bytes: Buffer;
  readonly body: string;
}

/** As node:http asks: fetch adds headers of its own and unpacks. */
function get(
  url: string,
  options: {
    readonly method?: string;
    readonly headers?: Record<string, string>;
    readonly body?: string;
    readonly agent?: Agent;
  } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = "GET", headers = {}, body, agent = false } = options;
    const sent = request(url, { method, headers, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const bytes = Buffer.concat(chunks);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, body: bytes.toString() });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** What comes back for bytes that need not be HTTP. */
function sendRaw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"));
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
  });
}
