import assert from "node:assert/strict";
import { test } from "node:test";
import type { FilterOp, LabelFilter } from "../base/label-filter.ts";
import { Labels } from "../base/labels.ts";
import { DEFAULT_TENANT } from "../base/tenant.ts";
import { LABELS_AS_KEY, LabelStore } from "../kernel/label-store.ts";
import { searchSeries } from "./filter-search.ts";
import { asSeriesIndex } from "./listed-index.ts";
import { MemoryIndex } from "./memory-index.ts";
import { AT_ONCE } from "./segment.test.support.ts";
import { seriesKeyOf } from "./series-key.ts";

test("few series are asked themselves, many are looked up in lists: one answer", async () => {
  const store = new LabelStore();
  const tenant = store.tenantNumber(DEFAULT_TENANT);
  // Slot i is host i of ten regions; every third has a rack.
  for (let i = 0; i < 300; i++) {
    const rack: [string, string][] = i % 3 === 0 ? [["rack", `k${i % 7}`]] : [];
    const key = seriesKeyOf(Labels.from([["__name__", "m"], ["host", `h${i}`], ["region", `r${i % 10}`], ...rack]));
    assert.equal(store.register(tenant, key, 0, key.length, LABELS_AS_KEY), i);
  }
  const index = asSeriesIndex(new MemoryIndex(store, tenant));
  const find = async (...filters: [string, FilterOp, string][]): Promise<number[]> => {
    const group = filters.map(([label, op, value]): LabelFilter => ({ label, op, value }));
    return [...(await searchSeries(index, [group], AT_ONCE))];
  };
  assert.deepEqual(await find(["host", "=", "h42"], ["__name__", "=", "m"], ["region", "=", "r2"]), [42]);
  assert.deepEqual(await find(["host", "=", "h42"], ["__name__", "=", "m"], ["region", "=", "r3"]), []);
  assert.deepEqual(await find(["host", "=", "h42"], ["__name__", "!=", "m"]), []);
  assert.deepEqual(await find(["host", "=", "h42"], ["rack", "=", "k0"]), [42]);
  assert.deepEqual(await find(["host", "=", "h43"], ["rack", "=", ""]), [43]);
  assert.deepEqual(await find(["host", "=", "h42"], ["rack", "=~", "k.*0?"]), [42]);
  assert.deepEqual(await find(["host", "=", "h43"], ["rack", "=~", "k.*|"]), [43]);
  assert.deepEqual(await find(["host", "=", "h43"], ["rack", "!~", "k.*"]), [43]);
  assert.deepEqual(await find(["host", "=", "h43"], ["nothing", "=~", ".+"]), []);
  assert.equal((await find(["region", "=", "r1"], ["__name__", "=", "m"])).length, 30);
  assert.equal((await find(["region", "=", "r1"], ["host", "=~", "h[0-9]1"])).length, 9);
});

test("series of a label, whatever its value", async () => {
  const store = new LabelStore();
  const tenant = store.tenantNumber(DEFAULT_TENANT);
  for (let i = 0; i < 100; i++) {
    const rack: [string, string][] = i % 3 === 0 ? [["rack", `k${i % 7}`]] : [];
    const key = seriesKeyOf(Labels.from([["__name__", "m"], ["host", `h${i}`], ...rack]));
    store.register(tenant, key, 0, key.length, LABELS_AS_KEY);
  }
  const index = new MemoryIndex(store, tenant);
  const racks = index.idsWith("rack");
  const want = Array.from({ length: 34 }, (_, i) => 3 * i);
  assert.equal(racks.count, 34);
  assert.deepEqual([...(await racks.read())], want);
  assert.deepEqual([...(await racks.retain(Uint32Array.of(1, 3, 4, 99)))], [3, 99]);
  for (const wanted of [0, 1, 42, 43, 99]) {
    const next = (slot: number): number => (slot <= wanted ? wanted : 2 ** 32);
    assert.equal(await racks.some(next), want.includes(wanted), String(wanted));
  }
  assert.equal(index.idsWith("nothing").count, 0);
  assert.equal(await index.idsOf("__name__", "m").some((slot) => (slot <= 17 ? 17 : 2 ** 32)), true);
});
