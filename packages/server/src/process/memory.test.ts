import assert from "node:assert/strict";
import { test } from "node:test";
import { allowedMemoryBytes, divideMemory } from "./memory.ts";

const MB = 1 << 20;

test("the memory allowed is divided: all shares grow with it, within bounds, and leave some", () => {
  assert.equal(allowedMemoryBytes(0, 60, 1000), 600);
  assert.equal(allowedMemoryBytes(5, 60, 1000), 5);
  assert.deepEqual(divideMemory(512 * MB), {
    headBytes: 32 * MB,
    indexCacheBytes: 16 * MB,
    queryBytes: 128 * MB,
    bodyBytes: 256 * MB,
  });
  assert.equal(divideMemory(64 * MB).headBytes, 16 * MB);
  for (const allowed of [1024 * MB, 8192 * MB, 65_536 * MB]) {
    const { bodyBytes, headBytes, indexCacheBytes, queryBytes } = divideMemory(allowed);
    assert.ok(2 * headBytes + indexCacheBytes + queryBytes + bodyBytes <= 0.75 * allowed);
  }
});
