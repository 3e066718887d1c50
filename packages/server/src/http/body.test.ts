import assert from "node:assert/strict";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";
import { InputError } from "@nyanza/tsdb";
import fc from "fast-check";
import { type BodyContext, ByteBudget, readChunks, readLines, withBody } from "./body.ts";
import { decodeBody, parseEncoding } from "./decode.ts";
import { OverloadError } from "./errors.ts";

function contextOf(budgetBytes = 1 << 30, stallMs = 5000): BodyContext {
  return { budget: new ByteBudget(budgetBytes), stallMs };
}

interface Sent {
  readonly status: number;
  readonly text: string;
}

/** Serves one handler; its result or error is the answer. */
async function serve(
  handle: (request: IncomingMessage) => Promise<string>,
  use: (port: number) => Promise<void>,
): Promise<void> {
  const server: Server = createServer((incoming, response) => {
    handle(incoming).then(
      (text) => response.end(text),
      (error: Error & { status?: number }) => {
        response.writeHead(error.status ?? 500, { connection: "close" }).end(error.message);
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

function send(
  port: number,
  pieces: readonly Uint8Array[],
  headers: Record<string, string> = {},
  path = "/",
): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ port, host: "127.0.0.1", path, method: "POST", headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode as number, text }));
    });
    outgoing.on("error", reject);
    for (const piece of pieces) outgoing.write(piece);
    outgoing.end();
  });
}

const SIZE = { maxBytes: 1000, flag: "some.flag" };

test("whole bodies: declared and real sizes are capped, nothing stays booked", async () => {
  const context = contextOf();
  await serve(
    (incoming) => withBody(incoming, SIZE, context, async (body) => String(body.length)),
    async (port) => {
      assert.deepEqual(await send(port, [Buffer.alloc(1000)]), { status: 200, text: "1000" });
      const declared = await send(port, [Buffer.alloc(1001)], { "content-length": "1001" });
      assert.equal(declared.status, 400);
      assert.match(declared.text, /too large body: 1001 bytes or more, at most 1000.*-some\.flag/);
      const real = await send(port, [Buffer.alloc(600), Buffer.alloc(600)]);
      assert.equal(real.status, 400);
      const unknown = await send(port, [Buffer.from("x")], { "content-encoding": "br" });
      assert.match(unknown.text, /Content-Encoding: want one of gzip/);
    },
  );
  assert.equal(context.budget.used, 0);
});

test("a spent budget is 503, not a larger process", async () => {
  await serve(
    (incoming) => withBody(incoming, SIZE, contextOf(100), async () => "ok"),
    async (port) => assert.equal((await send(port, [Buffer.alloc(500)])).status, 503),
  );
});

test("decompression bombs are refused at the cap, with memory hardly moving", async () => {
  const zeros = Buffer.alloc(512 << 20);
  const bombs = [
    ["gzip", gzipSync(zeros, { level: 1 })],
    ["deflate", deflateSync(zeros, { level: 1 })],
    ["zstd", repeatedZstd(512 << 20, false)],
    ["zstd", repeatedZstd(512 << 20, true)],
  ] as const;
  for (const [encoding, bomb] of bombs) {
    const before = process.memoryUsage().rss;
    await assert.rejects(
      decodeBody(bomb, encoding, 32 << 20, "some.flag"),
      (error: Error) => error instanceof InputError && error.status === 400 && /too large body/.test(error.message),
      encoding,
    );
    const grownBytes = process.memoryUsage().rss - before;
    assert.ok(grownBytes < 100 << 20, `${encoding}: resident memory grew by ${grownBytes} bytes`);
  }
});

