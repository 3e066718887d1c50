/**
 * The lane for simple requests: most of what node:http does for one, streams and their states, is of no use to it and costs more than its answer.
 *
 *   connection ──▶ simple? ──▶ handler ──▶ answer ──▶ the next
 *                     │ no
 *                     ▼
 *                 node:http, from that byte on and for good
 *
 * A request is answered here if all of it is there and there is only one way to read it (simple-request.ts). So this neither waits for the rest of
 * a request nor judges a strange one. Requests that are pipelined are answered one after the other; of those that wait, few are held. Answers are
 * what node:http would send.
 */
import type { Socket } from "node:net";
import type { HttpRequest, HttpResponse } from "./exchange.ts";
import { SimpleRequestReader } from "./simple-request.ts";
import { SimpleResponse } from "./simple-response.ts";

export interface LaneOptions {
  /** Takes the connection over: what it has sent can be read from it. */
  readonly handOver: (socket: Socket) => void;
  readonly serve: (request: HttpRequest, response: HttpResponse) => void;
  /** Refuses a connection that sent nothing for too long. */
  readonly refuseLate: (socket: Socket) => void;
  /** Milliseconds until the first byte. */
  readonly firstByteMs: number;
  /** Milliseconds between requests; 0 for no end. */
  readonly idleMs: number;
  /** Milliseconds between looks at who is late. */
  readonly checkMs: number;
}

/** Bytes of later requests that are held while one is served. Behind them the sender has to wait. */
const WAITING_BYTES_MAX = 64 << 10;
/** How much longer than told an idle connection is kept, as in node:http: a request may be on its way. */
const IDLE_GRACE_MS = 1000;

export class Lane {
  readonly #options: LaneOptions;
  readonly #connections = new Set<LaneConnection>();
  readonly #timer: NodeJS.Timeout;
  /** Told in every answer. */
  readonly keepAlive: string;
  #isClosing = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    const { idleMs } = options;
    this.keepAlive = `Connection: keep-alive\r\n${idleMs > 0 ? `Keep-Alive: timeout=${Math.floor(idleMs / 1000)}\r\n` : ""}`;
    this.#timer = setInterval(() => this.#closeLate(), options.checkMs);
    this.#timer.unref();
  }

  /** Of connections that have not been handed over. */
  get size(): number {
    return this.#connections.size;
  }

  take(socket: Socket): void {
    const connection = new LaneConnection(socket, this, this.#options);
    this.#connections.add(connection);
  }

  drop(connection: LaneConnection): void {
    this.#connections.delete(connection);
  }

  /** No connection is kept after its answer any more. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Closes connections without a request, and the others when they have their answers. */
  close(): void {
    this.#isClosing = true;
    clearInterval(this.#timer);
    for (const { isBusy, socket } of this.#connections) if (!isBusy) socket.destroy();
  }

  /** Closes all at once. */
  destroy(): void {
    for (const { socket } of this.#connections) socket.destroy();
  }

  #closeLate(): void {
    const { firstByteMs, idleMs, refuseLate } = this.#options;
    const nowMs = performance.now();
    for (const connection of this.#connections) {
      if (connection.isBusy) continue;
      const silentMs = nowMs - connection.sinceMs;
      if (!connection.hasServed) {
        if (silentMs > firstByteMs) refuseLate(connection.socket);
      } else if (idleMs > 0 && silentMs > idleMs + IDLE_GRACE_MS) connection.socket.destroy();
    }
  }
}

class LaneConnection {
  readonly socket: Socket;
  /** When it became silent. */
  sinceMs: number = performance.now();
  hasServed = false;
  readonly #lane: Lane;
  readonly #options: LaneOptions;
  readonly #reader = new SimpleRequestReader();
  #response: SimpleResponse | null = null;
  /** Came while a request was served. */
  #waiting: Buffer | null = null;
  readonly #onData = (chunk: Buffer): void => this.#receive(chunk);
  readonly #onEnd = (): void => void this.socket.end();
  readonly #onClose = (): void => this.#close();
  readonly #onDrain = (): void => this.#drain();
  readonly #onSent = (): void => this.#next();

  constructor(socket: Socket, lane: Lane, options: LaneOptions) {
    this.socket = socket;
    this.#lane = lane;
    this.#options = options;
    socket.on("data", this.#onData).on("end", this.#onEnd).on("close", this.#onClose).on("drain", this.#onDrain);
    // A connection that is reset is closed after that.
    socket.on("error", ignore);
  }

  get isBusy(): boolean {
    return this.#response !== null;
  }

  #receive(chunk: Buffer): void {
    if (this.#response === null) {
      this.#read(chunk);
      return;
    }
    this.#waiting = this.#waiting === null ? chunk : Buffer.concat([this.#waiting, chunk]);
    if (this.#waiting.length > WAITING_BYTES_MAX) this.socket.pause();
  }

  #read(bytes: Buffer): void {
    const request = this.#reader.read(bytes);
    if (request === null) {
      this.#handOver(bytes);
      return;
    }
    const { end, headers, target } = request;
    if (end < bytes.length) this.#waiting = bytes.subarray(end);
    this.hasServed = true;
    const { socket } = this;
    const response = new SimpleResponse(socket, this.#lane.keepAlive, this.#onSent);
    this.#response = response;
    this.#options.serve({ method: "GET", url: target, headers, socket, complete: true }, response);
  }

  /** The system has the whole answer: what is not read by its client holds up the next. */
  #next(): void {
    const { socket } = this;
    const isLast = this.#response?.isLast === true;
    this.#response = null;
    this.sinceMs = performance.now();
    if (isLast || this.#lane.isClosing) {
      socket.destroySoon();
      return;
    }
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#waiting = null;
    if (socket.isPaused()) socket.resume();
    this.#read(waiting);
  }

  #drain(): void {
    this.#response?.emit("drain");
  }

  #close(): void {
    this.#lane.drop(this);
    this.#response?.close();
  }

  #handOver(bytes: Buffer): void {
    const { socket } = this;
    if (socket.readableEnded || socket.destroyed) {
      // Nothing can be put back: its sender is gone.
      socket.destroySoon();
      return;
    }
    this.#lane.drop(this);
    socket.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onClose).off("drain", this.#onDrain);
    // Paused, so that what is put back waits for its new reader.
    socket.pause();
    socket.unshift(bytes);
    this.#options.handOver(socket);
    socket.off("error", ignore);
    socket.resume();
  }
}

function ignore(): void {}
