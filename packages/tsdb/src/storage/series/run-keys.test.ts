import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "../../base/labels.ts";
import { seriesKeyOf } from "../../index/series-key.ts";
import { LABELS_AS_KEY, LabelStore } from "../../kernel/label-store.ts";
import { RunKeys } from "./run-keys.ts";

test("keys are the same whether few are wanted or all", () => {
  const store = new LabelStore();
  const tenant = store.tenantNumber({ accountId: 1, projectId: 2 });
  const keys = Array.from({ length: 3_000 }, (_, i) =>
    seriesKeyOf(new Labels(`m${i % 7}`, ["pod", `pod-${"x".repeat(i % 90)}${i}`])),
  );
  const slots = Uint32Array.from(keys, (key) => store.register(tenant, key, 0, key.length, LABELS_AS_KEY)).reverse();
  keys.reverse();
  const run = new RunKeys(store, slots);
  const kept: [Uint8Array, number][] = [];
  for (const step of [997, 31, 1]) {
    for (let i = 0; i < slots.length; i += step) {
      const key = run.at(i);
      assert.deepEqual(Buffer.from(key), Buffer.from(keys[i] as Uint8Array));
      if (kept.length < 200) kept.push([key, i]);
    }
  }
  for (const [key, i] of kept) assert.deepEqual(Buffer.from(key), Buffer.from(keys[i] as Uint8Array));
});
