/**
 * Content-Encoding undone, with a cap on what comes out: a bomb costs the work up to the cap and is then refused.
 *
 * gzip and deflate go through node:zlib. zstd does too where Node has it (22.15 and newer); before, through WebAssembly,
 * which needs to know the size beforehand, so the frame's headers are read first.
 */
import { createRequire } from "node:module";
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { InputError } from "@nyanza/tsdb";
import { quote } from "./arguments.ts";
import { measureZstd } from "./zstd-frame.ts";

export type Encoding = "identity" | "gzip" | "deflate" | "zstd" | "snappy";

type ZstdDecompress = (body: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>;

const gunzip = promisify(zlib.gunzip) as (body: Uint8Array, options: zlib.ZlibOptions) => Promise<Buffer>;
const inflate = promisify(zlib.inflate) as (body: Uint8Array, options: zlib.ZlibOptions) => Promise<Buffer>;
const nativeZstd = (zlib as unknown as { zstdDecompress?: Parameters<typeof promisify>[0] }).zstdDecompress;
const zstdOfNode = nativeZstd === undefined ? null : (promisify(nativeZstd) as ZstdDecompress);

/** @throws InputError 400 for an encoding the server does not undo, and for a list of several. */
export function parseEncoding(header: string | undefined): Encoding {
  switch ((header ?? "").trim().toLowerCase()) {
    case "":
    case "identity":
      return "identity";
    case "gzip":
    case "x-gzip":
      return "gzip";
    case "deflate":
      return "deflate";
    case "zstd":
      return "zstd";
    case "snappy":
      return "snappy";
    default:
      throw new InputError(
        `Content-Encoding: want one of gzip, deflate, zstd, snappy or none, got ${quote(header ?? "")}`,
      );
  }
}

/**
 * The decoded body; the same array for `identity`.
 * @throws InputError 400 for a body that is not in the encoding or is larger than `maxBytes` when decoded
 */
export async function decodeBody(
  body: Uint8Array,
  encoding: Encoding,
  maxBytes: number,
  limitFlag: string,
): Promise<Uint8Array> {
  try {
    switch (encoding) {
      case "identity":
        return body;
      case "gzip":
        return await gunzip(body, { maxOutputLength: maxBytes });
      case "deflate":
        return await inflate(body, { maxOutputLength: maxBytes });
      case "snappy":
        throw new InputError("Content-Encoding: snappy is for remote write only, want gzip, deflate, zstd or none");
      case "zstd":
        return zstdOfNode === null
          ? await decodeZstdByWasm(body, maxBytes, limitFlag)
          : await zstdOfNode(body, { maxOutputLength: maxBytes });
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLargeDecoded(maxBytes, limitFlag);
    throw new InputError(`cannot decode the ${encoding} body of ${body.length} bytes: ${(error as Error).message}`);
  }
}

export function tooLargeDecoded(maxBytes: number, limitFlag: string): InputError {
  return new InputError(`too large body: more than ${maxBytes} bytes when decoded; see the -${limitFlag} flag`);
}

/** Smallest buffer tried for a frame that does not say its size. */
const ZSTD_GUESS_BYTES = 1 << 20;

interface WasmZstd {
  readonly isLoaded: Promise<boolean>;
  decompress(body: Uint8Array, size: number): Buffer;
}

let wasmZstd: WasmZstd | null = null;

/** Loads the decoder when the first zstd body comes: most servers on a new Node never need it. */
async function loadWasmZstd(): Promise<WasmZstd> {
  wasmZstd ??= createRequire(import.meta.url)("@foxglove/wasm-zstd") as WasmZstd;
  await wasmZstd.isLoaded;
  return wasmZstd;
}

async function decodeZstdByWasm(body: Uint8Array, maxBytes: number, limitFlag: string): Promise<Uint8Array> {
  const { contentBytes, boundBytes } = measureZstd(body);
  if (contentBytes !== null && contentBytes > maxBytes) throw tooLargeDecoded(maxBytes, limitFlag);
  const { decompress } = await loadWasmZstd();
  const most = Math.min(maxBytes, contentBytes ?? boundBytes);
  let size = contentBytes ?? Math.min(most, ZSTD_GUESS_BYTES);
  for (;;) {
    try {
      return decompress(body, Math.max(size, 1));
    } catch (error) {
      // The decoder does not say whether the room or the bytes were at fault: more room tells, up to the most there can be.
      if (size >= most) {
        if (contentBytes === null && boundBytes > maxBytes) throw tooLargeDecoded(maxBytes, limitFlag);
        throw error;
      }
      size = Math.min(most, size * 4);
    }
  }
}
