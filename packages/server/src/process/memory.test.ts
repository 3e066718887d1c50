import assert from "node:assert/strict";
import { test } from "node:test";
import { allowedMemoryBytes, divideCache, divideMemory } from "./memory.ts";

const MB = 1 << 20;

test("the memory allowed is divided: all shares grow with it, within bounds, and leave some", () => {
  assert.equal(allowedMemoryBytes(0, 60, 1000), 600);
  assert.equal(allowedMemoryBytes(5, 60, 1000), 5);
  assert.deepEqual(divideMemory(960 * MB), {
    headBytes: 30 * MB,
    seriesBytes: 192 * MB,
    indexCacheBytes: 80 * MB,
    partCacheBytes: 30 * MB,
    rollupCacheBytes: 40 * MB,
    queryBytes: 240 * MB,
    workerHeapBytes: 240 * MB,
    bodyBytes: 120 * MB,
  });
  assert.equal(divideMemory(64 * MB).headBytes, 16 * MB);
  // The largest request has room twice, packed and unpacked, however little is allowed.
  assert.equal(divideMemory(64 * MB, 32 * MB).bodyBytes, 80 * MB);
  for (const allowed of [1024 * MB, 8192 * MB, 65_536 * MB]) {
    const { bodyBytes, headBytes, indexCacheBytes, partCacheBytes, queryBytes, rollupCacheBytes, seriesBytes } =
      divideMemory(allowed);
    const most =
      2 * headBytes + 1.5 * seriesBytes + indexCacheBytes + partCacheBytes + rollupCacheBytes + queryBytes + bodyBytes;
    assert.ok(most <= 0.9 * allowed);
    // A million series that are all written leave room for others in a gigabyte.
    assert.ok(seriesBytes >= 1.5e6 * 130);
  }
});

test("a cache is divided among the main thread and its workers", () => {
  assert.deepEqual(divideCache(100, 0), { mainBytes: 100, workerBytes: 0 });
  for (const workers of [1, 2, 3, 7]) {
    const { mainBytes, workerBytes } = divideCache(1001, workers);
    assert.ok(mainBytes + workers * workerBytes <= 1001);
    assert.ok(mainBytes >= workerBytes && workerBytes > 0);
  }
});
