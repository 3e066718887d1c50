/**
 * Remote write 1.0: a body as it came and what its header says of it → a batch. The bytes are parsed by the ingest kernel of
 * `@nyanza/tsdb/ingest`; here it is decided what they are packed with.
 *
 * The format's own packing is snappy, with a header or without. VictoriaMetrics' agents use zstd, and one that changed its mind
 * sends what it had queued under the wrong header, so the other of the two gets its chance when the first one fails.
 */
import { InputError, type Tenant } from "@nyanza/tsdb";
import type { RemoteWriteBatch, RemoteWriteParser } from "@nyanza/tsdb/ingest";

/** Of Content-Encoding; `identity` when there was no header. */
export type RemoteWriteEncoding = "identity" | "snappy" | "zstd" | "gzip" | "deflate";

export interface RemoteWriteRequest {
  readonly tenant: Tenant;
  readonly encoding: RemoteWriteEncoding;
  /** Limit of the body, packed and unpacked. */
  readonly maxBytes: number;
  /** Undoes what is not snappy. Rejects with InputError, also when more than `maxBytes` come out. */
  unpack(body: Uint8Array, encoding: "zstd" | "gzip" | "deflate"): Promise<Uint8Array>;
}

/**
 * Parses a whole body with a parser of the caller's: the batch lies in the parser's memory and is void with its next body.
 * Rejects with InputError, always 400: on 413 agents would send the same body for ever.
 */
export async function parseRemoteWrite(
  parser: RemoteWriteParser,
  body: Uint8Array,
  request: RemoteWriteRequest,
): Promise<RemoteWriteBatch> {
  const encoding = request.encoding === "identity" ? "snappy" : request.encoding;
  try {
    return await parseAs(encoding, parser, body, request);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const other = otherEncoding(encoding, body);
    if (other !== null) {
      try {
        return await parseAs(other, parser, body, request);
      } catch (otherError) {
        if (!(otherError instanceof InputError)) throw otherError;
        // The error that fits the header is the one that helps.
      }
    }
    const message = error.message.startsWith("remote write") ? error.message : `remote write: ${error.message}`;
    throw new InputError(message, 400, error.line, error.column);
  }
}

async function parseAs(
  encoding: Exclude<RemoteWriteEncoding, "identity">,
  parser: RemoteWriteParser,
  body: Uint8Array,
  { tenant, maxBytes, unpack }: RemoteWriteRequest,
): Promise<RemoteWriteBatch> {
  if (encoding === "snappy") return parser.parse(body, { tenant, compression: "snappy", maxBytes });
  return parser.parse(await unpack(body, encoding), { tenant, compression: "none", maxBytes });
}

/** What else the body may be packed with; zstd says so in its first bytes, snappy does not. */
function otherEncoding(encoding: RemoteWriteEncoding, body: Uint8Array): "snappy" | "zstd" | null {
  if (encoding === "zstd") return "snappy";
  return encoding === "snappy" && startsWithZstdMagic(body) ? "zstd" : null;
}

function startsWithZstdMagic(body: Uint8Array): boolean {
  return body.length > 4 && body[0] === 0x28 && body[1] === 0xb5 && body[2] === 0x2f && body[3] === 0xfd;
}
