import assert from "node:assert/strict";
import { createServer, IncomingMessage, type RequestListener, ServerResponse } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import { connect, Socket } from "node:net";
import { test } from "node:test";
import { AppMetrics } from "../app/app-metrics.ts";
import { Readings } from "../app/manual-reader.test.support.ts";
import { httpMetrics, instrumentServer } from "./node-server.ts";
import { ask, assertRequests, exchangeBytes, settles, withServer } from "./servers.test.support.ts";

const answerOk: RequestListener = (_request, response) => {
  response.end("ok");
};

test("node:http: methods, paths without ids, statuses, each request once", async () => {
  const readings = new Readings();
  const server = createServer((request, response) => {
    response.statusCode = request.url === "/broken" ? 503 : 200;
    response.end("ok");
  });
  const instrumentation = instrumentServer(server, { meter: readings.meter });
  await withServer(server, async (port) => {
    await ask(port, "/users/17?tab=1");
    await ask(port, "/users/18");
    await ask(port, "/users/19", { method: "HEAD" });
    await ask(port, "/users/19", { method: "PROPFIND" });
    await ask(port, "/broken");
    const want = {
      "GET /users/:id 200": 2,
      "HEAD /users/:id 200": 1,
      "_OTHER /users/:id 200": 1,
      "GET /broken 503": 1,
    };
    await assertRequests(readings, want);
    assert.deepEqual(await readings.values("http_errors_total"), { "method=GET,path=/broken,status_code=503": 1 });
    instrumentation.close();
    instrumentation.close();
    await ask(port, "/users/17");
    await assertRequests(readings, want);
    assert.equal(server.listenerCount("connection"), 1);
  });
  await readings.close();
});

