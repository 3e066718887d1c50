import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Family } from "../exposition/family.ts";
import { SnapshotDecoder, SnapshotEncoder, SnapshotError, snapshotFamilies, takeSnapshot } from "./snapshot.ts";

const families: Family[] = [
  {
    name: "requests_total",
    type: "counter",
    help: "All of them.\n\u2028",
    unit: "",
    aggregation: "sum",
    samples: [
      { suffix: "", labels: 'path="/ä\\n\\""', value: 7 },
      { suffix: "", labels: "", value: Number.NaN },
    ],
  },
  {
    name: "seconds",
    type: "histogram",
    help: "",
    unit: "seconds",
    aggregation: "each",
    samples: [
      { suffix: "_bucket", labels: 'le="+Inf"', value: Number.POSITIVE_INFINITY },
      { suffix: "_sum", labels: "", value: -0.1 },
      { suffix: "_count", labels: "", value: 2 ** 53 },
    ],
  },
];

const encode = (head: unknown = { id: "a" }): Buffer =>
  new SnapshotEncoder().encode(takeSnapshot(families, head, null));

test("what was encoded comes back", () => {
  const snapshot = new SnapshotDecoder().decode(encode());
  assert.deepEqual(snapshotFamilies(snapshot), families);
  assert.deepEqual(snapshot.head, { id: "a" });
});

test("an unchanged shape is kept by writer and reader, a changed one is noticed", () => {
  const [encoder, decoder] = [new SnapshotEncoder(), new SnapshotDecoder()];
  const first = takeSnapshot(families, {}, null);
  const second = takeSnapshot(structuredClone(families), {}, first);
  assert.equal(second.shape, first.shape);
  assert.equal(decoder.decode(encoder.encode(first)).shape, decoder.decode(encoder.encode(second)).shape);
  const [counter, histogram] = families as [Family, Family];
  const changes: Family[][] = [
    [counter],
    [{ ...counter, help: "x" }, histogram],
    [{ ...counter, type: "gauge" }, histogram],
    [counter, { ...histogram, aggregation: "sum" }],
    [{ ...counter, samples: counter.samples.slice(1) }, histogram],
    [{ ...counter, samples: counter.samples.toReversed() }, histogram],
  ];
  for (const changed of changes) {
    const third = takeSnapshot(changed, {}, first);
    assert.notEqual(third.shape, first.shape);
    assert.deepEqual(snapshotFamilies(decoder.decode(encoder.encode(third))), changed);
  }
});

test("cut anywhere, or with any bit turned, it is refused", () => {
  const bytes = encode();
  const decoder = new SnapshotDecoder();
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decoder.decode(bytes.subarray(0, length)), SnapshotError);
  }
  fc.assert(
    fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
      const turned = Buffer.from(bytes);
      turned[bit >> 3] = (turned[bit >> 3] as number) ^ (1 << (bit & 7));
      assert.throws(() => decoder.decode(turned), SnapshotError);
    }),
  );
  assert.throws(
    () => decoder.decode(Buffer.from(bytes.toString("latin1").replace("NYGROUP1", "NYGROUP2"), "latin1")),
    /want NYGROUP1 first/,
  );
});

test("a whole snapshot of a writer that lies is refused too", () => {
  const lies: [Partial<Family> & { labels?: string }, RegExp][] = [
    [{ name: "a b" }, /without a name/],
    [{ type: "graph" as "gauge" }, /unknown type/],
    [{ aggregation: "most" as "max" }, /unknown aggregation/],
    [{ help: 7 as unknown as string }, /no text/],
    [{ samples: [{ suffix: "_max" as "_sum", labels: "", value: 1 }] }, /suffix/],
    [{ samples: [{ suffix: "", labels: 'a="b"} 1\nevil{c="d"', value: 1 }] }, /broken labels/],
    [{ samples: [{ suffix: "", labels: 'a="1",a="2"', value: 1 }] }, /broken labels/],
  ];
  for (const [lie, message] of lies) {
    const family = { ...(families[0] as Family), ...lie };
    const bytes = new SnapshotEncoder().encode(takeSnapshot([family], {}, null));
    assert.throws(() => new SnapshotDecoder().decode(bytes), message);
  }
});
