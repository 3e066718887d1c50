import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LineSplitter, LongLineError } from "./line-splitter.ts";

function split(pieces: readonly Uint8Array[], bytesMax = 1000): string[] {
  const splitter = new LineSplitter(bytesMax);
  const lines: string[] = [];
  for (const piece of pieces) for (const line of splitter.push(piece)) lines.push(line.toString());
  const last = splitter.finish();
  if (last !== null) lines.push(last.toString());
  return lines;
}

const text = Buffer.from(`{"a":"größe 🌊"}\r\n\n{"b":"\\n"}\n\r\nend`);
const lines = [`{"a":"größe 🌊"}`, `{"b":"\\n"}`, "end"];

test("lines are the same wherever the bytes are cut", () => {
  assert.deepEqual(split([text]), lines);
  for (let i = 0; i <= text.length; i++) {
    for (let k = i; k <= text.length; k++) {
      assert.deepEqual(split([text.subarray(0, i), text.subarray(i, k), text.subarray(k)]), lines, `cut at ${i}, ${k}`);
    }
  }
  assert.deepEqual(split(Array.from(text, (byte) => Uint8Array.of(byte))), lines);
});

test("any text, any cuts", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme" })), fc.array(fc.nat(200)), (parts, cuts) => {
      const bytes = Buffer.from(parts.join("\n"));
      const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort(
        (a, b) => a - b,
      );
      const pieces = places.slice(1).map((place, i) => bytes.subarray(places[i], place));
      assert.deepEqual(split(pieces, 100_000), split([bytes], 100_000));
    }),
  );
});

test("a line has a bound, also one that never ends", () => {
  assert.deepEqual(split([Buffer.from("12345\n12345")], 5), ["12345", "12345"]);
  for (const pieces of [["123456\n"], ["123456"], ["123", "456"], ["123", "456\n"]]) {
    const bytes = pieces.map((piece) => Buffer.from(piece));
    assert.throws(() => split(bytes, 5), LongLineError, pieces.join("|"));
  }
});
