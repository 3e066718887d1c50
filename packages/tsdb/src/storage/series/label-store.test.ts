/** The store against what index/series-key.ts says a series is, in all forms in which labels come. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeLabelText } from "../../base/label-bytes.ts";
import { Random } from "../../base/random.ts";
import type { Tenant } from "../../base/tenant.ts";
import { hashKeys } from "../../index/key-hash.ts";
import { decodeSeriesKey, encodeSeriesKey } from "../../index/series-key.ts";
import type { LabelPlace, WriteBatch } from "../../ingest/batch.ts";
import { RemoteWriteParser } from "../../ingest/remote-write.ts";
import { encodeWriteRequest } from "../../ingest/remote-write-encoder.ts";
import { RowBatch } from "../../ingest/row-batch.ts";
import {
  DUPLICATE_NAME,
  EMPTY_NAME,
  GROUP_SERIES,
  LABELS_AS_KEY,
  LabelStore,
  NO_LABELS,
  UNSORTED,
} from "../../kernel/label-store.ts";

const HASH_KEY: Uint32Array = Uint32Array.of(9, 8, 7, 6);
const TENANTS: readonly Tenant[] = [
  { accountId: 0, projectId: 0 },
  { accountId: 7, projectId: 2 ** 32 - 1 },
];
const name = fc.oneof(
  fc.constantFrom("", "__name__", "__name_", "a", "aa", "b", "job", "instance", "é", "\udce9", "A"),
  fc.string({ maxLength: 6 }),
);
const NAMES = ["__name__", "a", "b", "bb", "c", "long_label"];
const value = fc.oneof(fc.constantFrom("", "x", "y", "é", "\udcff", "v".repeat(200)), fc.string({ maxLength: 9 }));
const labelSet = fc.array(fc.tuple(name, value), { maxLength: 7 });

function batchOf(
  sets: readonly (readonly (readonly [string, string])[])[],
  tenant: Tenant,
  asRows: boolean,
): WriteBatch {
  if (asRows) {
    const batch = new RowBatch();
    batch.reset(tenant);
    for (const labels of sets) {
      batch.beginSeries();
      for (const [name, value] of labels) batch.addLabel(name, value);
      batch.endLabels();
      batch.addSample(1, 1);
    }
    return batch;
  }
  const body = encodeWriteRequest(
    sets.map((labels) => ({
      labels,
      timestamps: Float64Array.of(1),
      values: Float64Array.of(1),
    })),
  );
  return new RemoteWriteParser().parse(body, { tenant, compression: "none", maxBytes: 1 << 24 });
}

test("labels in any form, order and number name what their key names", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(labelSet, fc.nat(1), fc.nat(2)), { maxLength: 30 }), (rows) => {
      const store = new LabelStore();
      const known = new Map<string, number>();
      const place: LabelPlace = { bytes: new Uint8Array(0), lo: 0, hi: 0, form: 0 };
      for (const [labels, tenantIndex, form] of rows) {
        const tenant = TENANTS[tenantIndex] as Tenant;
        const raw = labels.map(([name, value]) => ({ name: encodeLabelText(name), value: encodeLabelText(value) }));
        const key = encodeSeriesKey(raw);
        const number = store.tenantNumber(tenant);
        let slot: number;
        if (form === 2) {
          if (typeof key === "string") continue;
          slot = store.register(number, key, 0, key.length, LABELS_AS_KEY);
        } else {
          if (labels.length === 0) continue;
          const batch = batchOf([labels], tenant, form === 1);
          batch.locateLabels?.(0, place);
          slot = store.register(number, place.bytes, place.lo, place.hi, place.form);
        }
        if (typeof key === "string") {
          const want = { no_labels: NO_LABELS, duplicate_label_name: DUPLICATE_NAME, empty_label_name: EMPTY_NAME }[
            key
          ];
          assert.equal(slot, want);
          continue;
        }
        const name = `${tenantIndex} ${Buffer.from(key).toString("hex")}`;
        assert.equal(slot, known.get(name) ?? known.size);
        known.set(name, slot);
        assert.deepEqual(store.labelsOf(slot), decodeSeriesKey(key));
        assert.deepEqual(store.tenantOf(slot), tenant);
        const keys = store.keysOf(Uint32Array.of(slot), 0, 16);
        assert.deepEqual(Buffer.from(keys.bytes), Buffer.from(key));
        const hashes = new Uint32Array(3);
        store.hashKeys(HASH_KEY, Uint32Array.of(slot, 0), 1, hashes, 1);
        assert.deepEqual(hashes[1], hashKeys(HASH_KEY, tenant, key, Uint32Array.of(key.length))[0]);
      }
      assert.equal(store.seriesCount, known.size);
    }),
    { numRuns: 150 },
  );
});

test("labels that stand where they stood in the series before, or nearly so, name what their key names", () => {
  const random = new Random(12);
  const store = new LabelStore();
  const place: LabelPlace = { bytes: new Uint8Array(0), lo: 0, hi: 0, form: 0 };
  const known = new Map<string, number>();
  let usual: string[] = [];
  for (let i = 0; i < 1500; i++) {
    // Mostly the series before with other values; now and then without a label, with one twice, or in another order.
    if (i % 50 === 0) {
      usual = NAMES.filter(() => random.below(4) > 0);
      if (usual.length === 0) usual.push("a");
    }
    const labels = usual.map((name): [string, string] => [name, `v${random.below(3)}`]);
    const change = random.below(8);
    const at = random.below(labels.length);
    if (change === 0) labels.splice(at, 1);
    if (change === 1) labels.splice(random.below(labels.length), 0, labels[at] as [string, string]);
    if (change === 2) labels.reverse();
    if (change < 5) labels.sort(([a], [b]) => (a < b ? -1 : 1));
    const tenant = TENANTS[random.below(2)] as Tenant;
    const key = encodeSeriesKey(
      labels.map(([name, value]) => ({ name: encodeLabelText(name), value: encodeLabelText(value) })),
    );
    batchOf([labels], tenant, random.below(2) === 0).locateLabels?.(0, place);
    const slot = store.register(store.tenantNumber(tenant), place.bytes, place.lo, place.hi, place.form);
    if (typeof key === "string") {
      assert.equal(slot, DUPLICATE_NAME);
      continue;
    }
    const name = `${tenant.accountId} ${Buffer.from(key).toString("hex")}`;
    assert.equal(slot, known.get(name) ?? known.size);
    known.set(name, slot);
    assert.deepEqual(store.labelsOf(slot), decodeSeriesKey(key));
  }
});

test("many series: lists of slots, values and keys are whole across every page, chunk and split", () => {
  const store = new LabelStore();
  const random = new Random(3);
  const tenant = store.tenantNumber(TENANTS[0] as Tenant);
  const batch = new RowBatch();
  const place: LabelPlace = { bytes: new Uint8Array(0), lo: 0, hi: 0, form: 0 };
  const lists = new Map<string, number[]>();
  const count = 30_000;
  const slots = new Int32Array(1);
  for (let i = 0; i < count; i++) {
    const labels: [string, string][] = [
      ["pod", `pod-${i}`],
      ["__name__", `m${i % 3}`],
      ["rare", random.below(1000) === 0 ? "yes" : ""],
      ["group", `g${random.below(200)}`],
    ];
    batch.reset(TENANTS[0] as Tenant);
    batch.beginSeries();
    for (const [name, value] of labels) batch.addLabel(name, value);
    batch.endLabels();
    batch.addSample(0, 0);
    batch.locateLabels(0, place);
    assert.equal(store.register(tenant, place.bytes, place.lo, place.hi, place.form), i);
    store.beginBatch();
    store.registerGroup(tenant, place.bytes, Uint32Array.of(place.lo, place.hi), 1, place.form, slots);
    assert.equal(slots[0], i);
    assert.equal(store.register(tenant, place.bytes, place.lo, place.hi, place.form), i);
    for (const [name, value] of labels) {
      if (value === "") continue;
      const key = `${name}=${value}`;
      const list = lists.get(key);
      if (list === undefined) lists.set(key, [i]);
      else list.push(i);
    }
  }
  assert.equal(store.pairCount, lists.size);
  let seen = 0;
  for (let label = store.firstLabel(tenant); label >= 0; label = store.nextLabel(label)) {
    const name = store.nameOf(label) || "__name__";
    for (let pair = store.firstPair(label); pair >= 0; pair = store.nextPair(pair)) {
      assert.deepEqual([...store.slotsOf(pair)], lists.get(`${name}=${store.textOf(pair)}`));
      assert.equal(store.findPair(label, store.textOf(pair)), pair);
      seen++;
    }
    assert.equal(store.findPair(label, "no such value"), -1);
  }
  assert.equal(seen, lists.size);
  assert.equal(store.slotsOfTenant(tenant).length, count);
  assert.equal(store.findLabel(tenant, "no such label"), -1);
  assert.equal(store.findTenant({ accountId: 1, projectId: 1 }), -1);
  assert.ok(store.usedBytes < count * 250, `${store.usedBytes} bytes`);
});

test("many labels out of order are left to the caller, in order they are taken", () => {
  const store = new LabelStore();
  const tenant = store.tenantNumber(TENANTS[0] as Tenant);
  const labels = Array.from({ length: 5_000 }, (_, i) => [`l${String(9_999 - i)}`, `v${i}`] as const);
  const place: LabelPlace = { bytes: new Uint8Array(0), lo: 0, hi: 0, form: 0 };
  const backwards = batchOf([labels], TENANTS[0] as Tenant, true);
  backwards.locateLabels?.(0, place);
  assert.equal(store.register(tenant, place.bytes, place.lo, place.hi, place.form), UNSORTED);
  const key = encodeSeriesKey(backwards.readLabels(0)) as Uint8Array;
  assert.equal(store.register(tenant, key, 0, key.length, LABELS_AS_KEY), 0);
  const forwards = batchOf([[...labels].reverse()], TENANTS[0] as Tenant, false);
  forwards.locateLabels?.(0, place);
  assert.equal(store.register(tenant, place.bytes, place.lo, place.hi, place.form), 0);
  assert.deepEqual(store.labelsOf(0), decodeSeriesKey(key));
});

test("series of one batch, in groups, are what they are one by one", () => {
  const random = new Random(5);
  const tenant = TENANTS[0] as Tenant;
  for (const wanted of [3, 40, 2000]) {
    const batch = new RowBatch();
    batch.reset(tenant);
    for (let i = 0; i < wanted; i++) {
      batch.beginSeries();
      // No name at all, a name twice, more labels than a group keeps, more than are sorted here.
      const kind = random.below(40);
      if (kind !== 0) batch.addLabel("__name__", `m${random.below(20)}`);
      if (kind === 1) batch.addLabel("__name__", "twice");
      if (kind === 2) for (let k = 0; k < 100; k++) batch.addLabel(`l${k + 100}`, "v");
      if (kind === 3) for (let k = 0; k < 100; k++) batch.addLabel(`l${199 - k}`, "v");
      // Values of all lengths around those that are compared eight bytes at a time, the same but for one byte.
      const length = random.below(40);
      const at = random.below(length + 1);
      if (kind !== 0) {
        batch.addLabel("v", `${"x".repeat(at)}${random.below(2) === 0 ? "y" : "x"}${"x".repeat(length - at)}`);
      }
      batch.endLabels();
      batch.addSample(0, 0);
    }
    // Without those that have no label.
    const count = batch.seriesCount;
    const place: LabelPlace = { bytes: new Uint8Array(0), lo: 0, hi: 0, form: 0 };
    const [together, single] = [new LabelStore(), new LabelStore()];
    const ranges = new Uint32Array(2 * GROUP_SERIES);
    const slots = new Int32Array(GROUP_SERIES);
    together.beginBatch();
    // Some groups twice, and groups anywhere.
    for (let done = 0; done < 3 * count; done += GROUP_SERIES) {
      const first = done < count ? done : random.below(count);
      const size = Math.min(1 + random.below(GROUP_SERIES), count - first);
      for (let k = 0; k < size; k++) {
        batch.locateLabels(first + k, place);
        ranges.set([place.lo, place.hi], 2 * k);
      }
      const { bytes, form } = place;
      together.registerGroup(together.tenantNumber(tenant), bytes, ranges, size, form, slots);
      for (let k = 0; k < size; k++) {
        batch.locateLabels(first + k, place);
        const { lo, hi } = place;
        const alone = single.register(single.tenantNumber(tenant), bytes.slice(lo, hi), 0, hi - lo, form);
        assert.equal(slots[k], alone);
      }
    }
    assert.equal(together.seriesCount, single.seriesCount);
  }
});
