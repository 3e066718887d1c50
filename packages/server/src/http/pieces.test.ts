import assert from "node:assert/strict";
import { test } from "node:test";
import { givePiece, PIECE_BYTES, takePiece } from "./pieces.ts";

test("pieces go round, one owner at a time", () => {
  const first = takePiece();
  const second = takePiece();
  assert.notEqual(first.buffer, second.buffer);
  assert.ok(first.length > PIECE_BYTES);
  givePiece(first.subarray(0, 10));
  const third = takePiece();
  assert.equal(third.buffer, first.buffer);
  assert.equal(third.length, first.length);
  assert.notEqual(takePiece().buffer, first.buffer);
});

test("memory of other origin is not taken, and not for ever more", () => {
  const foreign = Buffer.from("x");
  givePiece(foreign);
  assert.notEqual(takePiece().buffer, foreign.buffer);
  const many = Array.from({ length: 100 }, takePiece);
  for (const piece of many) givePiece(piece);
  const given = new Set(many.map((piece) => piece.buffer));
  const again = Array.from({ length: 100 }, takePiece);
  assert.equal(again.filter((piece) => given.has(piece.buffer)).length, 16);
});
