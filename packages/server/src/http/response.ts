/**
 * Answers as bytes. Small ones go out at once with their length; large ones are written piece by piece, and a slow
 * reader slows the writer down instead of filling memory. Compressed as the client likes it (compression.ts) where it pays.
 */
import { isAscii } from "node:buffer";
import { type Compression, chooseCompression, compress, createCompressor } from "./compression.ts";
import type { RequestContext } from "./context.ts";
import { ClientGoneError } from "./errors.ts";
import type { HttpRequest, HttpResponse } from "./exchange.ts";
import { givePiece } from "./pieces.ts";

/** Shorter answers are not worth compressing. */
const COMPRESSED_BYTES_MIN = 1 << 10;
/** Answers up to this size leave in one write with their head, which Node does for strings only. */
const STRING_BYTES_MAX = 16 << 10;

export interface Answer {
  readonly status?: number;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What is packed already is sent as it is. */
  readonly isPacked?: boolean;
}

/** Sends a whole body. `onSent` hears when its memory is free again; never, if the client is gone before that. */
export function sendBody(
  request: HttpRequest,
  response: HttpResponse,
  answer: Answer,
  body: string | Buffer,
  onSent: () => void = ignore,
): void {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  setHeaders(response, answer);
  const coding = bytes.length >= COMPRESSED_BYTES_MIN ? compressionFor(request, response, answer) : null;
  if (coding !== null) {
    const packed = compress(bytes, coding);
    response.setHeader("Content-Encoding", coding);
    response.setHeader("Content-Length", packed.length);
    response.end(packed);
    onSent();
    return;
  }
  response.setHeader("Content-Length", bytes.length);
  if (bytes.length <= STRING_BYTES_MAX && isAscii(bytes)) {
    response.end(bytes.toString("latin1"), "latin1");
    onSent();
  } else response.end(bytes, onSent);
}

function ignore(): void {}

/** Sends a status without a body. */
export function sendStatus(response: HttpResponse, status: number): void {
  response.statusCode = status;
  response.end();
}

/** A reader that takes nothing for this long is cut off: it holds a place among the queries. */
const STALL_MS = 60_000;

/** Where a growing answer goes: to a client, or to the thread that has the client. */
export interface AnswerSink {
  /** How long the writer was kept waiting for the reader. */
  readonly waitedMs: number;
  /**
   * Takes over `piece` (pieces.ts). Resolves when there is room for more. `onSent` is for those who want the piece's memory back; it is not called if nobody
   * reads the answer to its end. @throws when nobody wants the rest
   */
  write(piece: Buffer, onSent?: () => void): Promise<void>;
  /** The last piece; the whole answer if it is the only one. */
  end(piece: Buffer, onSent?: () => void): Promise<void>;
}

/** A growing answer whose length nobody knows yet. */
export class StreamedAnswer implements AnswerSink {
  readonly #request: HttpRequest;
  readonly #response: HttpResponse;
  readonly #signal: AbortSignal;
  readonly #answer: Answer;
  #sink: NodeJS.WritableStream | null = null;
  #waitedMs = 0;

  constructor(context: Pick<RequestContext, "request" | "response" | "signal">, answer: Answer) {
    this.#request = context.request;
    this.#response = context.response;
    this.#signal = context.signal;
    this.#answer = answer;
  }

  /** True once bytes have left: an error can no longer become a status. */
  get hasStarted(): boolean {
    return this.#sink !== null;
  }

  get waitedMs(): number {
    return this.#waitedMs;
  }

  /** @throws ClientGoneError, the signal's reason */
  async write(piece: Buffer, onSent: () => void = () => givePiece(piece)): Promise<void> {
    this.#signal.throwIfAborted();
    this.#sink ??= this.#open();
    if (this.#response.destroyed) throw new ClientGoneError();
    if (this.#sink.write(piece, onSent)) return;
    const startMs = performance.now();
    await this.#drained(this.#sink);
    this.#waitedMs += performance.now() - startMs;
  }

  /** An only piece goes out with its length. */
  async end(piece: Buffer, onSent: () => void = () => givePiece(piece)): Promise<void> {
    if (this.#sink === null) {
      sendBody(this.#request, this.#response, this.#answer, piece, onSent);
      return;
    }
    await this.write(piece, onSent);
    this.#sink.end();
  }

  #open(): NodeJS.WritableStream {
    setHeaders(this.#response, this.#answer);
    const coding = compressionFor(this.#request, this.#response, this.#answer);
    if (coding === null) return this.#response;
    this.#response.setHeader("Content-Encoding", coding);
    const compressor = createCompressor(coding);
    compressor.pipe(this.#response);
    // The compressor's memory is native: give it back at once when the client leaves in the middle.
    this.#response.once("close", () => compressor.destroy());
    return compressor;
  }

  #drained(sink: NodeJS.WritableStream): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error: Error | null): void => {
        clearTimeout(timer);
        sink.off("drain", onDrain);
        this.#response.off("close", onClose);
        this.#signal.removeEventListener("abort", onAbort);
        if (error === null) resolve();
        else reject(error);
      };
      const onDrain = (): void => settle(null);
      const onClose = (): void => settle(new ClientGoneError());
      const onAbort = (): void => settle(this.#signal.reason);
      const timer = setTimeout(onClose, STALL_MS);
      sink.once("drain", onDrain);
      this.#response.once("close", onClose);
      this.#signal.addEventListener("abort", onAbort);
    });
  }
}

function setHeaders(response: HttpResponse, answer: Answer): void {
  response.statusCode = answer.status ?? 200;
  response.setHeader("Content-Type", answer.contentType);
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
}

/** Set by the server when -http.disableResponseCompression is on. */
export const NO_COMPRESSION: unique symbol = Symbol("no compression");

function compressionFor(request: HttpRequest, response: HttpResponse, answer: Answer): Compression | null {
  if (NO_COMPRESSION in response || request.method === "HEAD" || response.hasHeader("Content-Encoding")) return null;
  if (answer.isPacked === true) return null;
  response.setHeader("Vary", "Accept-Encoding");
  return chooseCompression(request.headers["accept-encoding"]);
}
