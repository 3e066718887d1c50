/** kernels/texts.ts against its twin. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Texts } from "../base/texts.ts";
import { mergeTexts, PRINTED_TEXTS_MAX, printTexts } from "./texts.ts";
import { mergeTextsTwin, printTextsTwin, textAt } from "./texts-twin.ts";

function textsOf(list: readonly Uint8Array[]): Texts {
  const ends = new Uint32Array(list.length + 3);
  let end = 0;
  for (const [i, text] of list.entries()) ends[i] = end += text.length;
  // Bytes and ends that are nobody's: what was grown for more.
  return { bytes: Buffer.concat([...list, Buffer.from("unused")]), ends, count: list.length };
}

const plain = fc.stringMatching(/^[ !#-&(-;=-[\]-~]{0,40}$/).map((text) => Buffer.from(text));
/** Long parts in common, bytes of all kinds, prefixes of each other. */
const anyText = fc.oneof(
  plain,
  fc.uint8Array({ maxLength: 20 }),
  fc.tuple(fc.nat(3), fc.uint8Array({ maxLength: 9 })).map(([n, end]) => Buffer.concat([Buffer.alloc(7 * n, 97), end])),
);

test("texts are printed as the twin prints them, or not at all", () => {
  const list = fc.oneof(fc.array(plain, { maxLength: 20 }), fc.array(anyText, { maxLength: 5 }));
  fc.assert(
    fc.property(list, fc.nat(20), fc.nat(20), (given, a, b) => {
      const texts = textsOf(given);
      const [lo, hi] = [Math.min(a, b, given.length), Math.min(Math.max(a, b), given.length)];
      const printed = printTexts(texts, lo, hi);
      assert.equal(printed && Buffer.from(printed).toString("latin1"), printTextsTwin(texts, lo, hi));
    }),
  );
});

test("every byte is plain or is not, wherever it stands", () => {
  for (let byte = 0; byte < 256; byte++) {
    for (const [before, behind] of [
      [0, 0],
      [3, 2],
      [16, 0],
      [15, 20],
    ] as const) {
      const texts = textsOf([Buffer.concat([Buffer.alloc(before, 97), Buffer.of(byte), Buffer.alloc(behind, 98)])]);
      const printed = printTexts(texts, 0, 1);
      assert.equal(printed && Buffer.from(printed).toString("latin1"), printTextsTwin(texts, 0, 1), `byte ${byte}`);
    }
  }
});

test("more than there is room for is not printed", () => {
  const many = textsOf(Array.from({ length: PRINTED_TEXTS_MAX + 1 }, () => Buffer.alloc(100, 97)));
  assert.equal(printTexts(many, 1, PRINTED_TEXTS_MAX + 1)?.length, 103 * PRINTED_TEXTS_MAX - 1);
  assert.throws(() => printTexts(many, 0, PRINTED_TEXTS_MAX + 1), RangeError);
  assert.throws(() => printTexts(many, 0, PRINTED_TEXTS_MAX + 2), RangeError);
  assert.equal(printTexts(textsOf([Buffer.alloc((128 << 10) + 1, 97)]), 0, 1), null);
  assert.equal(printTexts(textsOf([Buffer.alloc(128 << 10, 97)]), 0, 1)?.length, (128 << 10) + 2);
});

test("runs are merged as the twin merges them", () => {
  fc.assert(
    fc.property(fc.array(fc.array(anyText, { maxLength: 12 }), { maxLength: 9 }), fc.nat(30), (lists, limit) => {
      const runs = lists.map((list) => textsOf(mergeTextsTwin([textsOf(list)], 0)));
      const merged = mergeTexts(runs, limit);
      const found = Array.from({ length: merged.count }, (_, i) => Buffer.from(textAt(merged, i)).toString("latin1"));
      assert.deepEqual(
        found,
        mergeTextsTwin(runs, limit).map((text) => text.toString("latin1")),
      );
    }),
    { numRuns: 300 },
  );
});

test("runs that outgrow the kernel's memory", () => {
  const runOf = (step: number): Texts =>
    textsOf(
      Array.from({ length: 200_000 / step }, (_, i) =>
        Buffer.from(`a text of some length ${String(i * step).padStart(9, "0")}`),
      ),
    );
  for (let round = 0; round < 2; round++) {
    const merged = mergeTexts([runOf(1), runOf(2), runOf(5)], 0);
    assert.equal(merged.count, 200_000);
    assert.equal(Buffer.from(textAt(merged, 199_999)).toString(), "a text of some length 000199999");
    assert.equal(mergeTexts([runOf(100), runOf(70)], 7).count, 7);
  }
});
