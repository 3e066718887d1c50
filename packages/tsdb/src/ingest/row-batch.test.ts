import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeLabelBytes, encodeLabelText } from "../base/label-bytes.ts";
import { DEFAULT_TENANT, type Tenant } from "../base/tenant.ts";
import type { WriteBatch } from "./batch.ts";
import { RowBatch } from "./row-batch.ts";
import { isStaleMarker, STALE_NAN_BYTES } from "./stale-marker.ts";

type Pair = readonly [string, string];

function addSeries(batch: RowBatch, labels: readonly Pair[], samples: readonly (readonly [number, number])[]): void {
  batch.beginSeries();
  for (const [name, value] of labels) batch.addLabel(name, value);
  batch.endLabels();
  for (const [timestampMs, value] of samples) batch.addSample(timestampMs, value);
}

function labelsOf(batch: WriteBatch, i: number): Pair[] {
  const text = (bytes: Uint8Array) => decodeLabelBytes(bytes, 0, bytes.length);
  return batch.readLabels(i).map(({ name, value }) => [text(name), text(value)]);
}

const hashOf = (batch: WriteBatch, i: number): string => batch.hashes.slice(i * 4, i * 4 + 4).join();

test("rows become columns", () => {
  const batch = new RowBatch();
  batch.reset({ accountId: 3, projectId: 4 });
  addSeries(
    batch,
    [
      ["__name__", "up"],
      ["job", "node"],
    ],
    [
      [1000, 1],
      [2000, 0],
    ],
  );
  addSeries(
    batch,
    [
      ["__name__", "température"],
      ["", ""],
    ],
    [[-5, 1 / 3]],
  );
  assert.deepEqual(batch.tenant, { accountId: 3, projectId: 4 });
  assert.equal(batch.seriesCount, 2);
  assert.equal(batch.sampleCount, 3);
  assert.deepEqual([...batch.sampleEnds.slice(0, 2)], [2, 3]);
  assert.deepEqual([...batch.timestamps.slice(0, 3)], [1000, 2000, -5]);
  assert.deepEqual([...batch.values.slice(0, 3)], [1, 0, 1 / 3]);
  assert.deepEqual(labelsOf(batch, 0), [
    ["__name__", "up"],
    ["job", "node"],
  ]);
  assert.deepEqual(labelsOf(batch, 1), [
    ["__name__", "température"],
    ["", ""],
  ]);
});

test("series without samples leave no trace, samples without labels are counted", () => {
  const batch = new RowBatch();
  batch.reset(DEFAULT_TENANT);
  addSeries(batch, [["a", "b"]], []);
  addSeries(batch, [["__name__", "x"]], [[1, 1]]);
  addSeries(
    batch,
    [],
    [
      [2, 2],
      [3, 3],
    ],
  );
  addSeries(batch, [["__name__", "y"]], [[4, 4]]);
  addSeries(batch, [["c", "d"]], []);
  assert.equal(batch.seriesCount, 2);
  assert.equal(batch.sampleCount, 2);
  assert.equal(batch.unnamedSampleCount, 2);
  assert.deepEqual(labelsOf(batch, 0), [["__name__", "x"]]);
  assert.deepEqual(labelsOf(batch, 1), [["__name__", "y"]]);
});

test("abandonSeries takes back the last series only", () => {
  const batch = new RowBatch();
  batch.reset(DEFAULT_TENANT);
  addSeries(batch, [["__name__", "kept"]], [[1, 1]]);
  const kept = hashOf(batch, 0);
  addSeries(
    batch,
    [["__name__", "bad"]],
    [
      [2, 2],
      [3, 3],
    ],
  );
  assert.notEqual(hashOf(batch, 1), kept);
  batch.abandonSeries();
  batch.beginSeries();
  batch.addLabel("__name__", "half");
  batch.abandonSeries();
  addSeries(batch, [["__name__", "next"]], [[4, 4]]);
  assert.equal(batch.seriesCount, 2);
  assert.deepEqual([...batch.sampleEnds.slice(0, 2)], [1, 2]);
  assert.deepEqual(labelsOf(batch, 1), [["__name__", "next"]]);
  assert.equal(hashOf(batch, 0), kept);
  const alone = new RowBatch();
  alone.reset(DEFAULT_TENANT);
  addSeries(alone, [["__name__", "next"]], [[4, 4]]);
  assert.equal(hashOf(batch, 1), hashOf(alone, 0));
});

