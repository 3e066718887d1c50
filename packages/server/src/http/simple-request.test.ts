import assert from "node:assert/strict";
import { test } from "node:test";
import { SimpleRequestReader } from "./simple-request.ts";

const read = (text: string): ReturnType<SimpleRequestReader["read"]> =>
  new SimpleRequestReader().read(Buffer.from(text, "latin1"));

test("a simple request is read up to its end, and the next with the same headers as well", () => {
  const reader = new SimpleRequestReader();
  const one = "GET /a?b=%20 HTTP/1.1\r\nHost: h:1\r\nX-Y:  a b \t\r\nConnection: Keep-Alive\r\n\r\n";
  const request = reader.read(Buffer.from(`${one}GET`));
  assert.deepEqual(request, {
    target: "/a?b=%20",
    headers: { host: "h:1", "x-y": "a b", connection: "Keep-Alive" },
    end: one.length,
  });
  const again = reader.read(Buffer.from(one.replace("/a", "/c")));
  assert.equal(again?.target, "/c?b=%20");
  assert.equal(again?.headers, request?.headers);
  assert.deepEqual(reader.read(Buffer.from("GET / HTTP/1.1\r\nhost: other\r\n\r\n"))?.headers, { host: "other" });
});

test("what could be read in two ways, or is not there yet, is not simple", () => {
  const good = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  assert.notEqual(read(good), null);
  for (let i = 0; i < good.length; i++) assert.equal(read(good.slice(0, i)), null);
  const lines = [
    "Content-Length: 0",
    "Transfer-Encoding: chunked",
    "Connection: close",
    "Connection: keep-alive, x",
    "Upgrade: h2c",
    "Expect: 100-continue",
    "TE: trailers",
    "Host: y",
    "HOST: x",
    "X : y",
    " X: y",
    "X",
    "X: y\nZ: a",
    "X: y\r\n z",
    "X: \u00e4",
    "X: \u0000",
    "__proto__: y",
    `X: ${"y".repeat(20_000)}`,
    ...[Array.from({ length: 64 }, (_, i) => `X${i}: y`).join("\r\n")],
  ];
  for (const line of lines) assert.equal(read(`GET / HTTP/1.1\r\nHost: x\r\n${line}\r\n\r\n`), null, line.slice(0, 50));
  for (const start of [
    "get /",
    "GET  /",
    "\r\nGET /",
    "HEAD /",
    "POST /",
    "GET *",
    "GET http://x/",
    "GET /#a",
    "GET /\u00e4",
  ]) {
    assert.equal(read(`${start} HTTP/1.1\r\nHost: x\r\n\r\n`), null, start);
  }
  for (const head of [
    "HTTP/1.0\r\nHost: x",
    "HTTP/1.1\nHost: x",
    "HTTP/1.1",
    "HTTP/1.1\r\nHost:",
    "HTTP/1.1\r\nX: y",
  ]) {
    assert.equal(read(`GET / ${head}\r\n\r\n`), null, head);
  }
});
