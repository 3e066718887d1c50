/**
 * Request bodies: whole, or as chunks of whole lines. Both have caps on what comes over the wire and on what it decodes
 * to, and neither waits forever for a sender that stopped sending.
 *
 *   readBody:  socket → chunks (≤ cap) → one array → decoded (≤ cap)
 *   readLines: socket → decoder stream → pieces that end with a line's end → consumer, one at a time
 *
 * All bodies under way share one budget of memory, so many senders of large bodies get 503 and the process stays up.
 */
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import * as zlib from "node:zlib";
import { InputError } from "@nyanza/tsdb";
import { giveBody, takeBody } from "./body-memory.ts";
import { decodeBody, type Encoding, parseEncoding } from "./decode.ts";
import { ClientGoneError, OverloadError } from "./errors.ts";
import { bodyOf, type HttpRequest } from "./exchange.ts";

/** Bytes that all bodies under way may hold together. */
export class ByteBudget {
  readonly #total: number;
  #used = 0;

  constructor(totalBytes: number) {
    this.#total = totalBytes;
  }

  get used(): number {
    return this.#used;
  }

  /** @throws OverloadError 503 when the budget is spent */
  take(bytes: number): void {
    if (this.#used + bytes > this.#total) {
      throw new OverloadError(503, `${this.#used} bytes of request bodies are being worked on; try again later`);
    }
    this.#used += bytes;
  }

  release(bytes: number): void {
    this.#used -= bytes;
  }
}

export interface BodyContext {
  readonly budget: ByteBudget;
  /** A sender that sends nothing for this long gets 408. */
  readonly stallMs: number;
}

export interface BodyLimits {
  /** Cap on the body as sent, and on the body decoded. */
  readonly maxBytes: number;
  /** The flag that sets it, for messages. */
  readonly flag: string;
}

/**
 * The body as sent, not decoded. The caller must call `release()` when nobody reads the bytes any more: they are written over by the next body.
 * @throws InputError 400 when it is larger than the limit (declared or real), 408 when the sender stalls
 */
export async function readRawBody(
  request: HttpRequest,
  limits: BodyLimits,
  context: BodyContext,
): Promise<{ bytes: Uint8Array; release: () => void }> {
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > limits.maxBytes) throw tooLarge(declared, limits);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let joined: Uint8Array | null = null;
  const release = (): void => {
    context.budget.release(bytes);
    bytes = 0;
    if (joined !== null) giveBody(joined);
    joined = null;
  };
  try {
    await consume(bodyOf(request), context.stallMs, (chunk) => {
      if (bytes + chunk.length > limits.maxBytes) throw tooLarge(bytes + chunk.length, limits);
      context.budget.take(chunk.length);
      bytes += chunk.length;
      chunks.push(chunk);
      return undefined;
    });
  } catch (error) {
    release();
    throw error;
  }
  const [first] = chunks;
  if (first !== undefined && chunks.length === 1) return { bytes: first, release };
  joined = takeBody(bytes);
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return { bytes: joined, release };
}

/** The decoded body. Memory is given back to the budget when `use` is done. */
export async function withBody<T>(
  request: HttpRequest,
  limits: BodyLimits,
  context: BodyContext,
  use: (body: Uint8Array) => Promise<T>,
): Promise<T> {
  const encoding = parseEncoding(request.headers["content-encoding"]);
  const { bytes, release } = await readRawBody(request, limits, context);
  let decodedBytes = 0;
  try {
    const body = await decodeBody(bytes, encoding, limits.maxBytes, limits.flag);
    if (body !== bytes) {
      context.budget.take(body.length);
      decodedBytes = body.length;
    }
    return await use(body);
  } finally {
    context.budget.release(decodedBytes);
    release();
  }
}

export interface LineLimits {
  readonly maxLineBytes: number;
  /** The flag that sets it, for messages. */
  readonly flag: string;
  /** For encodings that cannot be decoded as a stream. */
  readonly wholeBody: BodyLimits;
}

/** Pieces handed to the consumer are about this large. */
const PIECE_BYTES = 256 << 10;

/**
 * Hands the decoded body over in pieces of whole lines, in order, waiting for each to be taken. The last line may lack
 * its end. A piece is valid until the consumer's promise resolves.
 * @throws InputError 400 for a line longer than the limit or a body that is not in its encoding; pieces before it were consumed
 */
export async function readLines(
  request: HttpRequest,
  limits: LineLimits,
  context: BodyContext,
  consumePiece: (piece: Uint8Array) => Promise<void>,
): Promise<void> {
  const splitter = new LineSplitter(limits, consumePiece);
  await readChunks(request, limits.wholeBody, context, (chunk) => splitter.push(chunk));
  await splitter.finish();
}

/**
 * Hands the decoded body over as it comes, waiting for each chunk to be taken. `wholeBody` is for encodings that cannot be decoded as a stream.
 * @throws InputError 400 for a body that is not in its encoding, 408 when the sender stalls; chunks before it were consumed
 */
export async function readChunks(
  request: HttpRequest,
  wholeBody: BodyLimits,
  context: BodyContext,
  take: (chunk: Uint8Array) => Promise<void> | undefined,
): Promise<void> {
  const encoding = parseEncoding(request.headers["content-encoding"]);
  const incoming = bodyOf(request);
  const stream = decodingStream(incoming, encoding);
  if (stream === null) {
    await withBody(request, wholeBody, context, async (body) => await take(body));
    return;
  }
  try {
    await consume(stream, context.stallMs, take);
  } catch (error) {
    incoming.unpipe();
    if (encoding === "identity" || !isDecoderError(error)) throw error;
    throw new InputError(`cannot decode the ${encoding} body: ${(error as Error).message}`);
  }
}

