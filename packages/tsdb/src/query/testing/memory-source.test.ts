import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "../../base/labels.ts";
import { DEFAULT_TENANT } from "../../base/tenant.ts";
import { MemorySource } from "./memory-source.ts";
import { testSource } from "./source-suite.ts";

for (const batchSeries of [1, 64]) {
  testSource({
    name: `memory, ${batchSeries} series a batch`,
    create: async (list) => {
      const source = new MemorySource({ batchSeries });
      for (const { labels, timestamps, values, tenant } of list) source.add(labels, timestamps, values, tenant);
      return { source, close: async () => {} };
    },
  });
}

test("add sorts by time and keeps the last of equal times", async () => {
  const source = new MemorySource();
  source.add(Labels.from([["__name__", "m"]]), [30, 10, 20, 10], Float64Array.of(3, 0, 2, 1));
  const groups = [[{ label: "__name__", op: "=" as const, value: "m" }]];
  const cursor = await source.search({ tenant: DEFAULT_TENANT, groups, minMs: 0, maxMs: 100 });
  const batch = await cursor.next();
  assert.deepEqual([...(batch?.timestamps ?? [])], [10, 20, 30]);
  assert.deepEqual([...(batch?.values ?? [])], [1, 2, 3]);
});
