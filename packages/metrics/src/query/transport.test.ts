/** What servers, proxies and networks do to a client, on real sockets. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { inspect } from "node:util";
import { QueryClient } from "./query-client.ts";
import { QueryError } from "./query-error.ts";
import { type Answer, emptyVector, withServer } from "./stub-server.test.ts";

/** Retries without waiting. */
const quick = { retryDelayMs: 1 };

function text(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return (_request, response) => void response.writeHead(status, headers).end(body);
}

/** The answers in turn, the last one for ever. */
function inTurn(...answers: Answer[]): Answer {
  return (request, response, count) =>
    (answers[Math.min(count, answers.length) - 1] as Answer)(request, response, count);
}

async function errorOf(promise: Promise<unknown>): Promise<QueryError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof QueryError, inspect(error));
    return error;
  }
  assert.fail("want an error, got an answer");
}

async function drain(items: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of items) count++;
  return count;
}

test("errors carry the server's status, type and words, and the query", async () => {
  const body = JSON.stringify({ status: "error", errorType: "bad_data", error: "1:6: parse error" });
  await withServer(text(400, body), async ({ url, requests }) => {
    const error = await errorOf(new QueryClient(url).query("rate("));
    assert.equal(error.message, `query ${url}/api/v1/query: status 400, bad_data: 1:6: parse error`);
    const { name, code, status, errorType, detail, query, attempts } = error;
    assert.deepEqual(
      [name, code, status, errorType, detail, query, error.url, attempts],
      ["QueryError", "SERVER", 400, "bad_data", "1:6: parse error", "rate(", `${url}/api/v1/query`, 1],
    );
    assert.equal(requests.length, 1, "not made again");
  });
  await withServer(text(200, body), async ({ url }) => {
    const error = await errorOf(new QueryClient(url).query("rate("));
    assert.deepEqual([error.code, error.status, error.errorType], ["SERVER", 200, "bad_data"]);
  });
});

