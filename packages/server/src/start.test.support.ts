/** A server on a free port over a database in memory that evaluates nothing, and requests to it. */
import assert from "node:assert/strict";
import { type Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { MetricSet } from "@nyanza/metrics";
import { MemoryDatabase } from "./api/memory-database.ts";
import { parseFlags } from "./flags/parse.ts";
import { FLAGS } from "./flags/table.ts";
import { createLoggers, type LoggerFor } from "./process/logger.ts";
import { type RunningServer, startServer } from "./start.ts";

/** A free port, and no samples of its own among those of a test. */
export const TEST_FLAGS: readonly string[] = ["-httpListenAddr=127.0.0.1:0", "-selfScrapeInterval=0"];

/** Loggers that put their lines into `log`. */
export function loggersInto(log: string[]): LoggerFor {
  return createLoggers({
    level: "INFO",
    format: "default",
    timezone: "UTC",
    hasTimestamps: false,
    errorsPerSecond: 0,
    warnsPerSecond: 0,
    output: { write: (line) => log.push(line) },
  });
}

export interface TestServer {
  readonly database: MemoryDatabase;
  readonly port: number;
  readonly server: RunningServer;
  readonly log: string[];
  readonly metrics: MetricSet;
}

export async function withServer(args: readonly string[], use: (server: TestServer) => Promise<void>): Promise<void> {
  const database = new MemoryDatabase();
  const log: string[] = [];
  const loggers = loggersInto(log);
  const metrics = new MetricSet();
  const flags = parseFlags(FLAGS, [...TEST_FLAGS, ...args], {});
  const server = await startServer({ flags, loggers, metrics, openDatabase: async () => database });
  try {
    const port = Number((server.addresses[0] as string).split(":").at(-1));
    await use({ database, port, server, log, metrics });
  } finally {
    await server.stop();
    assert.ok(database.isClosed);
  }
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

export interface Sending {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array | string;
  readonly agent?: Agent;
}

export function ask(port: number, path: string, sending: Sending = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { agent = false, body, headers = {}, method = body === undefined ? "GET" : "POST" } = sending;
    const outgoing = httpRequest({ host: "127.0.0.1", port, path, method, headers, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const bytes = Buffer.concat(chunks);
        resolve({
          status: response.statusCode as number,
          headers: response.headers,
          body: bytes,
          text: bytes.toString("utf8"),
        });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

export const FORM: Readonly<Record<string, string>> = { "content-type": "application/x-www-form-urlencoded" };