/** A zstd frame of zero bytes as blocks that repeat one byte, with or without its size declared. */
function repeatedZstd(bytes: number, isDeclared: boolean): Buffer {
  const blocks = Math.ceil(bytes / (128 << 10));
  const head = isDeclared
    ? Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x80, 0x38, 0, 0, 0, 0])
    : Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38]);
  if (isDeclared) head.writeUInt32LE(bytes, 6);
  const body = Buffer.alloc(blocks * 4);
  for (let i = 0; i < blocks; i++) {
    const header = (i === blocks - 1 ? 1 : 0) | (1 << 1) | ((128 << 10) << 3);
    body.writeUIntLE(header, i * 4, 3);
  }
  return Buffer.concat([head, body]);
}

test("zstd: what fits comes back, with and without a declared size", async () => {
  for (const isDeclared of [true, false]) {
    const decoded = await decodeBody(repeatedZstd(4 << 20, isDeclared), "zstd", 8 << 20, "f");
    assert.equal(decoded.length, 4 << 20);
  }
});

test("broken bodies of every encoding are 400 whatever they hold", async () => {
  const encoding = fc.constantFrom(...(["gzip", "deflate", "zstd"] as const));
  const start = fc.constantFrom([0x28, 0xb5, 0x2f, 0xfd], [0x1f, 0x8b, 8, 0], [0x78, 0x9c], []);
  await fc.assert(
    fc.asyncProperty(encoding, start, fc.uint8Array({ maxLength: 60 }), async (name, magic, rest) => {
      const body = Buffer.from([...magic, ...rest]);
      try {
        assert.ok((await decodeBody(body, name, 1 << 20, "f")).length <= 1 << 20);
      } catch (error) {
        assert.ok(error instanceof InputError, String(error));
        assert.equal(error.status, 400);
      }
    }),
    { numRuns: 300 },
  );
});

test("parseEncoding", () => {
  assert.equal(parseEncoding(undefined), "identity");
  assert.equal(parseEncoding(" GZIP "), "gzip");
  for (const header of ["br", "gzip, gzip", "gzip,".repeat(50)]) assert.throws(() => parseEncoding(header), InputError);
});

test("lines: pieces end at line ends and add up to the body, however it is cut", async () => {
  const lineLimits = { maxLineBytes: 100_000, flag: "line.flag", wholeBody: { maxBytes: 1 << 24, flag: "f" } };
  const pieces: string[] = [];
  await serve(
    async (incoming) => {
      pieces.length = 0;
      await readLines(incoming, lineLimits, contextOf(), async (piece) => {
        pieces.push(Buffer.from(piece).toString());
      });
      return "ok";
    },
    async (port) => {
      const lines = Array.from({ length: 30_000 }, (_, i) => `line ${i} ${"x".repeat(i % 97)}`);
      const body = Buffer.from(lines.join("\n"));
      for (const [encoding, bytes] of [
        ["identity", body],
        ["gzip", gzipSync(body)],
        ["deflate", deflateSync(body)],
      ] as const) {
        const cuts = [0, 1, 17, 70_000, 70_001, 400_000, bytes.length].filter((cut) => cut <= bytes.length);
        const chunks = cuts.slice(1).map((cut, i) => bytes.subarray(cuts[i], cut));
        assert.equal((await send(port, chunks, { "content-encoding": encoding })).status, 200);
        assert.equal(pieces.join(""), body.toString(), encoding);
        assert.ok(pieces.length > 1);
        for (const piece of pieces.slice(0, -1)) assert.ok(piece.endsWith("\n"));
      }
      const truncated = await send(port, [gzipSync(body).subarray(0, 5000)], { "content-encoding": "gzip" });
      assert.equal(truncated.status, 400);
      const garbage = await send(port, [Buffer.from("not gzip")], { "content-encoding": "gzip" });
      assert.equal(garbage.status, 400);
      assert.match(garbage.text, /cannot decode the gzip body/);
    },
  );
});

