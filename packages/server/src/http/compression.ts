/**
 * How an answer is compressed: what the client likes best of what there is, lightly, for a reader in the next room gains
 * little from a denser stream that costs ten times as much.
 *
 * gzip is everywhere; zstd, which is quicker and smaller, comes with Node 22.15 and newer.
 */
import type { Transform } from "node:stream";
import * as zlib from "node:zlib";

export type Compression = "gzip" | "zstd";

/** What Node has of zstd, newer than the types. */
interface ZstdOfNode {
  readonly zstdCompressSync?: (bytes: Uint8Array, options: object) => Buffer;
  readonly createZstdCompress?: (options: object) => Transform;
  readonly constants: { readonly ZSTD_c_compressionLevel?: number };
}

const { constants, createZstdCompress, zstdCompressSync } = zlib as unknown as ZstdOfNode;
/** Whether this Node can write zstd. */
export const hasZstd: boolean = createZstdCompress !== undefined && zstdCompressSync !== undefined;
const LEVEL = 1;
const ZSTD_OPTIONS = { params: { [constants.ZSTD_c_compressionLevel ?? 100]: LEVEL } };

/** Every chunk that comes out is a trip to another thread: room for what a piece (pieces.ts) becomes. */
const CHUNK_BYTES = 64 << 10;

/** The coding with the highest q of an Accept-Encoding, zstd if it is a tie; null for none. `*` is anything: gzip. */
export function chooseCompression(
  accepted: string | string[] | undefined,
  mayZstd: boolean = hasZstd,
): Compression | null {
  if (typeof accepted !== "string") return null;
  const qualities = new Map<string, number>();
  for (const item of accepted.split(",")) {
    const [coding, ...parameters] = item.split(";").map((part) => part.trim().toLowerCase());
    const quality = Number(parameters.find((part) => part.startsWith("q="))?.slice(2) ?? 1);
    if (coding !== undefined) qualities.set(coding, quality);
  }
  const gzip = qualities.get("gzip") ?? qualities.get("*") ?? 0;
  const zstd = mayZstd ? (qualities.get("zstd") ?? 0) : 0;
  if (!(gzip > 0 || zstd > 0)) return null;
  return zstd > 0 && !(gzip > zstd) ? "zstd" : "gzip";
}

export function compress(bytes: Uint8Array, coding: Compression): Buffer {
  if (coding === "zstd" && zstdCompressSync !== undefined) return zstdCompressSync(bytes, ZSTD_OPTIONS);
  return zlib.gzipSync(bytes, { level: LEVEL });
}

export function createCompressor(coding: Compression): Transform {
  if (coding === "zstd" && createZstdCompress !== undefined) return createZstdCompress(ZSTD_OPTIONS);
  return zlib.createGzip({ level: LEVEL, chunkSize: CHUNK_BYTES });
}