test("node:http: pipelined requests on one connection", async () => {
  const readings = new Readings();
  const server = createServer((request, response) => {
    // The first is answered last: answers wait for their turn.
    setTimeout(() => response.end("ok"), request.url === "/a" ? 20 : 0);
  });
  instrumentServer(server, { meter: readings.meter });
  await withServer(server, async (port) => {
    const text = ["a", "b", "c"].map((name) => `GET /${name} HTTP/1.1\r\nHost: x\r\n\r\n`).join("");
    const answer = await exchangeBytes(port, `${text}GET /d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    assert.equal(answer.match(/HTTP\/1.1 200/g)?.length, 4);
    await assertRequests(readings, { "GET /a 200": 1, "GET /b 200": 1, "GET /c 200": 1, "GET /d 200": 1 });
  });
  await settles(() => readings.values("http_active_connections"), { "": 0 });
  await readings.close();
});

test("node:http: sizes of bodies that came whole, without touching them", async () => {
  const readings = new Readings();
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    if (request.url === "/early") {
      response.writeHead(413).end();
      return;
    }
    request.setEncoding("utf8");
    let body = "";
    for await (const chunk of request) body += chunk;
    bodies.push(body);
    response.end();
  });
  instrumentServer(server, { meter: readings.meter });
  await withServer(server, async (port) => {
    await ask(port, "/length", { method: "POST", headers: { "content-length": "6" }, body: "héllo" });
    await ask(port, "/chunked", { method: "POST", body: ["héllo", " ", "world".repeat(1000)] });
    await ask(port, "/none", { method: "POST", headers: { "content-length": "0" } });
    await exchangeBytes(port, "POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000000000\r\n\r\nxx", "413");
  });
  assert.deepEqual(bodies, ["héllo", `héllo ${"world".repeat(1000)}`, ""]);
  await assertRequests(readings, {
    "POST /length 200": 1,
    "POST /chunked 200": 1,
    "POST /none 200": 1,
    "POST (unmatched) 413": 1,
  });
  const sizes = [...(await readings.points("http_request_size_bytes"))].map(([labels, value]) => [
    labels.split(",")[1],
    (value as { sum: number }).sum,
  ]);
  assert.deepEqual(Object.fromEntries(sizes), { "path=/length": 6, "path=/chunked": 5007, "path=/none": 0 });
  await readings.close();
});

test("node:http: connections that break", async () => {
  const readings = new Readings();
  let begun = 0;
  const server = createServer((request, response) => {
    begun++;
    if (request.url === "/stream") response.write("first");
    if (request.url === "/late") response.once("close", () => response.end("nobody there"));
    if (request.url === "/destroyed") response.destroy();
  });
  instrumentServer(server, { meter: readings.meter, route: (request) => request.url });
  await withServer(server, async (port) => {
    const abandon = async (path: string): Promise<void> => {
      const count = begun;
      const socket = connect(port, "127.0.0.1");
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await settles(() => begun, count + 1);
      socket.destroy();
    };
    await abandon("/silent");
    await abandon("/late");
    await exchangeBytes(port, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n", "first");
    await exchangeBytes(port, "GET /destroyed HTTP/1.1\r\nHost: x\r\n\r\n");
    await new Promise((resolve) => setTimeout(resolve, 40));
    await assertRequests(readings, {
      "GET /silent 499": 1,
      "GET /late 499": 1,
      "GET /stream 200": 1,
      "GET /destroyed 499": 1,
    });
  });
  await readings.close();
});

test("node:http: an upgrade goes the way it went before", async () => {
  const readings = new Readings();
  const upgrade = "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";
  const plain = createServer(answerOk);
  instrumentServer(plain, { meter: readings.meter });
  await withServer(plain, async (port) => {
    assert.match(await exchangeBytes(port, upgrade, "ok"), /^HTTP\/1.1 200/);
    await assertRequests(readings, { "GET /chat 200": 1 });
  });
  const upgrading = createServer(answerOk);
  upgrading.on("upgrade", (_request, socket) => socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
  instrumentServer(upgrading, { meter: readings.meter });
  await withServer(upgrading, async (port) => {
    assert.match(await exchangeBytes(port, upgrade), /^HTTP\/1.1 101/);
    await assertRequests(readings, { "GET /chat 200": 1 });
  });
  await readings.close();
});

test("node:http: options that throw are counted, and their requests recorded", async () => {
  const readings = new Readings();
  const fail = (): never => {
    throw new Error("boom");
  };
  await withServer(
    createServer(httpMetrics(answerOk, { meter: readings.meter, route: fail, ignore: fail })),
    async (port) => {
      assert.equal(await ask(port, "/"), 200);
      await assertRequests(readings, { "GET (unmatched) 200": 1 });
    },
  );
  assert.deepEqual(await readings.values("metrics_callback_errors_total"), {
    "callback=route": 1,
    "callback=ignore": 1,
  });
  assert.throws(() => httpMetrics(answerOk, { meter: readings.meter, normalize: { maxSegments: -1 } }));
  await readings.close();
});

test("node:http: two instrumentations of one server record once, those on two meters each", async () => {
  const readings = new Readings();
  const other = new Readings();
  const app = new AppMetrics({ meter: readings.meter });
  const inner = httpMetrics(answerOk, { metrics: app, route: () => "/chosen" });
  const server = createServer(httpMetrics(httpMetrics(inner, { metrics: app }), { meter: other.meter }));
  instrumentServer(server, { metrics: app, ignore: (request) => request.url === "/healthz" });
  await withServer(server, async (port) => {
    await ask(port, "/x");
    await assertRequests(readings, { "GET /chosen 200": 1 });
    await assertRequests(other, { "GET /x 200": 1 });
  });
  await readings.close();
  await other.close();
});

test("node:http: a connection of a server that is instrumented twice is one connection", async () => {
  const readings = new Readings();
  const server = createServer(answerOk);
  instrumentServer(server, { meter: readings.meter });
  instrumentServer(server, { meter: readings.meter });
  await withServer(server, async (port) => {
    const socket = connect(port, "127.0.0.1");
    await settles(() => readings.values("http_active_connections"), { "": 1 });
    socket.destroy();
    await settles(() => readings.values("http_active_connections"), { "": 0 });
  });
  await readings.close();
});

test("node:http: a middleware that is asked when all is over", async () => {
  const readings = new Readings();
  const handler = httpMetrics(answerOk, { meter: readings.meter, route: () => "/late" });
  const server = createServer((request, response) => {
    response.on("close", () => handler.call(undefined, request, response));
  });
  await withServer(server, async (port) => {
    const socket = connect(port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await settles(async () => new Promise((resolve) => server.getConnections((_error, count) => resolve(count))), 1);
    socket.destroy();
    await assertRequests(readings, { "GET /late 499": 1 });
  });
  await readings.close();
});

test("node:http2 with its compatible API", async () => {
  const readings = new Readings();
  const server = createHttp2Server((request, response) => {
    request.resume().on("end", () => response.end("ok"));
  });
  instrumentServer(server, { meter: readings.meter });
  await withServer(server, async (port) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const stream = session.request({ ":method": "POST", ":path": "/orders/5" });
    stream.write("12345");
    stream.end("67890");
    stream.resume();
    await new Promise((resolve) => stream.on("close", resolve));
    await assertRequests(readings, { "POST /orders/:id 200": 1 });
    assert.deepEqual(Object.values(Object.fromEntries(await readings.points("http_request_size_bytes"))), [
      { count: 1, sum: 10 },
    ]);
    session.close();
  });
  await readings.close();
});

/** Hands a request to the handler as a server would, without a socket. */
function feed(handler: RequestListener, method: string, url: string): void {
  const request = new IncomingMessage(new Socket());
  request.method = method;
  request.url = url;
  request.complete = true;
  const response = new ServerResponse(request);
  handler(request, response);
  response.emit("finish");
  response.emit("close");
}

test("node:http: hostile URLs", async () => {
  const readings = new Readings();
  const handler = httpMetrics<unknown>(() => undefined, { meter: readings.meter });
  const urls = [
    "__proto__",
    "/__proto__/constructor",
    "/a\nb",
    '/a"b\\',
    "/%",
    "/%zz%00",
    `/${"x".repeat(10_000_000)}`,
    "*",
    "",
    "//",
    "/\ud800",
  ];
  for (const url of urls) feed(handler, "__proto__", url);
  let total = 0;
  for (const [labels, count] of Object.entries(await readings.values("http_requests_total"))) {
    assert.ok(labels.startsWith("method=_OTHER,path=/") && labels.length < 300, labels);
    total += count;
  }
  assert.equal(total, urls.length);
  await readings.close();
});

test("node:http: 100,000 different URLs are a bounded number of series", async () => {
  const readings = new Readings();
  const app = new AppMetrics({ meter: readings.meter, pathsMax: 100 });
  let status = 200;
  const handler = httpMetrics<unknown>(
    (_request, response) => {
      response.statusCode = status;
    },
    { metrics: app },
  );
  feed(handler, "GET", "/known");
  // A scan that finds nothing takes no place …
  status = 404;
  for (let i = 0; i < 50_000; i++) feed(handler, "GET", `/scan${i.toString(36).replace(/\d/g, "q")}x${i % 7}`);
  feed(handler, "GET", "/known");
  assert.deepEqual(await readings.values("http_requests_total"), {
    "method=GET,path=/known,status_code=200": 1,
    "method=GET,path=(unmatched),status_code=404": 50_000,
    "method=GET,path=/known,status_code=404": 1,
  });
  // … and a server that answers everything has at most so many paths.
  status = 200;
  for (let i = 0; i < 50_000; i++) feed(handler, "GET", `/page-${letters(i)}`);
  assert.equal((await readings.points("http_requests_total")).size, 100 + 1 + 2);
  await readings.close();
});

/** A word without digits, so that it does not look like an id. */
function letters(n: number): string {
  return n.toString().replace(/\d/g, (digit) => "abcdefghij"[Number(digit)] as string);
}
