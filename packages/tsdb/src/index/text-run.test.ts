import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeLabelText } from "../base/label-bytes.ts";
import { mergeRuns, TextRun } from "./text-run.ts";

const texts = fc.array(
  fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom("é", "a\udce9", "💡", "", "host-1", "host-10")),
  {
    maxLength: 30,
  },
);

const runOf = (list: readonly string[]): TextRun => TextRun.of(list);

function inOrder(list: readonly string[]): string[] {
  return [...new Set(list)].sort((a, b) => Buffer.compare(encodeLabelText(a), encodeLabelText(b)));
}

test("runs become one: in order of bytes, each text once, no more than the limit", () => {
  fc.assert(
    fc.property(fc.array(texts, { maxLength: 7 }), fc.nat(40), (lists, limit) => {
      const want = inOrder(lists.flat());
      assert.deepEqual(mergeRuns(lists.map(runOf), limit).toStrings(), limit > 0 ? want.slice(0, limit) : want);
    }),
  );
});

test("texts added together and taken back", () => {
  fc.assert(
    fc.property(texts, texts, (first, second) => {
      const sorted = runOf(inOrder(second));
      const run = runOf(first);
      run.addText("gone");
      run.dropLast();
      const both = mergeRuns([run, sorted], 0);
      assert.deepEqual(both.toStrings(), inOrder([...first, ...second]));
    }),
  );
});

test("many texts become strings piece by piece", () => {
  const many = Array.from({ length: 5000 }, (_, i) => `host-${i}${i % 1000 === 7 ? "é" : ""}.example.com`);
  assert.deepEqual(mergeRuns([runOf(many)], 0).toStrings(), inOrder(many));
});
