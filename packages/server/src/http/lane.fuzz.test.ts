/** The same bytes to a server with the lane and to one without: nobody can tell which is which. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { count, type Listening, listening, RawClient } from "./lane.test.support.ts";

let servers: Listening[] = [];

before(async () => {
  servers = [await listening({ hasLane: true }), await listening({ hasLane: false })];
});
after(async () => {
  await Promise.all(servers.map(({ server }) => server.close()));
});

const LAST = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

interface Script {
  /** Whole requests that are right, sent at once; their answers are awaited. */
  readonly first: readonly string[];
  /** Whatever comes then, in pieces, and `LAST` behind it. */
  readonly later: string;
  readonly cuts: readonly number[];
}

async function play({ port }: Listening, { cuts, first, later }: Script): Promise<string> {
  const client = new RawClient(port);
  if (first.length > 0) {
    client.send(`${first.join("")}GET /api/v1/query?query=first-are-done HTTP/1.1\r\nHost: x\r\n\r\n`);
    await client.until((received) => count(received, "first-are-done") === 2);
  }
  const rest = later + LAST;
  let at = 0;
  for (const cut of [...cuts.map((part) => Math.floor(part * rest.length)).sort((a, b) => a - b), rest.length]) {
    client.send(rest.slice(at, cut));
    at = cut;
    await new Promise((resolve) => setImmediate(resolve));
  }
  // Whoever waits for more bytes gets none.
  const received = await client.until(() => false, 3_000);
  client.socket.destroy();
  return withoutSurplus(received.replace(/^Date: .*$/gm, "Date: then"));
}

const REFUSAL = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/**
 * Behind an answer that closes its connection node:http may or may not refuse what came after the request, as it happened to read it: nobody is
 * left to read that.
 */
function withoutSurplus(received: string): string {
  const before = received.slice(0, -REFUSAL.length);
  return received.endsWith(REFUSAL) && /^Connection: close\r$/m.test(before) ? before : received;
}

const target = fc.constantFrom(
  "/health",
  "/api/v1/query?query=up%7Ba%3D%22b%22%7D",
  "/api/v1/query?query=a+b&query=%zz",
  '/api/v1/query?query=[]{}|\\^`"<>',
  "/robots.txt",
  "/favicon.ico",
  "/api/v1/labels",
  "/api/v1/series",
  "/api/v1/series/count",
  "/api/v1/%zz",
  "/nowhere",
  "//health",
  "/",
);
const simpleHeader = fc.constantFrom(
  "Host: x\r\n",
  "Accept-Encoding: gzip\r\n",
  "accept-encoding:gzip;q=0\r\n",
  "Connection: keep-alive\r\n",
  "X-A: \t b c \t\r\n",
  "x-empty:\r\n",
  "User-Agent: a/1 (b; c)\r\n",
  "Cookie: a=b\r\n",
);
const oddHeader = fc.constantFrom(
  "Connection: close\r\n",
  "Connection: upgrade, keep-alive\r\n",
  "Upgrade: websocket\r\n",
  "Proxy-Connection: close\r\n",
  "Content-Length: 0\r\n",
  "Content-Length: 5\r\n",
  "Content-Length: 5, 5\r\n",
  "Content-Length: +5\r\n",
  "Content-Length : 5\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: identity\r\n",
  "transfer-encoding:\tchunked\r\n",
  "Expect: 100-continue\r\n",
  "Host: y\r\n",
  "Host:\r\n",
  "X-A: b\n",
  "X-A: b\r",
  "X-A: b\r\n folded\r\n",
  "X-A : b\r\n",
  " X-A: b\r\n",
  "X-A\r\n",
  ": b\r\n",
  "X-\u00e4: b\r\n",
  "X-A: \u00e4\r\n",
  "X-A: \u0000\r\n",
  "X-A: \u007f\r\n",
  "__proto__: b\r\n",
  `X-Long: ${"l".repeat(20_000)}\r\n`,
);
const get = fc
  .tuple(target, fc.uniqueArray(simpleHeader, { maxLength: 4, selector: (line) => line.slice(0, 6).toLowerCase() }))
  .map(
    ([path, lines]) => `GET ${path} HTTP/1.1\r\nHost: h\r\n${lines.filter((l) => !l.startsWith("Host")).join("")}\r\n`,
  );
const odd = fc
  .tuple(
    fc.constantFrom("GET", "GET", "GET", "HEAD", "OPTIONS", "DELETE", "get", "GET ", "G\u0000T", "PRI"),
    fc.oneof(target, fc.constantFrom("http://h/health", "*", "health", "/a#b", "/\u00e4", "/a b", "", "/\t")),
    fc.constantFrom(
      "HTTP/1.1",
      "HTTP/1.1",
      "HTTP/1.1",
      "HTTP/1.0",
      "HTTP/1.2",
      "HTTP/2.0",
      "http/1.1",
      "HTTP/1.1 ",
      "",
    ),
    fc.array(fc.oneof(simpleHeader, oddHeader), { maxLength: 4 }),
    fc.constantFrom("\r\n", "\r\n", "\r\n", "\n", "\r"),
  )
  .map(([method, path, version, lines, end]) => `${method} ${path} ${version}\r\n${lines.join("")}${end}`);
/** One byte of a good request is another, gone, or there twice. */
const bent = fc
  .tuple(get, fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 255 }), fc.nat(2))
  .map(([text, part, byte, how]) => {
    const at = Math.floor(part * (text.length - 1));
    const middle = [String.fromCharCode(byte), "", (text[at] as string) + text[at]][how] as string;
    return text.slice(0, at) + middle + text.slice(at + 1);
  });
const script: fc.Arbitrary<Script> = fc.record({
  // Many answers at once are compared where none waits for a reader.
  first: fc.array(get, { maxLength: 3 }),
  later: fc.oneof(get, odd, bent),
  cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 2 }),
});

test("fuzz: answers are the same, byte for byte, with and without the lane", async () => {
  let simple = 0;
  await fc.assert(
    fc.asyncProperty(script, async (sent) => {
      const [withLane, without] = await Promise.all(servers.map((server) => play(server, sent)));
      assert.equal(withLane, without);
      simple += count(without as string, "HTTP/1.1 200 OK");
    }),
    { numRuns: 400 },
  );
  assert.ok(simple > 300, `${simple} good answers`);
});
