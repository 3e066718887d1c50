import assert from "node:assert/strict";
import { test } from "node:test";
import * as zlib from "node:zlib";
import { type Compression, chooseCompression, compress, createCompressor, hasZstd } from "./compression.ts";

test("chooseCompression", () => {
  const same = (
    accepted: string | undefined,
    wanted: Compression | null,
    withoutZstd: Compression | null = wanted,
  ): void => {
    assert.equal(chooseCompression(accepted, true), wanted, accepted);
    assert.equal(chooseCompression(accepted, false), withoutZstd, `${accepted}, without zstd`);
  };
  same(undefined, null);
  same("", null);
  same("identity", null);
  same("br, deflate", null);
  same("gzip", "gzip");
  same("GZIP;Q=0.5", "gzip");
  same("*", "gzip");
  same("gzip;q=0", null);
  same("gzip;q=0, *", null);
  same("gzip;q=x", null);
  same("zstd", "zstd", null);
  same("gzip, deflate, br, zstd", "zstd", "gzip");
  same("zstd;q=0.1, gzip;q=0.2", "gzip");
  same("zstd;q=0.2, gzip;q=0.2", "zstd", "gzip");
  same("zstd;q=0, gzip;q=0.2", "gzip");
  same("zstd;q=0.2, gzip;q=0", "zstd", null);
});

test("what is compressed unpacks, whole and as a stream", async () => {
  const bytes = Buffer.from("all the same ".repeat(10_000));
  const { zstdDecompressSync } = zlib as unknown as { zstdDecompressSync?: (bytes: Uint8Array) => Buffer };
  const codings: Compression[] = hasZstd ? ["gzip", "zstd"] : ["gzip"];
  for (const coding of codings) {
    const unpack = coding === "gzip" ? zlib.gunzipSync : (zstdDecompressSync as (bytes: Uint8Array) => Buffer);
    const packed = compress(bytes, coding);
    assert.ok(packed.length < bytes.length / 10);
    assert.deepEqual(unpack(packed), bytes);
    const compressor = createCompressor(coding);
    compressor.end(bytes);
    const chunks: Buffer[] = [];
    for await (const chunk of compressor) chunks.push(chunk as Buffer);
    assert.deepEqual(unpack(Buffer.concat(chunks)), bytes);
  }
});
