import assert from "node:assert/strict";
import { channel } from "node:diagnostics_channel";
import { createServer } from "node:http";
import { test } from "node:test";
import { fetch as undiciFetch, request as undiciRequest } from "undici";
import { Readings } from "../app/manual-reader.test.support.ts";
import { fetchWithMetrics } from "./fetch-wrapper.ts";
import { settles, withServer } from "./servers.test.support.ts";
import { hostOf, instrumentFetch } from "./undici-hook.ts";

function peer() {
  return createServer((request, response) => {
    if (request.url === "/moved") response.writeHead(302, { location: "/here" }).end();
    else if (request.url === "/broken") response.writeHead(500).end("sorry");
    else if (request.url === "/hang") response.write("first");
    else if (request.url === "/cut") request.socket.destroy();
    else request.resume().on("end", () => response.setHeader("content-length", 5).end("hello"));
  });
}

/** Counts of an instrument, with the port out of the labels. */
async function values(readings: Readings, name: string, port: number): Promise<Record<string, number>> {
  const entries = Object.entries(await readings.values(name));
  return Object.fromEntries(entries.map(([labels, count]) => [labels.replace(`:${port}`, ""), count]));
}

for (const [name, fetch] of [
  ["the global fetch", globalThis.fetch],
  ["undici's fetch", undiciFetch as unknown as typeof globalThis.fetch],
] as const) {
  test(`instrumentFetch: ${name}`, async () => {
    const readings = new Readings();
    const ignore = ({ path }: { path: string }) => path === "/metrics";
    const instrumentation = instrumentFetch({ meter: readings.meter, path: true, ignore });
    await withServer(peer(), async (port) => {
      const url = `http://127.0.0.1:${port}`;
      await (await fetch(`${url}/users/17?x=1`)).text();
      await (await fetch(`${url}/users`, { method: "POST", body: "héllo" })).text();
      await (await fetch(`${url}/moved`)).text();
      await (await fetch(`${url}/broken`)).text();
      await (await fetch(`${url}/metrics`)).text();
      await (await fetch(`${url}/users`, { method: "HEAD" })).text();
      await assert.rejects(fetch(`${url}/cut`));
      const abort = new AbortController();
      const hanging = await fetch(`${url}/hang`, { signal: abort.signal });
      abort.abort();
      await assert.rejects(hanging.text());
      const of = (method: string, path: string, status: number) =>
        `host=127.0.0.1,method=${method},path=${path},status_code=${status}`;
      const want = {
        [of("GET", "/users/:id", 200)]: 1,
        [of("POST", "/users", 200)]: 1,
        [of("GET", "/moved", 302)]: 1,
        [of("GET", "/here", 200)]: 1,
        [of("GET", "/broken", 500)]: 1,
        [of("HEAD", "/users", 200)]: 1,
        [of("GET", "/cut", 0)]: 1,
        [of("GET", "/hang", 200)]: 1,
      };
      await settles(() => values(readings, "http_client_requests_total", port), want);
      assert.deepEqual(await values(readings, "http_client_request_duration_seconds", port), want);
      assert.deepEqual(await values(readings, "http_client_errors_total", port), {
        [`error_type=status,${of("GET", "/broken", 500)}`]: 1,
        [`error_type=UND_ERR_SOCKET,${of("GET", "/cut", 0)}`]: 1,
        [`error_type=AbortError,${of("GET", "/hang", 200)}`]: 1,
      });
      const sums = async (instrument: string) =>
        [...(await readings.points(instrument))].reduce((sum, [, value]) => sum + (value as { sum: number }).sum, 0);
      assert.equal(await sums("http_client_request_size_bytes"), 6);
      assert.equal(await sums("http_client_response_size_bytes"), 5 + 5 + 5 + 5);
      instrumentation.close();
      instrumentation.close();
      await (await fetch(`${url}/users/17`)).text();
      assert.deepEqual(await values(readings, "http_client_requests_total", port), want);
    });
    await readings.close();
  });
}