test("bodies that are no JSON give a readable line", async () => {
  const cases: [Answer, string, RegExp][] = [
    [text(500, "<html><head><title>Oh\nno</title></head><p>x"), "SERVER", /status 500, HTML: Oh no$/],
    [text(500, "<html><style>p{}</style><p>Oh <b>no</b></p>"), "SERVER", /status 500, HTML: .*Oh no$/],
    [text(404, "404 page not found\n"), "SERVER", /status 404, 404 page not found$/],
    [text(500, ""), "SERVER", /status 500, Internal Server Error$/],
    [text(500, `{"oops`), "SERVER", /status 500, \{"oops$/],
    [text(500, `{"x":"${"y".repeat(100_000)}"}`), "SERVER", /^.{900,1200}…$/],
    [text(422, "a\u0000b\u001b[31m\r\nc"), "SERVER", /status 422, a b \[31m c$/],
    [text(200, "<!doctype html><title>Log in</title>"), "MALFORMED", /want JSON, got HTML: Log in$/],
    [text(200, ""), "MALFORMED", /want JSON, got an empty answer$/],
    [text(204, ""), "MALFORMED", /want JSON, got an empty answer$/],
    [text(200, "OK"), "MALFORMED", /want JSON, got OK$/],
    [
      text(200, `{"status":"success","data":{"resultType":"vector","result":[`),
      "MALFORMED",
      /ends too early, after 60 bytes$/,
    ],
  ];
  for (const [answer, code, message] of cases) {
    await withServer(answer, async ({ url }) => {
      const error = await errorOf(new QueryClient(url, { retries: 0 }).query("up"));
      assert.equal(error.code, code);
      assert.match(error.message, message);
    });
  }
});

test("a busy server is asked again, after the time it wants", async () => {
  await withServer(
    inTurn(text(429, "", { "retry-after": "0" }), text(503, "<html>"), emptyVector),
    async ({ url, requests }) => {
      await new QueryClient(url, quick).query("up");
      assert.equal(requests.length, 3);
    },
  );
  await withServer(text(503, "busy"), async ({ url, requests }) => {
    const error = await errorOf(new QueryClient(url, { ...quick, retries: 3 }).query("up"));
    assert.deepEqual([error.status, error.attempts, requests.length], [503, 4, 4]);
  });
});

test("nobody waits longer than allowed: for the server's wish, for the call's time", async () => {
  await withServer(text(429, "", { "retry-after": "3600" }), async ({ url, requests }) => {
    const error = await errorOf(new QueryClient(url).query("up"));
    assert.deepEqual([error.status, error.retryAfterMs, requests.length], [429, 3_600_000, 1]);
    const again = await errorOf(new QueryClient(url, { maxRetryDelayMs: 1e8, timeoutMs: 1000 }).query("up"));
    assert.deepEqual([again.status, requests.length], [429, 2], "the call would be over before");
  });
  const date = new Date(Date.now() + 5_000_000);
  const inAMinute = { date: date.toUTCString(), "retry-after": new Date(date.getTime() + 60_000).toUTCString() };
  await withServer(text(503, "", inAMinute), async ({ url }) => {
    assert.equal((await errorOf(new QueryClient(url).query("up"))).retryAfterMs, 60_000, "by the server's clock");
  });
});

test("a query that took too long is not made again", async () => {
  const timeout = JSON.stringify({ status: "error", errorType: "timeout", error: "query timed out" });
  await withServer(text(503, timeout), async ({ url, requests }) => {
    assert.equal((await errorOf(new QueryClient(url, quick).query("up"))).errorType, "timeout");
    assert.equal(requests.length, 1);
  });
});

test("a broken connection: asked again before an answer, told after its start", async () => {
  const hangUp: Answer = (_request, response) => void response.destroy();
  await withServer(inTurn(hangUp, hangUp, emptyVector), async ({ url, requests }) => {
    await new QueryClient(url, quick).query("up");
    assert.equal(requests.length, 3);
  });
  await withServer(hangUp, async ({ url, requests }) => {
    const error = await errorOf(new QueryClient(url, quick).deleteSeries("up"));
    assert.deepEqual([error.code, error.status, requests.length], ["NETWORK", null, 1], "deleting is not repeated");
  });
  for (const length of ["1000", null]) {
    const cut: Answer = (_request, response) => {
      response.writeHead(200, length === null ? {} : { "content-length": length });
      response.write(`{"status":"success",`, () => setTimeout(() => response.destroy(), 10));
    };
    await withServer(cut, async ({ url, requests }) => {
      const error = await errorOf(new QueryClient(url, quick).query("up"));
      assert.deepEqual([error.code, error.status, requests.length], ["NETWORK", 200, 1]);
      assert.match(error.message, /the answer broke off: /);
    });
  }
  const error = await errorOf(new QueryClient("http://me:s3cret@127.0.0.1:2", quick).query("up"));
  assert.match(error.message, /^query http:\/\/127\.0\.0\.1:2\/api\/v1\/query: no answer: connect ECONNREFUSED/);
  assert.equal(error.attempts, 3);
  assert.doesNotMatch(inspect(error, { depth: 9 }), /s3cret/);
});

test("time limits: before the answer, in the middle of it, while waiting to retry", async () => {
  const silent: Answer = () => {};
  const stalled: Answer = (_request, response) => void response.write("{");
  for (const answer of [silent, stalled]) {
    await withServer(answer, async ({ url, cutOff }) => {
      const error = await errorOf(new QueryClient(url).query("up", { timeoutMs: 30 }));
      assert.equal(error.code, "TIMEOUT");
      assert.match(error.message, /no answer within 30 ms$/);
      await cutOff;
    });
  }
  await withServer(text(503, ""), async ({ url }) => {
    const startMs = performance.now();
    await errorOf(
      new QueryClient(url, { timeoutMs: 50, retries: 1000, retryDelayMs: 5, maxRetryDelayMs: 10 }).query("up"),
    );
    assert.ok(performance.now() - startMs < 2_000);
  });
});

test("aborting rejects with the signal's reason, wherever the call is", async () => {
  const reason = new Error("enough");
  const aborts = async (answer: Answer, wait: (controller: AbortController) => void): Promise<void> => {
    await withServer(answer, async ({ url }) => {
      const controller = new AbortController();
      wait(controller);
      const call = new QueryClient(url, { retryDelayMs: 60_000, maxRetryDelayMs: 60_000, timeoutMs: 1e6 });
      await assert.rejects(call.query("up", { signal: controller.signal }), (error) => error === reason);
    });
  };
  await aborts(emptyVector, (controller) => controller.abort(reason));
  const soon = (controller: AbortController): void => void setTimeout(() => controller.abort(reason), 30);
  await aborts(() => {}, soon);
  await aborts((_request, response) => void response.write("{"), soon);
  await aborts(text(503, ""), soon);
  const client = new QueryClient("http://127.0.0.1:1");
  await assert.rejects(client.query("up", { signal: AbortSignal.abort() }), { name: "AbortError" });
  await assert.rejects(client.import("x", { signal: AbortSignal.abort() }), { name: "AbortError" });
});

test("a signal that lives on keeps nothing of the calls it was given to", async () => {
  await withServer(emptyVector, async ({ url }) => {
    const controller = new AbortController();
    const { signal } = controller;
    for (let i = 0; i < 5; i++) await new QueryClient(url).query("up", { signal });
    assert.equal(getEventListeners(signal, "abort").length, 0);
  });
});

test("an answer that is too large is not read to its end", async () => {
  const endless: Answer = (_request, response) => {
    const piece = Buffer.alloc(65_536, 0x20);
    const write = (): void => {
      while (!response.destroyed && response.write(piece));
      if (!response.destroyed) response.once("drain", write);
    };
    write();
  };
  await withServer(endless, async ({ url, cutOff }) => {
    const error = await errorOf(new QueryClient(url, { maxResponseBytes: 1_000_000 }).query("up"));
    assert.deepEqual([error.code, error.status], ["TOO_LARGE", 200]);
    await cutOff;
  });
  const refusal: Answer = (request, response, count) => {
    response.statusCode = 400;
    endless(request, response, count);
  };
  await withServer(refusal, async ({ url, cutOff }) => {
    assert.equal((await errorOf(new QueryClient(url).query("up"))).status, 400);
    await cutOff;
  });
});

test("redirects are not followed: credentials stay here", async () => {
  await withServer(emptyVector, async (other) => {
    for (const status of [301, 302, 303, 307, 308]) {
      const location = `http://me:s3cret@127.0.0.1:${other.port}/login?token=s3cret`;
      await withServer(text(status, "moved", { location }), async ({ url, requests }) => {
        const error = await errorOf(new QueryClient(url, { ...quick, bearerToken: "t0ken" }).query("up"));
        assert.deepEqual([error.code, error.status, requests.length], ["REDIRECT", status, 1]);
        assert.match(error.message, new RegExp(`redirected to ${other.url}/login; `));
        assert.doesNotMatch(inspect(error, { depth: 9 }), /s3cret|t0ken/);
      });
    }
    assert.equal(other.requests.length, 0);
  });
});

test("no error shows credentials", async () => {
  await withServer(inTurn(text(401, "no"), text(200, "<html>")), async ({ port }) => {
    const client = new QueryClient(`http://me:s3cret@127.0.0.1:${port}/`, { headers: { "x-key": "s3cret" } });
    for (let i = 0; i < 2; i++) assert.doesNotMatch(inspect(await errorOf(client.query("up")), { depth: 9 }), /s3cret/);
    const late = new QueryClient(`http://127.0.0.1:${port}/`, { bearerToken: () => "s3cret\n" });
    await assert.rejects(
      late.query("up"),
      (error) =>
        !inspect(error)
          .replace(/\n {4}at .*/g, "")
          .includes("s3cret"),
    );
  });
});

const line = `{"metric":{"a":"b"},"values":[1],"timestamps":[1]}\n`;

test("leaving an export early ends its request; its clock stands while the caller works", async () => {
  const drip: Answer = (_request, response) => {
    const timer = setInterval(() => response.write(line), 10);
    response.on("close", () => clearInterval(timer));
  };
  await withServer(drip, async ({ url, cutOff }) => {
    let count = 0;
    for await (const _ of new QueryClient(url, { timeoutMs: 60 }).export("a")) {
      if (count === 0) await new Promise((resolve) => setTimeout(resolve, 120));
      if (++count === 12) break;
    }
    await cutOff;
  });
  await withServer(drip, async ({ url, cutOff }) => {
    const controller = new AbortController();
    const run = async (): Promise<void> => {
      for await (const _ of new QueryClient(url).export("a", { signal: controller.signal })) controller.abort();
    };
    await assert.rejects(run(), { name: "AbortError" });
    await cutOff;
  });
  const stall: Answer = (_request, response) => void response.write(line);
  await withServer(stall, async ({ url, cutOff }) => {
    assert.equal((await errorOf(drain(new QueryClient(url, { timeoutMs: 50 }).export("a")))).code, "TIMEOUT");
    await cutOff;
  });
});

test("exports that break: at the start, in a line, in the connection", async () => {
  const cases: [Answer, string, RegExp][] = [
    [text(400, "missing match[]"), "SERVER", /status 400, missing match/],
    [text(200, `${line}{"metric"\n`), "MALFORMED", /line 2: want a JSON line, got/],
    [text(200, `${line}${line.slice(0, 20)}`), "MALFORMED", /line 2: want a JSON line, got/],
    [text(200, `{"metric":{},"values":[1],"timestamps":[]}`), "MALFORMED", /line 1: want as many/],
    [text(200, `{"metric":{},"values":["x"],"timestamps":[1]}\n`), "MALFORMED", /line 1: want a number/],
    [text(200, "<html><title>Log in</title></html>"), "MALFORMED", /line 1: want a JSON line/],
    [text(200, `${line}${"x".repeat(500)}`), "TOO_LARGE", /line 2: a line is longer than 200 bytes/],
  ];
  for (const [answer, code, message] of cases) {
    await withServer(answer, async ({ url }) => {
      const error = await errorOf(drain(new QueryClient(url).export("a", { maxLineBytes: 200 })));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, message);
    });
  }
  const cut: Answer = (_request, response) => void response.write(line, () => setTimeout(() => response.destroy(), 10));
  await withServer(inTurn(text(503, ""), cut), async ({ url, requests }) => {
    const error = await errorOf(drain(new QueryClient(url, quick).export("a")));
    assert.deepEqual([error.code, requests.length], ["NETWORK", 2], "made again before the answer, not after");
  });
});

test("an import is made again from memory, reads no faster than it sends, and tells how far it came", async () => {
  const taken = text(204, "");
  await withServer(inTurn(text(429, ""), taken, text(503, "full")), async ({ url, requests }) => {
    let pulled = 0;
    let isClosed = false;
    async function* source(): AsyncGenerator<string, void> {
      try {
        for (;;) {
          pulled++;
          yield line;
        }
      } finally {
        isClosed = true;
      }
    }
    const client = new QueryClient(url, { ...quick, retries: 1 });
    const error = await errorOf(client.import(source(), { batchBytes: line.length * 10 }));
    assert.deepEqual([error.status, error.detail, error.linesTaken, error.attempts], [503, "full", 10, 2]);
    assert.deepEqual([requests.length, pulled, isClosed], [4, 20, true]);
    assert.deepEqual(requests[0]?.body, requests[1]?.body);
  });
  await withServer(taken, async ({ url }) => {
    const failing = (async function* (): AsyncGenerator<string, void> {
      yield line;
      throw new Error("disk");
    })();
    await assert.rejects(new QueryClient(url).import(failing), /^Error: disk/);
  });
});

test("an export is read at the pace of its reader", async () => {
  let written = 0;
  const pump: Answer = (_request, response) => {
    const piece = Buffer.from(line.repeat(1000));
    const write = (): void => {
      do written += piece.length;
      while (!response.destroyed && response.write(piece));
      response.once("drain", write);
    };
    write();
  };
  await withServer(pump, async ({ url, cutOff }) => {
    for await (const _ of new QueryClient(url).export("a")) {
      for (let before = -1; before !== written; await new Promise((resolve) => setTimeout(resolve, 50)))
        before = written;
      break;
    }
    assert.ok(written < 50e6, `the server could write ${written} bytes, the reader took one line`);
    await cutOff;
  });
});

test("the limits of Node's own fetch are time-outs, and not run into again", async () => {
  let count = 0;
  const fetch = (async () => {
    count++;
    throw new TypeError("fetch failed", { cause: Object.assign(new Error("x"), { code: "UND_ERR_HEADERS_TIMEOUT" }) });
  }) as unknown as typeof globalThis.fetch;
  const error = await errorOf(new QueryClient("http://h", { fetch, ...quick }).query("up"));
  assert.deepEqual([error.code, count], ["TIMEOUT", 1]);
});

test("another fetch can be given", async () => {
  const seen: string[] = [];
  const fetch = (async (input: string) => {
    seen.push(input);
    return new Response(`{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}`);
  }) as unknown as typeof globalThis.fetch;
  const answer = await new QueryClient("http://h", { fetch }).query("2");
  assert.deepEqual([answer.resultType, seen], ["scalar", ["http://h/api/v1/query?query=2"]]);
});
