import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Labels } from "../../base/labels.ts";
import { seriesKeyOf } from "../../index/series-key.ts";
import { LABELS_AS_KEY, LabelStore } from "../../kernel/label-store.ts";
import { bitsOf } from "../testing/harness.ts";
import { decodeDefinitions, decodeRecord, type LoggedSamples, RecordBuffer } from "./wal-record.ts";

const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
/** Any 64 bits as a float64: also NaNs that arithmetic never makes. */
const anyDouble = fc.tuple(u32, u32);
const ms = fc.oneof(
  fc.constantFrom(0, 1, 2 ** 32, 2 ** 53 - 1),
  fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }),
  fc.maxSafeNat(),
);
const definitions = fc.uint8Array({ maxLength: 40 });
const samples = fc
  .array(fc.record({ slot: u32, rows: fc.array(fc.tuple(ms, anyDouble), { maxLength: 5 }) }), {
    minLength: 1,
    maxLength: 6,
  })
  .filter((list) => list.some(({ rows }) => rows.length > 0))
  .map((list): LoggedSamples => {
    const rows = list.flatMap(({ rows }) => rows);
    let end = 0;
    return {
      seriesCount: list.length,
      sampleCount: rows.length,
      slots: Uint32Array.from(list, ({ slot }) => slot),
      ends: Uint32Array.from(list, ({ rows }) => (end += rows.length)),
      timestamps: Float64Array.from(rows, ([time]) => time),
      values: new Float64Array(Uint32Array.from(rows.flatMap(([, words]) => words)).buffer),
    };
  });
const bitsOfAll = ({ values, sampleCount }: LoggedSamples): string[] =>
  Array.from({ length: sampleCount }, (_, i) => bitsOf(values, i));

test("records come back as they went in, bit by bit, wherever they stand", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(definitions, samples), { minLength: 1, maxLength: 5 }),
      u32,
      fc.nat(9),
      (records, epoch, shift) => {
        const buffer = new RecordBuffer();
        for (const record of records) {
          if (record instanceof Uint8Array) buffer.addDefinitions(epoch, record);
          else buffer.addSamples(epoch, record);
        }
        buffer.stamp(7, shift);
        const bytes = new Uint8Array(shift + buffer.length);
        bytes.set(buffer.bytes(), shift);
        let offset = shift;
        for (const want of records) {
          const found = decodeRecord(bytes, offset, 7);
          assert.ok(found !== null && found.record.type !== "end");
          assert.equal(decodeRecord(bytes, offset, 8), null, "of another segment");
          const { record, next } = found;
          assert.equal(record.epoch, epoch);
          if (record.type === "series") assert.deepEqual(record.definitions, want);
          else {
            const samples = want as LoggedSamples;
            assert.deepEqual(bitsOfAll(record.samples), bitsOfAll(samples));
            assert.deepEqual(record.samples.timestamps, samples.timestamps);
            assert.deepEqual(record.samples.slots, samples.slots);
            assert.deepEqual(record.samples.ends, samples.ends);
          }
          assert.equal((next - shift) % 8, 0);
          offset = next;
        }
        assert.equal(offset, bytes.length);
        assert.equal(decodeRecord(bytes, offset, 7), null);
      },
    ),
    { numRuns: 200 },
  );
});

test("bytes of strangers are no record, and never more than that", () => {
  fc.assert(
    fc.property(samples, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), (record, edits) => {
      const buffer = new RecordBuffer();
      buffer.addSamples(1, record);
      buffer.stamp(1, 0);
      const good = buffer.bytes().slice();
      const bytes = good.slice();
      for (const [at, byte] of edits) bytes[at % bytes.length] = byte;
      if (Buffer.compare(bytes, good) !== 0) assert.equal(decodeRecord(bytes, 0, 1), null);
    }),
    { numRuns: 200 },
  );
});

