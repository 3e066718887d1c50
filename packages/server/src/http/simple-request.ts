/**
 * Reads requests that are simple, and only those. What is simple leaves no room for two readings: a GET of HTTP/1.1 with an origin-form
 * target, a Host, no header twice, no body, nothing but visible ASCII, every line ended by CR LF. Whatever else may be right is for a reader of the
 * whole protocol (node:http); this one has no opinion about it.
 */
import type { IncomingHttpHeaders } from "node:http";

export interface SimpleRequest {
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  /** Where the next one begins. */
  readonly end: number;
}

/** Longer requests are not simple, and neither are those with more headers. */
const BYTES_MAX = 16 << 10;
const HEADERS_MAX = 64;

/** `#` has no place in a target, but there are readers that take it. */
const REQUEST_LINE = /GET (\/[!"$-~]*) HTTP\/1\.1\r\n/y;
const HEADER_LINE = /([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t -~]*)\r\n/y;

/** Headers that make a request more than a line of text: a body, another protocol, a connection that is not kept. */
const NOT_SIMPLE: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Of one connection: its requests mostly come with the same headers, letter for letter, which are then read once. */
export class SimpleRequestReader {
  #block: string | null = null;
  #headers: IncomingHttpHeaders = {};

  /** The first request; null if none that is simple is there as a whole. */
  read(bytes: Buffer): SimpleRequest | null {
    // One byte, one character: positions in the text are positions in the bytes.
    const text = bytes.toString("latin1", 0, Math.min(bytes.length, BYTES_MAX));
    REQUEST_LINE.lastIndex = 0;
    const line = REQUEST_LINE.exec(text);
    if (line === null) return null;
    const blockStart = REQUEST_LINE.lastIndex;
    // From the line end before: there may be no header at all.
    const blockEnd = text.indexOf("\r\n\r\n", blockStart - 2) + 2;
    if (blockEnd < blockStart) return null;
    const block = text.slice(blockStart, blockEnd);
    if (block !== this.#block) {
      const headers = readHeaders(block);
      if (headers === null) return null;
      this.#block = block;
      this.#headers = headers;
    }
    return { target: line[1] as string, headers: this.#headers, end: blockEnd + 2 };
  }
}

/** Names in lower case. Null if they are not simple. */
function readHeaders(block: string): IncomingHttpHeaders | null {
  const headers: Record<string, string> = {};
  let at = 0;
  for (let count = 0; at < block.length; count++) {
    HEADER_LINE.lastIndex = at;
    const line = HEADER_LINE.exec(block);
    if (line === null || count === HEADERS_MAX) return null;
    const name = (line[1] as string).toLowerCase();
    // Nothing but spaces and tabs can be trimmed here.
    const value = (line[2] as string).trim();
    if (Object.hasOwn(headers, name) || name === "__proto__") return null;
    if (NOT_SIMPLE.has(name) && !(name === "connection" && value.toLowerCase() === "keep-alive")) return null;
    headers[name] = value;
    at = HEADER_LINE.lastIndex;
  }
  // Whoever sends an empty one has a reason that somebody else may judge.
  return headers["host"] ? Object.freeze(headers) : null;
}
