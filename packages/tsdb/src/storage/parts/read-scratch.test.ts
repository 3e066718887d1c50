import assert from "node:assert/strict";
import { test } from "node:test";
import { giveBackScratch, ReadScratch, takeScratch } from "./read-scratch.ts";

test("pieces of bytes are apart until they are forgotten", () => {
  const scratch = new ReadScratch();
  const pieces = [10, 70_000, 1, 0, 300_000].map((length, i) => scratch.takeBytes(length).fill(i + 1));
  assert.deepEqual(
    pieces.map(({ length }) => length),
    [10, 70_000, 1, 0, 300_000],
  );
  pieces.forEach((piece, i) => {
    assert.ok(
      piece.every((byte) => byte === i + 1),
      `piece ${i}`,
    );
  });
  scratch.forgetBytes();
  const { byteLength } = scratch;
  scratch.takeBytes(200_000);
  assert.equal(scratch.byteLength, byteLength, "what is there is used again");
});

test("times stay when there is room for more", () => {
  const scratch = new ReadScratch();
  scratch.reserveTimes(3);
  scratch.times.set([1, 2, 3]);
  scratch.reserveTimes(1000);
  assert.deepEqual([...scratch.times.subarray(0, 3)], [1, 2, 3]);
});

test("what one reader leaves the next one has, but not without bound", () => {
  const first = takeScratch();
  first.columns.reserve(1000);
  giveBackScratch(first);
  const again = takeScratch();
  assert.equal(again, first);
  assert.notEqual(takeScratch(), again);
  again.columns.reserve(2 ** 21);
  giveBackScratch(again);
  assert.notEqual(takeScratch(), again, "32 MB are too much to keep");
});
