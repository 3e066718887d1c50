/**
 * The common shape of our immutable files: any bytes in front, pages with checksums among them, and a tail that says where the pages are.
 *
 *   ┌────────┬──────────────────────────────┬───────────┬──────┐
 *   │ header │ data and pages, in any order │ directory │ tail │
 *   │ 16     │                              │           │ 24   │
 *   └────────┴──────────────────────────────┴───────────┴──────┘
 *
 * A checksum covers the page's bytes and, through its seed, the file's number and the page's place: a page that is whole but in the wrong
 * place is caught too. docs/format/pages.md gives the offsets.
 */
import { ByteReader, ByteWriter } from "../base/bytes.ts";
import { CorruptionError } from "../base/errors.ts";
import { crc32c } from "../kernel/crc.ts";

export const HEADER_BYTES = 16;
export const TAIL_BYTES = 24;

/** What a file is: eight ASCII characters, and the newest and the oldest version of its format that this code knows; the first if nothing is said. */
export interface FileKind {
  readonly magic: string;
  readonly version: number;
  readonly oldest?: number;
}

/** The file was written by a newer release. Nothing is wrong with it: this code is too old. */
export class NewerFormatError extends Error {
  readonly code: "NEWER_FORMAT" = "NEWER_FORMAT";
}

/** The file was written by an earlier release in a format that nobody reads any more. Nothing is wrong with it. */
export class OlderFormatError extends Error {
  readonly code: "OLDER_FORMAT" = "OLDER_FORMAT";
}

export interface Page {
  readonly offset: number;
  readonly length: number;
  readonly crc: number;
}

/** Checksum of `bytes[lo..hi)` as they stand at `offset` of file number `fileNumber`. */
export function checksumAt(
  bytes: Uint8Array,
  fileNumber: number,
  offset: number,
  lo = 0,
  hi: number = bytes.length,
): number {
  return crc32c(bytes, lo, hi, placeSeed(fileNumber, offset));
}

/** Mixes file and place into a start value for the checksum. */
export function placeSeed(fileNumber: number, offset: number): number {
  return (
    (Math.imul(fileNumber, 0x9e3779b1) ^ Math.imul(offset % 0x1_0000_0000, 0x85ebca6b) ^ (offset / 0x1_0000_0000)) >>> 0
  );
}

/** The first 16 bytes: magic, version, file number. */
export function encodeHeader(kind: FileKind, fileNumber: number): Uint8Array {
  const writer = new ByteWriter(HEADER_BYTES);
  writer.raw(Buffer.from(kind.magic, "latin1"));
  writer.u32(kind.version);
  writer.u32(fileNumber);
  return writer.bytes();
}

/** @throws CorruptionError if it is not a file of this kind, NewerFormatError if it is a newer one, OlderFormatError if it is too old. */
export function checkHeader(bytes: Uint8Array, kind: FileKind, fileNumber: number, path: string): void {
  const magic = Buffer.from(bytes.subarray(0, 8)).toString("latin1");
  if (magic !== kind.magic) {
    throw new CorruptionError(
      path,
      0,
      `want a file that starts with ${JSON.stringify(kind.magic)}, got ${JSON.stringify(magic)}`,
    );
  }
  const reader = new ByteReader(bytes, 8, HEADER_BYTES);
  const version = reader.u32();
  if (version > kind.version) {
    throw new NewerFormatError(
      `${path}: written in format ${version} by a newer release, this one reads up to ${kind.version}`,
    );
  }
  if (version < 1) throw new CorruptionError(path, 8, `want format 1 to ${kind.version}, got ${version}`);
  const { oldest = 1 } = kind;
  if (version < oldest) {
    throw new OlderFormatError(
      `${path}: written in format ${version} by an earlier release, this one reads ${oldest} to ${kind.version}`,
    );
  }
  const number = reader.u32();
  if (number !== fileNumber) throw new CorruptionError(path, 12, `want file number ${fileNumber}, got ${number}`);
}

/** Directory and tail, to be appended at `offset`. `root` is whatever the file's reader wants to know first. */
export function encodeTail(
  kind: FileKind,
  fileNumber: number,
  offset: number,
  pages: readonly Page[],
  root: Uint8Array,
): Uint8Array {
  const writer = new ByteWriter(64 + root.length + pages.length * 12);
  writer.varint(root.length);
  writer.raw(root);
  writer.varint(pages.length);
  let end = 0;
  for (const page of pages) {
    writer.varint(page.offset - end);
    writer.varint(page.length);
    writer.u32(page.crc);
    end = page.offset + page.length;
  }
  const directoryBytes = writer.length;
  const crc = checksumAt(writer.bytes(), fileNumber, offset);
  writer.f64(offset);
  writer.u32(directoryBytes);
  writer.u32(crc);
  writer.raw(Buffer.from(kind.magic, "latin1"));
  return writer.bytes();
}

/** Where the directory stands, from the file's last 24 bytes. */
export function decodeTail(
  tail: Uint8Array,
  kind: FileKind,
  fileBytes: number,
  path: string,
): { offset: number; length: number; crc: number } {
  const at = fileBytes - TAIL_BYTES;
  if (Buffer.from(tail.subarray(16, 24)).toString("latin1") !== kind.magic) {
    throw new CorruptionError(path, at + 16, "the file's end is missing: it was cut, or writing it was never finished");
  }
  const reader = new ByteReader(tail);
  const offset = reader.f64();
  const length = reader.u32();
  const crc = reader.u32();
  if (!Number.isInteger(offset) || offset < HEADER_BYTES || offset + length !== at) {
    throw new CorruptionError(
      path,
      at,
      `the directory is said to be at ${offset} with ${length} bytes, which is not before the tail`,
    );
  }
  return { offset, length, crc };
}

/** The pages and the root, from the directory's bytes. */
export function decodeDirectory(
  bytes: Uint8Array,
  place: { offset: number; crc: number },
  fileNumber: number,
  path: string,
): { pages: Page[]; root: Uint8Array } {
  if (checksumAt(bytes, fileNumber, place.offset) !== place.crc) {
    throw new CorruptionError(path, place.offset, "the directory's checksum does not fit its bytes");
  }
  const reader = new ByteReader(bytes);
  const root = reader.raw(reader.varint());
  const pages: Page[] = [];
  let end = 0;
  for (let left = reader.varint(); left > 0; left--) {
    const offset = end + reader.varint();
    const length = reader.varint();
    pages.push({ offset, length, crc: reader.u32() });
    end = offset + length;
  }
  return { pages, root };
}

/** @throws CorruptionError unless these are the page's bytes. */
export function checkPage(bytes: Uint8Array, page: Page, fileNumber: number, path: string): void {
  if (checksumAt(bytes, fileNumber, page.offset) !== page.crc) {
    throw new CorruptionError(path, page.offset, `the checksum of this page of ${page.length} bytes does not fit`);
  }
}