test("timestamps are whole and end at ±2^53", () => {
  const batch = new RowBatch();
  batch.reset(DEFAULT_TENANT);
  addSeries(
    batch,
    [["a", "b"]],
    [
      [1.9, 0],
      [-1.9, 0],
      [1e300, 0],
      [-Infinity, 0],
    ],
  );
  assert.deepEqual([...batch.timestamps.slice(0, 4)], [1, -1, 2 ** 53, -(2 ** 53)]);
  assert.throws(() => batch.addSample(Number.NaN, 1), { code: "BUG" });
});

test("addSampleBits keeps every bit", () => {
  const batch = new RowBatch();
  batch.reset(DEFAULT_TENANT);
  batch.beginSeries();
  batch.addLabel("a", "b");
  batch.endLabels();
  const bits = Uint8Array.of(9, 1, 2, 3, 4, 5, 6, 0xf7, 0x7f);
  for (let i = 0; i < 3000; i++) batch.addSampleBits(i, i % 2 === 0 ? STALE_NAN_BYTES : bits, i % 2);
  const bytes = new Uint8Array(batch.values.buffer);
  assert.deepEqual(bytes.slice(8, 16), bits.slice(1));
  const words = new Uint32Array(batch.values.buffer);
  for (let i = 0; i < 3000; i++) assert.equal(isStaleMarker(words, i), i % 2 === 0);
});

test("the hash is a function of tenant and labels, and of nothing else", () => {
  const hash = (tenant: Tenant, labels: Pair[]) => {
    const batch = new RowBatch();
    batch.reset(tenant);
    addSeries(batch, [["other", "series"]], [[1, 1]]);
    addSeries(batch, labels, [[1, 1]]);
    return hashOf(batch, 1);
  };
  const all = [
    hash(DEFAULT_TENANT, [["a", "bc"]]),
    hash(DEFAULT_TENANT, [["ab", "c"]]),
    hash(DEFAULT_TENANT, [
      ["a", "b"],
      ["c", ""],
    ]),
    hash(DEFAULT_TENANT, [
      ["c", ""],
      ["a", "b"],
    ]),
    hash({ accountId: 1, projectId: 0 }, [["a", "bc"]]),
    hash({ accountId: 0, projectId: 1 }, [["a", "bc"]]),
  ];
  assert.equal(new Set(all).size, all.length);
  assert.equal(hash(DEFAULT_TENANT, [["a", "bc"]]), all[0]);
});

test("text and bytes give the same series", () => {
  const label = fc.tuple(fc.string({ unit: "binary", maxLength: 40 }), fc.string({ maxLength: 40 }));
  fc.assert(
    fc.property(fc.array(label, { minLength: 1, maxLength: 12 }), (labels) => {
      const batch = new RowBatch();
      batch.reset(DEFAULT_TENANT);
      addSeries(batch, labels, [[1, 1]]);
      batch.beginSeries();
      for (const [name, value] of labels) {
        const nameBytes = encodeLabelText(name);
        const bytes = Buffer.concat([Buffer.from("xy"), nameBytes, Buffer.from("="), encodeLabelText(value)]);
        batch.addLabelBytes(bytes, 2, 2 + nameBytes.length, 3 + nameBytes.length, bytes.length);
      }
      batch.endLabels();
      batch.addSample(2, 2);
      assert.equal(hashOf(batch, 0), hashOf(batch, 1));
      assert.deepEqual(labelsOf(batch, 0), labels);
      assert.deepEqual(labelsOf(batch, 1), labels);
    }),
    { numRuns: 200, seed: 3 },
  );
});

test("a batch grows, is used again, and gives back what one huge request took", () => {
  const batch = new RowBatch();
  for (let round = 0; round < 2; round++) {
    batch.reset(DEFAULT_TENANT);
    for (let i = 0; i < 300_000; i++) addSeries(batch, [["i", String(i)]], [[i, i]]);
    assert.equal(batch.sampleCount, 300_000);
    assert.deepEqual(labelsOf(batch, 299_999), [["i", "299999"]]);
    assert.equal(batch.values[299_999], 299_999);
  }
  batch.reset(DEFAULT_TENANT);
  assert.equal(batch.timestamps.length, 1024);
  addSeries(batch, [["long", "x".repeat(100_000)]], [[1, 1]]);
  assert.equal(labelsOf(batch, 0)[0]?.[1].length, 100_000);
});