/** The decoded stream; null for encodings without a streaming decoder. */
function decodingStream(request: IncomingMessage, encoding: Encoding): Readable | null {
  const createZstd = (zlib as unknown as { createZstdDecompress?: () => zlib.Gunzip }).createZstdDecompress;
  let decoder: zlib.Gunzip | zlib.Inflate;
  if (encoding === "identity") return request;
  if (encoding === "gzip") decoder = zlib.createGunzip();
  else if (encoding === "deflate") decoder = zlib.createInflate();
  else if (encoding === "zstd" && createZstd !== undefined) decoder = createZstd();
  else return null;
  // Not stream.pipeline: it would destroy the request, and with it the connection, when the decoder finds garbage.
  request.pipe(decoder);
  request.once("close", () => {
    if (!request.complete) decoder.destroy(new ClientGoneError());
  });
  return decoder;
}

function isDecoderError(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  return code.startsWith("Z_") || code.startsWith("ZSTD_") || code === "ERR_BUFFER_TOO_LARGE";
}

/** Collects chunks and cuts them after the last line end. */
class LineSplitter {
  readonly #limits: LineLimits;
  readonly #consume: (piece: Uint8Array) => Promise<void>;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  /** Bytes after the last line end among the pending ones. */
  #openLineBytes = 0;

  constructor(limits: LineLimits, consumePiece: (piece: Uint8Array) => Promise<void>) {
    this.#limits = limits;
    this.#consume = consumePiece;
  }

  /** Nothing to wait for unless a piece went to the consumer. */
  push(chunk: Uint8Array): Promise<void> | undefined {
    const lastEnd = chunk.lastIndexOf(10);
    // A line that is too long is told before all of it has been kept.
    const openBytes = lastEnd < 0 ? this.#openLineBytes + chunk.length : chunk.length - lastEnd - 1;
    const closedBytes = lastEnd < 0 ? 0 : this.#openLineBytes + longestLine(chunk, lastEnd, this.#limits.maxLineBytes);
    if (Math.max(openBytes, closedBytes) > this.#limits.maxLineBytes) throw lineTooLong(this.#limits);
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    this.#openLineBytes = openBytes;
    if (this.#pendingBytes - openBytes < PIECE_BYTES) return undefined;
    const bytes = this.#pending.length === 1 ? chunk : Buffer.concat(this.#pending, this.#pendingBytes);
    const cut = bytes.length - openBytes;
    this.#pending = openBytes > 0 ? [bytes.slice(cut)] : [];
    this.#pendingBytes = openBytes;
    return this.#consume(bytes.subarray(0, cut));
  }

  async finish(): Promise<void> {
    if (this.#pendingBytes === 0) return;
    const bytes = Buffer.concat(this.#pending, this.#pendingBytes);
    this.#pending = [];
    this.#pendingBytes = 0;
    await this.#consume(bytes);
  }
}

/** Length of the first line, which may have begun earlier; of the longest one where a chunk could hold too long a line. */
function longestLine(chunk: Uint8Array, lastEnd: number, maxLineBytes: number): number {
  let longest = chunk.indexOf(10);
  if (chunk.length <= maxLineBytes) return longest;
  for (let end = longest; end < lastEnd; ) {
    const next = chunk.indexOf(10, end + 1);
    longest = Math.max(longest, next - end - 1);
    end = next;
  }
  return longest;
}

/**
 * Calls `take` for each chunk, one at a time. Never destroys the stream: its connection has still to carry the answer.
 * @throws InputError 408 when nothing comes for `stallMs`; ClientGoneError when the sender went away
 */
function consume(
  stream: Readable,
  stallMs: number,
  take: (chunk: Uint8Array) => Promise<void> | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let lastMs = Date.now();
    let isTaking = false;
    let isEnded = false;
    const settle = (error: unknown): void => {
      clearInterval(timer);
      stream.off("data", onData).off("end", onEnd).off("error", settle).off("close", onClose);
      stream.pause();
      if (error === null) resolve();
      else reject(isConnectionError(error) ? new ClientGoneError() : error);
    };
    // The end may be told while the last chunk is still being taken.
    const onEnd = (): void => {
      isEnded = true;
      if (!isTaking) settle(null);
    };
    const onClose = (): void => {
      if (!isEnded) settle(new ClientGoneError());
    };
    const onData = (chunk: Uint8Array): void => {
      lastMs = Date.now();
      let taken: Promise<void> | undefined;
      try {
        taken = take(chunk);
      } catch (error) {
        settle(error);
        return;
      }
      if (taken === undefined) return;
      isTaking = true;
      stream.pause();
      taken.then(() => {
        isTaking = false;
        lastMs = Date.now();
        if (isEnded) settle(null);
        else stream.resume();
      }, settle);
    };
    const timer = setInterval(
      () => {
        if (isTaking || Date.now() - lastMs < stallMs) return;
        settle(new InputError(`no byte of the body came for ${stallMs / 1000} seconds`, 408));
      },
      Math.min(1000, stallMs),
    );
    stream.on("end", onEnd).on("error", settle).on("close", onClose).on("data", onData);
  });
}

function isConnectionError(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ECONNRESET" || code === "ERR_STREAM_PREMATURE_CLOSE" || code === "EPIPE";
}

function tooLarge(bytes: number, limits: BodyLimits): InputError {
  return new InputError(
    `too large body: ${bytes} bytes or more, at most ${limits.maxBytes} are accepted; see the -${limits.flag} flag`,
  );
}

function lineTooLong(limits: LineLimits): InputError {
  return new InputError(`too long line: more than ${limits.maxLineBytes} bytes; see the -${limits.flag} flag`);
}
