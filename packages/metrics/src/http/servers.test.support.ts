import assert from "node:assert/strict";
import { type Server, request as send } from "node:http";
import { type AddressInfo, connect, type Server as NetServer } from "node:net";
import type { Readings } from "../app/manual-reader.test.support.ts";

/** Listens on a free port of 127.0.0.1, runs `work`, closes all. */
export async function withServer(server: Server | NetServer, work: (port: number) => Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await work((server.address() as AddressInfo).port);
  } finally {
    if ("closeAllConnections" in server) server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Sends a request, reads the answer to its end: its status. */
export function ask(
  port: number,
  path: string,
  options: {
    readonly method?: string;
    readonly headers?: Record<string, string>;
    readonly body?: string | readonly string[];
  } = {},
): Promise<number> {
  const { method = "GET", headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const request = send({ port, host: "127.0.0.1", path, method, headers, agent: false }, (response) => {
      response
        .on("end", () => resolve(response.statusCode ?? 0))
        .on("error", reject)
        .resume();
    });
    request.on("error", reject);
    if (typeof body === "object") for (const chunk of body) request.write(chunk);
    request.end(typeof body === "string" ? body : undefined);
  });
}

/** Writes `text` to the port and answers what comes back until the connection ends, or `until` has come. */
export function exchangeBytes(port: number, text: string, until?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      if (until !== undefined && answer.includes(until)) socket.destroy();
    });
    socket.on("close", () => resolve(answer)).on("error", reject);
    socket.write(text);
  });
}

/** Waits until `read` gives `want`: a server records after the client has its answer. */
export async function settles<T>(read: () => T | Promise<T>, want: T): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      assert.deepEqual(await read(), want);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  assert.deepEqual(await read(), want);
}

/** `http_requests_total` as `GET /users/:id 200` to count; waits until it is so, and that it stays so. */
export async function assertRequests(readings: Readings, want: Record<string, number>): Promise<void> {
  const read = async (): Promise<Record<string, number>> => {
    const values = Object.entries(await readings.values("http_requests_total"));
    return Object.fromEntries(
      values.map(([labels, count]) => [
        labels.replace(/^method=(.*?),path=(.*),status_code=(\d+)$/s, "$1 $2 $3"),
        count,
      ]),
    );
  };
  await settles(read, want);
  await settles(() => readings.values("http_active_requests"), { "": 0 });
  assert.deepEqual(await read(), want);
}
