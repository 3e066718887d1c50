/**
 * A request and its response as handlers see them, whoever has read the one and writes the other: node:http, or the lane for
 * simple requests (lane.ts).
 */
import { type IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Socket } from "node:net";

export interface HttpRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly socket: Socket;
  /** Whether all of it has come. */
  readonly complete: boolean;
}

/** Emits `close` once, when it has been sent (`writableFinished` then) or its connection is gone, and `drain` as streams do. */
export interface HttpResponse extends NodeJS.WritableStream {
  statusCode: number;
  /** Too late for another status or header. */
  readonly headersSent: boolean;
  readonly destroyed: boolean;
  /** The system has all of it. */
  readonly writableFinished: boolean;
  setHeader(name: string, value: string | number): unknown;
  hasHeader(name: string): boolean;
  removeHeader(name: string): unknown;
  /** Breaks the connection. */
  destroy(): unknown;
}

/** The request as a stream of its body. Those without a body may have none, and nobody may ask for it. */
export function bodyOf(request: HttpRequest): IncomingMessage {
  if (request instanceof IncomingMessage) return request;
  throw new Error(`${request.method} ${request.url}: a request without a body was asked for it`);
}
