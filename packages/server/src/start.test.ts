/** The server starting, answering at every route, and stopping, over real sockets on a database that evaluates nothing. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { MemoryDatabase } from "./api/memory-database.ts";
import { parseFlags } from "./flags/parse.ts";
import { FLAGS } from "./flags/table.ts";
import { ROUTES } from "./http/routes.ts";
import { ask, loggersInto, TEST_FLAGS, withServer } from "./start.test.support.ts";
import { startServer } from "./start.ts";

test("while the storage is being opened health is answered, all else is refused for now, and a signal ends it", async () => {
  const log: string[] = [];
  const loggers = loggersInto(log);
  const flags = parseFlags(FLAGS, TEST_FLAGS, {});
  const stopping = new AbortController();
  for (const isStopped of [false, true]) {
    log.length = 0;
    const { signal } = stopping;
    let finishOpening = (_database: MemoryDatabase): void => {};
    const opening = new Promise<MemoryDatabase>((resolve, reject) => {
      finishOpening = resolve;
      signal.addEventListener("abort", () => reject(signal.reason));
    });
    let finishWarmUp = (): void => {};
    const warmUp = (): Promise<void> =>
      new Promise((_resolve, reject) => {
        finishWarmUp = () => reject(new Error("cold"));
      });
    const server = startServer({ flags, loggers, signal, openDatabase: () => opening, warmUp });
    while (!log.some((line) => line.includes("listening at"))) await new Promise((resolve) => setImmediate(resolve));
    const port = Number(/listening at 127\.0\.0\.1:(\d+)/.exec(log.join(""))?.[1]);
    const status = async (path: string, method = "GET"): Promise<[number, string | null]> => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method });
      await answer.text();
      return [answer.status, answer.headers.get("retry-after")];
    };
    assert.deepEqual(await status("/health"), [200, null]);
    assert.deepEqual(await status("/-/healthy"), [200, null]);
    assert.deepEqual(await status("/metrics"), [200, null]);
    for (const path of ["/-/ready", "/ready", "/api/v1/query?query=1", "/api/v1/labels", "/internal/force_flush"]) {
      assert.deepEqual(await status(path), [503, "1"], path);
    }
    assert.deepEqual(await status("/api/v1/import/prometheus", "POST"), [503, "1"]);
    assert.deepEqual(await status("/nowhere"), [400, null]);
    if (isStopped) {
      stopping.abort(new Error("stopped"));
      await assert.rejects(server, /stopped/);
      await assert.rejects(status("/health"));
    } else {
      finishOpening(new MemoryDatabase());
      assert.deepEqual(await status("/-/ready"), [503, "1"]);
      finishWarmUp();
      const { stop } = await server;
      assert.ok(log.some((line) => line.includes("warming up failed: cold")));
      for (const path of ["/-/ready", "/ready", "/api/v1/labels", "/internal/force_flush"]) {
        assert.deepEqual(await status(path), [200, null], path);
      }
      await stop();
    }
  }
});

test("every route refuses the methods it does not list, and OPTIONS tells them", () =>
  withServer([], async ({ port }) => {
    for (const route of ROUTES) {
      const path = route.path.replace("{name}", "job").replace("*", "x");
      for (const method of ["GET", "POST", "PUT", "DELETE", "PATCH"]) {
        if (route.methods.includes(method)) continue;
        const reply = await ask(port, path, { method });
        assert.equal(reply.status, 405, `${method} ${path}`);
        assert.equal(reply.headers.allow, route.methods.join(", "));
      }
      assert.equal((await ask(port, path, { method: "OPTIONS" })).status, 204, path);
    }
  }));

test("every route that is not public asks for the password when there is one", () =>
  withServer(["-httpAuth.username=u", "-httpAuth.password=p", "-flagsAuthKey=k"], async ({ port }) => {
    const basic = { authorization: `Basic ${Buffer.from("u:p").toString("base64")}` };
    const wrong = { authorization: `Basic ${Buffer.from("u:q").toString("base64")}` };
    for (const route of ROUTES) {
      const path = route.path.replace("{name}", "job").replace("*", "x");
      const method = route.methods.includes("GET") ? "GET" : "POST";
      const isPublic = route.auth === "public";
      assert.equal((await ask(port, path, { method })).status === 401, !isPublic, path);
      assert.equal((await ask(port, path, { method, headers: wrong })).status === 401, !isPublic, path);
      // Those who may get them wait for seconds.
      if (route.handler === "cpuProfile" || route.handler === "heapSnapshot") continue;
      const hasOwnKey = route.auth === "flagsAuthKey";
      assert.equal((await ask(port, path, { method, headers: basic })).status === 401, hasOwnKey, path);
    }
    assert.equal((await ask(port, "/flags?authKey=k")).status, 200);
    assert.equal((await ask(port, "/flags?authKey=x")).status, 401);
    assert.ok(!(await ask(port, "/flags?authKey=k")).text.includes('"p"'));
  }));

test("status pages, placeholders and the health of a stopping server", () =>
  withServer(["-http.pathPrefix=/n"], async ({ port, server }) => {
    for (const [path, body] of [
      ["/n/health", "OK"],
      ["/n/-/healthy", "VictoriaMetrics is Healthy.\n"],
      ["/n/-/ready", "VictoriaMetrics is Ready.\n"],
      ["/n/ready", "OK"],
      ["/n/api/v1/query_exemplars", '{"status":"success","data":[]}'],
      ["/n/api/v1/rules", '{"status":"success","data":{"groups":[]}}'],
      ["/n/api/v1/alerts", '{"status":"success","data":{"alerts":[]}}'],
      ["/n/api/v1/metadata", '{"status":"success","data":{}}'],
    ] as const) {
      const reply = await ask(port, path);
      assert.deepEqual([reply.status, reply.text], [200, body], path);
    }
    assert.match((await ask(port, "/n/api/v1/status/buildinfo")).text, /"version":"2\.24\.0"/);
    assert.match((await ask(port, "/n/metrics")).text, /vm_test_series 0\n[\s\S]*process_/);
    assert.match((await ask(port, "/n/flags")).text, /-http\.pathPrefix="\/n"\n/);
    assert.equal((await ask(port, "/health")).status, 400);
    assert.equal((await ask(port, "/n/vmui?x=1")).headers.location, "vmui/?x=1");
    const landing = await ask(port, "/n/");
    assert.match(landing.text, /vmui/);
    assert.match(String(landing.headers["content-security-policy"]), /default-src 'none'/);
    assert.equal(landing.headers["x-content-type-options"], "nosniff");
    await server.stop();
  }));

test("a stop lets requests under way finish and takes no new ones", () =>
  withServer([], async ({ database, port, server }) => {
    let open = (): void => {};
    database.gate = new Promise((resolve) => {
      open = resolve;
    });
    const underWay = ask(port, "/api/v1/import/prometheus", { body: "x 1\n" });
    await new Promise((resolve) => setTimeout(resolve, 30));
    const stopped = server.stop();
    await new Promise((resolve) => setTimeout(resolve, 30));
    await assert.rejects(ask(port, "/health"));
    open();
    assert.equal((await underWay).status, 204);
    await stopped;
    assert.equal(database.stored.size, 1);
  }));

test("malformed HTTP is 400 and the next connection works", () =>
  withServer([], async ({ port }) => {
    for (const bytes of [
      "garbage\r\n\r\n",
      "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\nHost: x\r\n\r\n",
      "\x16\x03\x01\x02\x00\x01\x00",
    ]) {
      const reply = await new Promise<string>((resolve) => {
        const socket = connect(port, "127.0.0.1");
        let text = "";
        socket.on("data", (chunk) => {
          text += chunk;
        });
        socket.on("close", () => resolve(text)).on("error", () => {});
        socket.end(bytes, "latin1");
      });
      assert.match(reply, /^(HTTP\/1\.1 400 Bad Request|$)/);
    }
    assert.equal((await ask(port, "/health")).status, 200);
  }));

test("an idle connection is said to be kept for whole seconds and is closed only after them", async () => {
  await withServer(["-http.idleConnTimeout=1s"], async ({ port }) => {
    const socket = connect(port, "127.0.0.1");
    let received = "";
    let answeredMs = 0;
    socket.on("data", (bytes: Buffer) => {
      received += bytes.toString("latin1");
      answeredMs = performance.now();
    });
    socket.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    await new Promise((resolve) => socket.on("close", resolve));
    assert.match(received, /\r\nKeep-Alive: timeout=1\r\n/);
    assert.ok(
      performance.now() - answeredMs > 1500,
      "as long as was said, and longer than an answer may be on its way",
    );
  });
});
