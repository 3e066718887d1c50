/**
 * Encoded columns that were written once, at least one a codec: they decode for ever, to the same bits. Written anew only when docs/format/block.md
 * changes, which before a release it may:
 *
 *     NYANZA_WRITE_FIXTURES=1 npm test -- columns-fixture
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { CODEC_NAMES } from "../kernel/codec-format.ts";
import { decodeColumnTwin } from "../kernel/codec-twin.ts";
import { decodeValues, encodeValues } from "./block.ts";
import { GENERATOR_KINDS, OTHER_KINDS, seededRandom, TIMESTAMP_KINDS, withStaleMarkers } from "./sample-columns.ts";

const FILE = new URL("../../src/codec/fixtures/columns.jsonl", import.meta.url);

interface StoredColumn {
  readonly what: string;
  readonly codec: string;
  readonly count: number;
  /** Base64. */
  readonly encoded: string;
  /** SHA-256 of the doubles, little-endian, in hex. */
  readonly sha256: string;
}

/** The shortest columns that there are of each codec, a few of each. */
function makeColumns(): StoredColumn[] {
  const found = new Map<string, StoredColumn[]>();
  for (const kinds of [GENERATOR_KINDS, OTHER_KINDS, TIMESTAMP_KINDS, new Map([["any bits", anyBits]])]) {
    for (const [name, kind] of kinds) {
      for (const count of [1, 7, 40, 300]) {
        const random = seededRandom(count);
        const plain = kind(count, random);
        for (const [what, column] of [
          [name, plain],
          [`${name}, some stale`, withStaleMarkers(plain, 0.1, random)],
        ] as const) {
          const bytes = encodeValues(column, 0, count);
          const codec = CODEC_NAMES[bytes[0] as number] as string;
          const list = found.get(codec) ?? [];
          found.set(codec, list);
          list.push({ what, codec, count, encoded: Buffer.from(bytes).toString("base64"), sha256: hashOf(column) });
        }
      }
    }
  }
  return [...found.values()].flatMap((list) => [
    ...list.filter(({ count }) => count < 40).slice(0, 2),
    ...list.filter(({ count }) => count >= 40).slice(0, 3),
  ]);
}

/** Nothing makes these smaller. */
function anyBits(count: number, random: () => number): Float64Array {
  return new Float64Array(Uint32Array.from({ length: 2 * count }, () => random() * 2 ** 32).buffer);
}

function hashOf(column: Float64Array): string {
  return createHash("sha256")
    .update(new Uint8Array(column.buffer, column.byteOffset, column.byteLength))
    .digest("hex");
}

if (process.env["NYANZA_WRITE_FIXTURES"] === "1") {
  writeFileSync(
    FILE,
    makeColumns()
      .map((column) => `${JSON.stringify(column)}\n`)
      .join(""),
  );
}

test("stored columns of every codec decode to what they were, by the kernel and by its twin", () => {
  const columns = readFileSync(FILE, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as StoredColumn);
  for (const { what, codec, count, encoded, sha256 } of columns) {
    const bytes = Buffer.from(encoded, "base64");
    assert.equal(CODEC_NAMES[bytes[0] as number], codec, what);
    const decoded = new Float64Array(count);
    decodeValues(bytes, 0, bytes.length, count, decoded, 0);
    assert.equal(hashOf(decoded), sha256, `${what}, ${codec}, ${count} samples`);
    const byTwin = new Float64Array(count);
    assert.equal(decodeColumnTwin(bytes, 0, bytes.length, count, byTwin, 0), -1);
    assert.equal(hashOf(byTwin), sha256, `${what}, ${codec}, ${count} samples, by the twin`);
  }
  const codecs = new Set(columns.map(({ codec }) => codec));
  assert.deepEqual(
    Object.values(CODEC_NAMES).filter((name) => !codecs.has(name)),
    [],
    "codecs without a stored column",
  );
});