test("one piece at a time, the last one too, however slowly it is taken", async () => {
  const lineLimits = { maxLineBytes: 100_000, flag: "line.flag", wholeBody: { maxBytes: 1 << 24, flag: "f" } };
  let atWork = 0;
  let atWorkMost = 0;
  let bytes = 0;
  const take = async (piece: Uint8Array): Promise<void> => {
    atWork += 1;
    atWorkMost = Math.max(atWorkMost, atWork);
    await new Promise((done) => setTimeout(done, 20));
    bytes += piece.length;
    atWork -= 1;
  };
  await serve(
    async (incoming) => {
      if (incoming.url === "/lines") await readLines(incoming, lineLimits, contextOf(), take);
      else await readChunks(incoming, lineLimits.wholeBody, contextOf(), take);
      return `${bytes} bytes, ${atWork} pieces left`;
    },
    async (port) => {
      const body = Buffer.from("0123456789abcde\n".repeat(60_000));
      for (const path of ["/lines", "/chunks"]) {
        for (const [encoding, sent] of [
          ["identity", body],
          ["gzip", gzipSync(body)],
        ] as const) {
          bytes = 0;
          const answer = await send(port, [sent], { "content-encoding": encoding }, path);
          assert.equal(answer.text, `${body.length} bytes, 0 pieces left`, `${path}, ${encoding}`);
        }
      }
    },
  );
  assert.equal(atWorkMost, 1);
});

test("lines: a long one is refused, compressed or not", async () => {
  const lineLimits = { maxLineBytes: 1000, flag: "line.flag", wholeBody: { maxBytes: 1 << 20, flag: "f" } };
  await serve(
    async (incoming) => {
      await readLines(incoming, lineLimits, contextOf(), async () => {});
      return "ok";
    },
    async (port) => {
      const fine = Buffer.from(`${"x".repeat(1000)}\n`.repeat(3));
      assert.equal((await send(port, [fine])).status, 200);
      const long = Buffer.from(`a\n${"x".repeat(1001)}\nb\n`);
      for (const [encoding, bytes] of [
        ["identity", long],
        ["gzip", gzipSync(long)],
        ["gzip", gzipSync(Buffer.alloc(64 << 20))],
      ] as const) {
        const answer = await send(port, [bytes], { "content-encoding": encoding });
        assert.equal(answer.status, 400);
        assert.match(answer.text, /too long line: more than 1000 bytes; see the -line\.flag flag/);
      }
    },
  );
});

test("a sender that stops sending gets 408", async () => {
  await serve(
    (incoming) => withBody(incoming, SIZE, contextOf(1 << 20, 100), async () => "ok"),
    async (port) => {
      const status = await new Promise<number>((resolve, reject) => {
        const outgoing = request({ port, host: "127.0.0.1", method: "POST" }, (response) => {
          response.resume();
          resolve(response.statusCode as number);
          outgoing.destroy();
        });
        outgoing.on("error", reject);
        outgoing.write("abc");
      });
      assert.equal(status, 408);
    },
  );
});

test("bodies in several pieces at once and after one another stay apart", async () => {
  const context = contextOf();
  await serve(
    (incoming) =>
      withBody(incoming, { maxBytes: 1 << 20, flag: "f" }, context, async (body) => {
        await new Promise((resume) => setTimeout(resume, 5));
        return `${body.length} ${body.every((byte) => byte === body[0])} ${body[0]}`;
      }),
    async (port) => {
      for (let round = 0; round < 3; round++) {
        const answers = await Promise.all(
          Array.from({ length: 6 }, (_, i) => {
            const fill = 16 * round + i;
            return fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: new Uint8Array(200_000 + i).fill(fill) });
          }),
        );
        for (const [i, answer] of answers.entries())
          assert.equal(await answer.text(), `${200_000 + i} true ${16 * round + i}`);
      }
      assert.equal(context.budget.used, 0);
    },
  );
});

test("ByteBudget", () => {
  const budget = new ByteBudget(10);
  budget.take(10);
  assert.throws(() => budget.take(1), OverloadError);
  budget.release(5);
  budget.take(5);
});