test("instrumentFetch: undici's request, twice asked for, once recorded", async () => {
  const readings = new Readings();
  const first = instrumentFetch({ meter: readings.meter });
  const second = instrumentFetch({ meter: readings.meter });
  await withServer(peer(), async (port) => {
    const send = async (): Promise<void> => {
      const { body } = await undiciRequest(`http://127.0.0.1:${port}/`, { method: "PUT", body: "12345678" });
      await body.text();
    };
    await send();
    first.close();
    first.close();
    await send();
    second.close();
    await send();
    const labels = "host=127.0.0.1,method=PUT,status_code=200";
    assert.deepEqual(await values(readings, "http_client_requests_total", port), { [labels]: 2 });
    const sizes = [...(await readings.points("http_client_request_size_bytes")).values()];
    assert.deepEqual(sizes, [{ count: 2, sum: 16 }]);
  });
  await readings.close();
});

test("instrumentFetch: no server there; messages of an undici nobody knows", async () => {
  const readings = new Readings();
  const instrumentation = instrumentFetch({
    meter: readings.meter,
    path: () => {
      throw new Error("boom");
    },
  });
  let port = 0;
  await withServer(createServer(), async (free) => {
    port = free;
  });
  await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
  const labels = "host=127.0.0.1,method=GET,path=(unmatched),status_code=0";
  assert.deepEqual(await values(readings, "http_client_errors_total", port), {
    [`error_type=ECONNREFUSED,${labels}`]: 1,
  });
  assert.deepEqual(await readings.values("metrics_callback_errors_total"), { "callback=path": 1 });
  for (const event of ["create", "headers", "bodyChunkSent", "bodyChunkReceived", "trailers", "error"]) {
    for (const message of [{}, { request: {} }, { request: { origin: 7 }, response: {} }, { request: null }, 7]) {
      channel(`undici:request:${event}`).publish(message);
    }
  }
  for (let i = 0; i < 1000; i++) {
    const request = { method: "GET", origin: `http://host${i}`, path: "/" };
    channel("undici:request:create").publish({ request });
    channel("undici:request:error").publish({ request, error: { code: `E${i}` } });
  }
  const hosts = await readings.values("http_client_requests_total");
  assert.ok(Object.keys(hosts).length <= 102, `${Object.keys(hosts).length} series`);
  instrumentation.close();
  await readings.close();
});

test("fetchWithMetrics: a call is a request, what it throws passes through", async () => {
  const readings = new Readings();
  const measured = fetchWithMetrics(fetch, { meter: readings.meter });
  await withServer(peer(), async (port) => {
    const url = `http://127.0.0.1:${port}`;
    const response = await measured(`${url}/moved`);
    assert.equal(await response.text(), "hello");
    await (await measured(new URL(`${url}/x`), { method: "post", body: new Uint8Array(3) })).text();
    await (await measured(new Request(`${url}/x`, { method: "PUT", body: "1234" }))).text();
    await assert.rejects(measured(`${url}/cut`), TypeError);
    await assert.rejects(measured("nowhere"), TypeError);
    assert.deepEqual(await values(readings, "http_client_requests_total", port), {
      "host=127.0.0.1,method=GET,status_code=200": 1,
      "host=127.0.0.1,method=POST,status_code=200": 1,
      "host=127.0.0.1,method=PUT,status_code=200": 1,
      "host=127.0.0.1,method=GET,status_code=0": 1,
      "host=(invalid),method=GET,status_code=0": 1,
    });
    assert.deepEqual(await values(readings, "http_client_errors_total", port), {
      "error_type=UND_ERR_SOCKET,host=127.0.0.1,method=GET,status_code=0": 1,
      "error_type=ERR_INVALID_URL,host=(invalid),method=GET,status_code=0": 1,
    });
  });
  await readings.close();
});

test("hostOf", () => {
  const same = (origin: unknown, host: string) => assert.equal(hostOf(origin), host);
  same("http://example.com", "example.com");
  same("https://user:p@ss@Example.com:8443/path@x", "example.com:8443");
  same(new URL("https://example.com:8443/x"), "example.com:8443");
  same("example.com", "(invalid)");
  same(undefined, "(invalid)");
});
