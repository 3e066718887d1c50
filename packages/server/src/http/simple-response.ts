/**
 * The response to a simple request (simple-request.ts), byte for byte what node:http sends: head and a short body in one write, longer answers in
 * chunks. The connection is kept unless the response says otherwise.
 */
import { EventEmitter } from "node:events";
import { STATUS_CODES, validateHeaderName, validateHeaderValue } from "node:http";
import type { Socket } from "node:net";
import type { HttpResponse } from "./exchange.ts";

type Sent = (error?: Error | null) => void;

/** Statuses that have no body. */
const isBodiless = (status: number): boolean => status === 204 || status === 304;

let dateSecond = 0;
let dateText = "";

/** The Date header, which changes once a second. */
function date(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(second * 1000).toUTCString();
  }
  return dateText;
}

export class SimpleResponse extends EventEmitter implements HttpResponse {
  statusCode = 200;
  readonly #socket: Socket;
  readonly #keepAlive: string;
  readonly #onSent: () => void;
  /** Name in lower case, name, value; and so on. */
  readonly #headers: string[] = [];
  #headersSent = false;
  #isChunked = false;
  #isLast = false;
  #isEnded = false;
  #isFinished = false;
  #isDestroyed = false;
  #isClosed = false;

  /** `keepAlive`: headers of a connection that is kept. `onSent` is called when the system has all of it. */
  constructor(socket: Socket, keepAlive: string, onSent: () => void) {
    super();
    this.#socket = socket;
    this.#keepAlive = keepAlive;
    this.#onSent = onSent;
  }

  get headersSent(): boolean {
    return this.#headersSent;
  }

  get destroyed(): boolean {
    return this.#isDestroyed;
  }

  get writableFinished(): boolean {
    return this.#isFinished;
  }

  get writable(): boolean {
    return !this.#isEnded && !this.#isDestroyed;
  }

  /** It has said that its connection is closed after it. */
  get isLast(): boolean {
    return this.#isLast;
  }

  /** @throws TypeError for what would not be one header, as node:http does */
  setHeader(name: string, value: string | number): void {
    const text = String(value);
    validateHeaderName(name);
    validateHeaderValue(name, text);
    const headers = this.#headers;
    const lower = name.toLowerCase();
    const at = this.#find(lower);
    if (at < 0) headers.push(lower, name, text);
    else {
      headers[at + 1] = name;
      headers[at + 2] = text;
    }
  }

  hasHeader(name: string): boolean {
    return this.#find(name.toLowerCase()) >= 0;
  }

  removeHeader(name: string): void {
    const at = this.#find(name.toLowerCase());
    if (at >= 0) this.#headers.splice(at, 3);
  }

  write(piece: Uint8Array | string, encoding?: BufferEncoding | Sent, onSent?: Sent): boolean {
    const sent = typeof encoding === "function" ? encoding : onSent;
    const bytes = typeof piece === "string" ? Buffer.from(piece, encodingOf(encoding)) : piece;
    const socket = this.#socket;
    if (!this.writable || !socket.writable) {
      sent?.(new Error("the response has ended"));
      return false;
    }
    socket.cork();
    if (!this.#headersSent) socket.write(this.#head(-1), "latin1");
    const isSent = bytes.length > 0 ? this.#writePiece(bytes, sent) : !socket.writableNeedDrain;
    if (bytes.length === 0) sent?.();
    socket.uncork();
    return isSent;
  }

  end(piece?: Uint8Array | string | Sent, encoding?: BufferEncoding | Sent, onSent?: Sent): this {
    if (typeof piece === "function") return this.end("", "latin1", piece);
    if (!this.writable) return this;
    const sent = typeof encoding === "function" ? encoding : onSent;
    const body = piece ?? "";
    this.#isEnded = true;
    const finish = (error?: Error | null): void => {
      // A connection that breaks tells so itself: see close().
      if (error) return;
      sent?.();
      this.#isFinished = true;
      this.close();
      this.#onSent();
    };
    const socket = this.#socket;
    if (!socket.writable) return this;
    if (!this.#headersSent && typeof body === "string") {
      const code = encodingOf(encoding);
      const length = Buffer.byteLength(body, code);
      const head = this.#head(length);
      // One string, one write: it must be one that is the same in both.
      if (code === "latin1" || length === 0) socket.write(length === 0 ? head : head + body, "latin1", finish);
      else socket.write(Buffer.concat([Buffer.from(head, "latin1"), Buffer.from(body, code)]), finish);
      return this;
    }
    const bytes = typeof body === "string" ? Buffer.from(body, encodingOf(encoding)) : body;
    socket.cork();
    if (!this.#headersSent) socket.write(this.#head(bytes.length), "latin1");
    if (bytes.length > 0) this.#writePiece(bytes, this.#isChunked ? undefined : finish);
    if (this.#isChunked) socket.write("0\r\n\r\n", "latin1", finish);
    else if (bytes.length === 0) socket.write("", "latin1", finish);
    socket.uncork();
    return this;
  }

  destroy(): this {
    this.#isDestroyed = true;
    this.#socket.destroy();
    return this;
  }

  /** It is over: sent, or its connection is gone. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isDestroyed = true;
    this.emit("close");
  }

  #writePiece(bytes: Uint8Array, sent: Sent | undefined): boolean {
    const socket = this.#socket;
    if (isBodiless(this.statusCode)) return socket.write("", "latin1", sent);
    if (!this.#isChunked) return socket.write(bytes, sent);
    socket.write(`${bytes.length.toString(16)}\r\n`, "latin1");
    socket.write(bytes, sent);
    return socket.write("\r\n", "latin1");
  }

  /** `length` of the body, -1 if that is not known yet. */
  #head(length: number): string {
    this.#headersSent = true;
    const status = this.statusCode;
    const headers = this.#headers;
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "unknown"}\r\n`;
    for (let i = 0; i < headers.length; i += 3) head += `${headers[i + 1]}: ${headers[i + 2]}\r\n`;
    head += `Date: ${date()}\r\n`;
    const connection = this.#find("connection");
    if (connection < 0) head += this.#keepAlive;
    else if (/\bclose\b/i.test(headers[connection + 2] as string)) this.#isLast = true;
    if (isBodiless(status) || this.#find("content-length") >= 0) return `${head}\r\n`;
    if (length >= 0) return `${head}Content-Length: ${length}\r\n\r\n`;
    this.#isChunked = true;
    return `${head}Transfer-Encoding: chunked\r\n\r\n`;
  }

  #find(lower: string): number {
    const headers = this.#headers;
    for (let i = 0; i < headers.length; i += 3) if (headers[i] === lower) return i;
    return -1;
  }
}

function encodingOf(encoding: BufferEncoding | Sent | undefined): BufferEncoding {
  return typeof encoding === "string" ? encoding : "utf8";
}
