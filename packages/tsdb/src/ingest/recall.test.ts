import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { IngestKernel, type RecallSize } from "../kernel/ingest-kernel.ts";

const KEY = Uint32Array.of(1, 2, 3, 4);

/** A field of bytes with a tag below 16. */
function field(tag: number, payload: Buffer): Buffer {
  const length = payload.length < 128 ? [payload.length] : [(payload.length & 0x7f) | 0x80, payload.length >>> 7];
  return Buffer.concat([Buffer.from([tag, ...length]), payload]);
}

const labelOf = (name: string, value: string): Buffer =>
  field(0x0a, Buffer.concat([field(0x0a, Buffer.from(name)), field(0x12, Buffer.from(value))]));
const sampleOf = (timestampMs: number): Buffer =>
  field(0x12, Buffer.from([0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x10, timestampMs]));

/** Many share beginnings, some are the beginning of another, some are too long to be kept, one has no labels at all. */
const LABELS: readonly (readonly Buffer[])[] = [
  [],
  ...Array.from({ length: 30 }, (_, i) => [labelOf("__name__", "requests"), labelOf("a", `${i}`.repeat(1 + (i % 7)))]),
  ...Array.from({ length: 6 }, (_, i) => Array.from({ length: i + 1 }, (_, k) => labelOf(`l${k}`, "v"))),
  ...Array.from({ length: 4 }, (_, i) => [labelOf("long", "x".repeat(1_000 * i)), labelOf("b", `${i}`)]),
  Array.from({ length: 5 }, (_, i) => labelOf(`p${i}`, "y".repeat(1_000))),
];

/** How a series stands in a request: as senders write it, without a sample, with a label behind the sample, cut in its labels. */
type Form = "usual" | "no sample" | "late label";

function seriesOf(labels: readonly Buffer[], form: Form, timestampMs: number): Buffer {
  const sample = form === "no sample" ? [] : [sampleOf(timestampMs)];
  const late = form === "late label" ? [labelOf("late", "1")] : [];
  return field(0x0a, Buffer.concat([...labels, ...sample, ...late]));
}

function read(kernel: IngestKernel, body: Buffer, accountId: number): unknown {
  kernel.load(body, false, 1 << 26);
  kernel.parse({ accountId, projectId: 0 });
  const { bytes, labelRanges } = kernel;
  return {
    hashes: [...kernel.hashes],
    ends: [...kernel.sampleEnds],
    timestamps: [...kernel.timestamps],
    labels: Array.from({ length: kernel.seriesCount }, (_, i) =>
      Buffer.from(bytes.subarray(labelRanges[2 * i], labelRanges[2 * i + 1])).toString("latin1"),
    ),
    unnamed: kernel.unnamedSampleCount,
  };
}

test("whatever is recalled of earlier requests, a request reads as it does alone", () => {
  const one = fc.record({
    labels: fc.nat(LABELS.length - 1),
    form: fc.constantFrom<Form>("usual", "usual", "usual", "usual", "no sample", "late label"),
  });
  const request = fc.record({
    accountId: fc.constantFrom(0, 0, 0, 7),
    // A run of series as a scrape has them, some of them otherwise.
    from: fc.constantFrom(0, 0, 3, 20),
    length: fc.nat(40),
    others: fc.array(fc.tuple(fc.nat(39), one), { maxLength: 4 }),
  });
  const size: fc.Arbitrary<RecallSize> = fc.record({
    entryBits: fc.integer({ min: 1, max: 8 }),
    textBytes: fc.oneof(fc.integer({ min: 1, max: 600 }), fc.constant(2_000)).map((words) => words * 16),
  });
  let recalled = 0;
  fc.assert(
    fc.property(size, fc.array(request, { minLength: 5, maxLength: 30, size: "max" }), (recall, requests) => {
      const recalling = new IngestKernel(KEY, recall);
      const plain = new IngestKernel(KEY);
      for (const { accountId, from, length, others } of requests) {
        const run = Array.from({ length }, (_, i) => ({ labels: (from + i) % LABELS.length, form: "usual" as Form }));
        for (const [at, other] of others) run[at] = other;
        const body = Buffer.concat(
          run
            .filter((series) => series !== undefined)
            .map(({ labels, form }, i) => seriesOf(LABELS[labels] as readonly Buffer[], form, i)),
        );
        assert.deepEqual(read(recalling, body, accountId), read(plain, body, accountId));
      }
      recalled += recalling.recalledCount;
      assert.equal(plain.recalledCount, 0);
    }),
    { seed: 20240109, numRuns: 400 },
  );
  assert.ok(recalled > 15_000, `${recalled} series were recalled`);
});

test("series that come again in the order they came are recalled, also after others took their place", () => {
  const { bodyOf, recalledIn } = recallOf({ entryBits: 8, textBytes: 2048 });
  assert.equal(recalledIn(bodyOf(0, 40)), 0);
  // The first of a request has none before it.
  assert.equal(recalledIn(bodyOf(0, 40)), 39);
  assert.equal(recalledIn(bodyOf(10, 30)), 19);
  for (let i = 0; i < 3; i++) assert.equal(recalledIn(bodyOf(0, 40)), 39);
  assert.equal(recalledIn(bodyOf(100, 164)), 0);
  assert.equal(recalledIn(bodyOf(0, 40)), 0);
  assert.equal(recalledIn(bodyOf(0, 40)), 39);
});

test("of a flood of new series a quarter of what there is room for is learned, then none for a while", () => {
  const { bodyOf, recalledIn } = recallOf({ entryBits: 8, textBytes: 8192 });
  assert.equal(recalledIn(bodyOf(0, 1000)), 0);
  assert.equal(recalledIn(bodyOf(0, 1000)), 63);
});

function recallOf(size: RecallSize): { bodyOf(from: number, to: number): Buffer; recalledIn(body: Buffer): number } {
  const kernel = new IngestKernel(KEY, size);
  return {
    bodyOf: (from, to) =>
      Buffer.concat(
        Array.from({ length: to - from }, (_, i) =>
          seriesOf([labelOf("__name__", "m"), labelOf("i", `${from + i}`)], "usual", 1),
        ),
      ),
    recalledIn: (body) => {
      const before = kernel.recalledCount;
      read(kernel, body, 0);
      return kernel.recalledCount - before;
    },
  };
}
