import assert from "node:assert/strict";
import { test } from "node:test";
import { MetadataStore } from "./metadata.ts";

const tenant = { accountId: 0, projectId: 0 };

test("the last word on a metric counts, field by field", () => {
  const store = new MetadataStore();
  store.add(tenant, { name: "m", type: "counter", help: "", unit: "" });
  store.add(tenant, { name: "m", type: "", help: "counts", unit: "" });
  assert.deepEqual(store.list(tenant, "m", 0), [{ name: "m", type: "counter", help: "counts", unit: "" }]);
});

test("tenants hear nothing of each other, names are only names, lists are sorted and limited", () => {
  const store = new MetadataStore();
  for (const name of ["toString", "__proto__", "b", "a"])
    store.add(tenant, { name, type: "gauge", help: "", unit: "" });
  store.add({ accountId: 1, projectId: 0 }, { name: "theirs", type: "gauge", help: "", unit: "" });
  assert.deepEqual(
    store.list(tenant, "", 0).map(({ name }) => name),
    ["__proto__", "a", "b", "toString"],
  );
  assert.equal(store.list(tenant, "", 2).length, 2);
  assert.equal(store.list(tenant, "theirs", 0).length, 0);
  assert.equal(store.list(tenant, "constructor", 0).length, 0);
});

test("memory is bounded, in metrics and in text", () => {
  const store = new MetadataStore();
  for (let i = 0; i < 30_000; i++) store.add(tenant, { name: `m${i}`, type: "gauge", help: "", unit: "" });
  assert.equal(store.size, 20_000);
  assert.equal(store.list(tenant, "m0", 0).length, 0);
  store.add(tenant, { name: "long", type: "gauge", help: "x".repeat(100_000), unit: "" });
  assert.equal(store.list(tenant, "long", 0)[0]?.help.length, 1_024);
});
