import assert from "node:assert/strict";
import { test } from "node:test";
import { CorruptionError } from "../base/errors.ts";
import { crc32c } from "../kernel/crc.ts";
import {
  checkHeader,
  checkPage,
  checksumAt,
  decodeDirectory,
  decodeTail,
  encodeHeader,
  encodeTail,
  NewerFormatError,
  TAIL_BYTES,
} from "./pages.ts";

const KIND = { magic: "NYZATEST", version: 3 };

test("the frame stands byte for byte where docs/format/pages.md says", () => {
  assert.equal(
    Buffer.from(encodeHeader(KIND, 0x01020304)).toString("hex"),
    "4e595a4154455354" + "03000000" + "04030201",
  );
  const page = { offset: 20, length: 300, crc: 0xaabbccdd };
  const end = encodeTail(KIND, 7, 400, [page], Uint8Array.of(9, 9));
  // Root of two bytes; one page: 20 bytes behind the start, 300 long.
  assert.equal(Buffer.from(end.subarray(0, -TAIL_BYTES)).toString("hex"), "020909" + "01" + "14" + "ac02" + "ddccbbaa");
  const view = new DataView(end.buffer, end.byteOffset + end.length - TAIL_BYTES, TAIL_BYTES);
  assert.equal(view.getFloat64(0, true), 400);
  assert.equal(view.getUint32(8, true), end.length - TAIL_BYTES);
  const seed = (Math.imul(7, 0x9e3779b1) ^ Math.imul(400, 0x85ebca6b)) >>> 0;
  assert.equal(view.getUint32(12, true), crc32c(end, 0, end.length - TAIL_BYTES, seed));
  assert.equal(Buffer.from(end.subarray(-8)).toString(), KIND.magic);
  const place = decodeTail(end.subarray(-TAIL_BYTES), KIND, 400 + end.length, "f");
  const { pages, root } = decodeDirectory(end.subarray(0, place.length), place, 7, "f");
  assert.deepEqual(pages, [page]);
  assert.deepEqual([...root], [9, 9]);
});

test("right bytes in the wrong file or place do not pass, beyond 4 GiB either", () => {
  const bytes = Uint8Array.from({ length: 500 }, (_, i) => i);
  const places = [0, 16, 17, 2 ** 32, 2 ** 32 + 16, 3 * 2 ** 32 + 16];
  const seen = new Set([1, 2, 99].flatMap((file) => places.map((offset) => checksumAt(bytes, file, offset))));
  assert.equal(seen.size, 3 * places.length);
  const page = { offset: 16, length: 500, crc: checksumAt(bytes, 1, 16) };
  checkPage(bytes, page, 1, "f");
  assert.throws(() => checkPage(bytes, page, 2, "f"), CorruptionError);
  assert.throws(() => checkPage(bytes, { ...page, offset: 17 }, 1, "f"), CorruptionError);
});

test("a header tells another kind, another file and a newer format apart", () => {
  const check = (change: (bytes: Uint8Array) => void): (() => void) => {
    const bytes = encodeHeader(KIND, 7).slice();
    change(bytes);
    return () => checkHeader(bytes, KIND, 7, "dir/7.test");
  };
  check(() => {})();
  assert.throws(
    check((bytes) => bytes.fill(0x20, 0, 1)),
    CorruptionError,
  );
  assert.throws(
    check((bytes) => bytes.fill(8, 12, 13)),
    CorruptionError,
  );
  assert.throws(
    check((bytes) => bytes.fill(0, 8, 12)),
    CorruptionError,
    "no format has number 0",
  );
  assert.throws(
    check((bytes) => bytes.fill(4, 8, 9)),
    (error: Error) => error instanceof NewerFormatError && error.message.includes("dir/7.test"),
  );
});
