/** A server on 127.0.0.1 that answers as a test says. Has no tests: its name keeps it out of the package. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface SeenRequest {
  readonly method: string;
  /** Path and arguments. */
  readonly path: string;
  readonly params: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export type Answer = (request: SeenRequest, response: ServerResponse, count: number) => void | Promise<void>;

export interface StubServer {
  readonly url: string;
  readonly port: number;
  readonly requests: SeenRequest[];
  /** Settles when the connection of a request is closed before its answer has ended. */
  readonly cutOff: Promise<void>;
}

/** Runs `body` with a server that lasts as long. */
export async function withServer(answer: Answer, body: (server: StubServer) => Promise<void>): Promise<void> {
  const requests: SeenRequest[] = [];
  let sayCutOff = (): void => {};
  const cutOff = new Promise<void>((resolve) => {
    sayCutOff = resolve;
  });
  const server: Server = createServer(async (request, response) => {
    response.on("close", () => {
      if (!response.writableFinished) sayCutOff();
    });
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const whole = Buffer.concat(chunks);
    const url = new URL(request.url ?? "", "http://stub");
    const isForm = request.headers["content-type"] === "application/x-www-form-urlencoded";
    const params = isForm ? new URLSearchParams(whole.toString()) : url.searchParams;
    const seen = {
      method: request.method ?? "",
      path: request.url ?? "",
      params,
      headers: request.headers,
      body: whole,
    };
    requests.push(seen);
    await answer(seen, response, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await body({ url: `http://127.0.0.1:${port}`, port, requests, cutOff });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Answers with JSON. */
export function json(data: unknown): Answer {
  return (_request, response) => {
    response.setHeader("content-type", "application/json").end(JSON.stringify(data));
  };
}

export const emptyVector: Answer = json({ status: "success", data: { resultType: "vector", result: [] } });