test("times are written in the shortest of three ways", () => {
  const bytesOf = (times: number[]): number => {
    const buffer = new RecordBuffer();
    const timestamps = Float64Array.from(times);
    const n = times.length;
    buffer.addSamples(1, {
      seriesCount: 1,
      sampleCount: n,
      slots: Uint32Array.of(0),
      ends: Uint32Array.of(n),
      timestamps,
      values: new Float64Array(n),
    });
    buffer.stamp(1, 0);
    const found = decodeRecord(buffer.bytes(), 0, 1);
    assert.ok(found?.record.type === "samples");
    assert.deepEqual(found.record.samples.timestamps, timestamps);
    return buffer.length;
  };
  const rest = 16 + 24 + 8 + 8;
  assert.equal(bytesOf([5, 5, 5]), rest + 3 * 8);
  assert.equal(bytesOf([5, 6, 5 + 2 ** 32 - 1]), rest + 16 + 3 * 8);
  assert.equal(bytesOf([5, 6, 5 + 2 ** 32]), rest + 24 + 3 * 8);
  assert.equal(bytesOf([5, 6, 4]), rest + 24 + 3 * 8);
  assert.equal(bytesOf([5, 5, 4]), rest + 24 + 3 * 8);
});

test("definitions: what the registry wrote is told as it was, and bytes of strangers end in a no", () => {
  const store = new LabelStore();
  const keys = [
    { tenant: { accountId: 0, projectId: 0 }, labels: { __name__: "up", job: "node" } },
    { tenant: { accountId: 2 ** 32 - 1, projectId: 7 }, labels: { __name__: "up", job: "node" } },
    { tenant: { accountId: 0, projectId: 0 }, labels: { a: "é", job: "x".repeat(300) } },
    {
      tenant: { accountId: 0, projectId: 0 },
      labels: Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`l${i}`, "1"])),
    },
  ];
  const slots = keys.map(({ tenant, labels }) => {
    const key = seriesKeyOf(Labels.from(Object.entries(labels)));
    return store.register(store.tenantNumber(tenant), key, 0, key.length, LABELS_AS_KEY);
  });
  const tellAll = (bytes: Uint8Array): { told: string[]; isWhole: boolean } => {
    const told: string[] = [];
    const labels = new Map<number, string>();
    const pairs = new Map<number, string>();
    const isWhole = decodeDefinitions(bytes, {
      label: (label, accountId, projectId, name) => {
        labels.set(label, `${accountId}:${projectId}/${Buffer.from(name).toString()}`);
      },
      pair: (pair, label, value) => {
        pairs.set(pair, `${labels.get(label)}=${Buffer.from(value).toString()}`);
      },
      series: (slot, list, count) => {
        told.push(`${slot} ${Array.from(list.subarray(0, count), (pair) => pairs.get(pair)).join(" ")}`);
      },
    });
    return { told, isWhole };
  };
  // In reverse, so that steps go back.
  const pieces: Uint8Array[] = [];
  for (const some of [slots.slice(2).reverse(), slots.slice(0, 2).reverse()])
    store.define(Uint32Array.from(some), some.length, (bytes) => pieces.push(bytes.slice()));
  const bytes = Buffer.concat(pieces.slice(0, 1));
  assert.deepEqual(tellAll(bytes), {
    told: [
      `3 ${Object.keys(keys[3]?.labels ?? {})
        .sort()
        .map((name) => `0:0/${name}=1`)
        .join(" ")}`,
      `2 0:0/a=é 0:0/job=${"x".repeat(300)}`,
    ],
    isWhole: true,
  });
  assert.deepEqual(tellAll(pieces[1] as Uint8Array).told, [
    `1 ${2 ** 32 - 1}:7/=up ${2 ** 32 - 1}:7/job=node`,
    "0 0:0/=up 0:0/job=node",
  ]);
  store.define(Uint32Array.from(slots.slice(2).reverse()), 2, (again) => assert.deepEqual(Buffer.from(again), bytes));
  for (let cut = 1; cut < bytes.length; cut++) assert.ok(tellAll(bytes.subarray(0, cut)).told.length < 2);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(bytes.length), (noise, at) => {
      tellAll(Buffer.concat([bytes.subarray(0, at), noise]));
    }),
  );
});
