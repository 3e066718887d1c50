import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientRequest, createServer, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { PushRequests } from "./push-requests.ts";

/** A receiver that takes everything and answers nothing. */
async function withSilence(body: (port: number) => Promise<void>): Promise<void> {
  const server = createServer((request) => request.resume());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await body((server.address() as AddressInfo).port);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test("what a push has under way is ended, and what it tries again; nothing else is", async () => {
  await withSilence(async (port) => {
    const requests = new PushRequests();
    const post = (): ClientRequest => send({ host: "127.0.0.1", port, method: "POST", agent: false }).end("x");
    const other = post();
    const errors: NodeJS.ErrnoException[] = [];
    const ended = new Promise<void>((resolve) => {
      requests.run((done) => {
        // As exporters do: after a pause, once more.
        const attempt = async (): Promise<void> => {
          const [error] = (await once(post(), "error")) as [NodeJS.ErrnoException];
          if (errors.push(error) === 2) return;
          await sleep(10);
          await attempt();
        };
        void attempt().then(done).then(resolve);
      });
    });
    await once(other, "finish");
    requests.abandon();
    await ended;
    for (const error of errors) {
      assert.match(error.message, /no answer in time/);
      // Exporters would answer ECONNRESET and its like with one more try.
      assert.equal(error.code, undefined);
    }
    assert.equal(other.destroyed, false);
    other.on("error", () => {}).destroy();
  });
});
