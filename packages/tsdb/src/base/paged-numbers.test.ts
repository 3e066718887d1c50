import assert from "node:assert/strict";
import { test } from "node:test";
import { PagedNumbers } from "./paged-numbers.ts";

test("numbers come back, what was not set is 0, and what is far apart costs little", () => {
  const numbers = new PagedNumbers();
  assert.equal(numbers.get(0), 0);
  assert.equal(numbers.get(2 ** 32 - 1), 0);
  for (const at of [0, 2047, 2048, 5_000_000]) numbers.set(at, at + 1);
  for (const at of [0, 2047, 2048, 5_000_000]) assert.equal(numbers.get(at), at + 1);
  assert.equal(numbers.get(4096), 0);
  assert.equal(numbers.get(2049), 0);
  assert.ok(numbers.usedBytes < 50_000);
  numbers.set(2048, 0);
  assert.equal(numbers.get(2048), 0);
});

test("pages that are handed over show what is written to them later; other pages show nothing", () => {
  const numbers = new PagedNumbers(true);
  numbers.set(9_000, 1);
  numbers.set(5, 2);
  const reader = new PagedNumbers();
  // What a message does to them.
  reader.adopt(structuredClone(numbers.pagesFrom(0)));
  numbers.set(6, 3);
  numbers.set(50_000, 4);
  assert.deepEqual(
    [9_000, 5, 6, 50_000].map((at) => reader.get(at)),
    [1, 2, 3, 0],
  );
  assert.equal(reader.pageCount, 2);
  reader.adopt(structuredClone(numbers.pagesFrom(reader.pageCount)));
  assert.equal(reader.get(50_000), 4);
});
