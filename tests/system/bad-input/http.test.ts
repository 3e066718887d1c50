/** Connections that no HTTP library makes: no 5xx, no crash, no file read, no honest request kept waiting. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleMs } from "../support/attack.ts";
import { http, sendRaw } from "../support/http.ts";
import { startNyanza } from "../support/nyanza.ts";
import { remoteWrite, seriesOf } from "../support/remote-write.ts";
import { scoped } from "../support/scope.ts";

const host = "Host: localhost\r\n";
const post = `POST /api/v1/write HTTP/1.1\r\n${host}Content-Encoding: snappy\r\n`;

/** One more megabyte in a chunked body. */
const megabyteChunk = Buffer.concat([Buffer.from("100000\r\n"), Buffer.alloc(1 << 20, 1), Buffer.from("\r\n")]);

const requests: Readonly<Record<string, string | Uint8Array>> = {
  "40 MB in chunks without an end": Buffer.concat([
    Buffer.from(`${post}Transfer-Encoding: chunked\r\n\r\n`),
    ...Array<Buffer>(40).fill(megabyteChunk),
  ]),
  "chunk size ffffffffffffffff": `${post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc`,
  "length and chunks": `${post}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\n\r\n`,
  "two lengths": `${post}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`,
  "negative length": `${post}Content-Length: -1\r\n\r\n`,
  "expects something strange": `${post}Expect: the-unexpected\r\nContent-Length: 3\r\n\r\nabc`,
  "expects 100 and falls silent": `${post}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`,
  "a megabyte of address": `GET /${"a".repeat(1 << 20)} HTTP/1.1\r\n${host}\r\n`,
  "ten thousand headers": `GET /health HTTP/1.1\r\n${host}${"X-A: b\r\n".repeat(10_000)}\r\n`,
  "TLS hello": Buffer.from([0x16, 0x03, 0x01, 0x00, 0xa5, 0x01, 0x00, 0x00, 0xa1, 0x03, 0x03]),
  noise: Buffer.from(Array.from({ length: 2000 }, (_, i) => (i * 7919) & 0xff)),
  "no request": "\r\n\r\n\r\n",
  "absolute target": `GET http://example.com/health HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
  upgrade: `GET /health HTTP/1.1\r\n${host}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n`,
  CONNECT: `CONNECT example.com:443 HTTP/1.1\r\n${host}\r\n`,
  "HTTP/1.0": "GET /health HTTP/1.0\r\n\r\n",
  "a thousand requests at once": `GET /health HTTP/1.1\r\n${host}\r\n`.repeat(1000),
};

const paths: readonly string[] = [
  ...["//health", "/./health", "/../../etc/passwd", "/%2e%2e%2fetc/passwd", "/%", "/%ff%fe", "/health;x", "/\u00e9"],
  ...["/vmui/../../../etc/passwd", "/vmui/%2e%2e/%2e%2e/package.json", "/vmui/..%2f..%2fpackage.json"],
  ...["/api/v1/query?query=%zz", "/api/v1/query?query=%00"],
];

const methods: readonly (readonly [string, string])[] = [
  ["HEAD", "/api/v1/write"],
  ["OPTIONS", "/api/v1/query"],
  ["DELETE", "/api/v1/query"],
  ["GET", "/api/v1/write"],
  ["POST", "/health"],
  ["PUT", "/"],
  ["GET", "/no/such/path"],
];

test(
  "bad input: HTTP itself",
  { timeout: 120_000 },
  scoped(async (scope) => {
    const { url, process } = await startNyanza(scope);
    const send = async (name: string, bytes: string | Uint8Array, msMax = 1500): Promise<string> => {
      const received = await sendRaw(url, bytes, msMax);
      assert.doesNotMatch(received, /^HTTP\/1\.[01] 5/m, `${name}: ${received.slice(0, 200)}`);
      assert.ok(process.isRunning, `${name}: the server died\n${process.tail()}`);
      assert.equal((await http(`${url}/health`)).status, 200, name);
      return received;
    };

    // The answer comes a little later than the refusal, so that a sender that goes on sending can read it.
    const tooLong = `${post}Content-Length: 10000000000\r\n\r\nabc`;
    const announced = await send("ten gigabytes announced", tooLong, 5000);
    assert.match(announced, /^HTTP\/1\.1 4/, "refused before it is read");
    for (const [name, bytes] of Object.entries(requests)) await send(name, bytes);
    for (const path of paths) {
      const request = Buffer.from(`GET ${path} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`, "latin1");
      assert.doesNotMatch(await send(path, request), /root:|"name": "@nyanza/, `${path} read a file`);
    }
    for (const [method, path] of methods) {
      const { status } = await http(url + path, { method });
      assert.ok(status < 500, `${method} ${path}: ${status}`);
    }

    const stalled = Array.from({ length: 200 }, () => sendRaw(url, `${post}Content-Length: 100\r\n\r\nhalf`, 1500));
    const startedMs = performance.now();
    assert.equal((await remoteWrite(url, [seriesOf("honest", {}, [[sampleMs, 1]])])).status, 204);
    assert.ok(performance.now() - startedMs < 1000, "an honest request among 200 stalled ones");
    await Promise.all(stalled);
    assert.ok(process.isRunning);
  }),
);
